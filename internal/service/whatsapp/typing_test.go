package whatsapp

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// The typing indicator is optional: the answer is sent without it.
func TestService_AnswerPerson_TypingIndicatorFails(t *testing.T) {
	t.Parallel()
	tests := map[string]*fakes{
		"error": {markReadErr: errors.New("timeout")},
		"panic": {markReadPanics: true},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.due.Messages = []UnansweredMessage{textMessage(1, "a", time.Minute)}
			answerPerson(t, f.service(Options{}))
			if want := []string{"wamid.in1"}; !slices.Equal(f.markedRead, want) {
				t.Errorf("marked as read %v, want %v", f.markedRead, want)
			}
			if got, want := bodies(f.sent), "answer to a"; got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
		})
	}
}
