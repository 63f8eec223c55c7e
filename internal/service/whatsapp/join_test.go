package whatsapp

import (
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

func TestWhoCanJoinTheWaitingListIsOfferedAButtonOnce(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", maxButtonText/5+1)
	blocked := fault.New(fault.Blocked, "no")
	for name, tt := range map[string]struct {
		person  Person
		said    string
		foreign bool
		err     error
		want    bool
	}{
		"they can":                 {said: "hi", want: true},
		"they are on it":           {said: "hi", person: Person{Listed: true}},
		"they were asked lately":   {said: "hi", person: Person{Invited: true}},
		"their number cannot":      {said: "hi", foreign: true},
		"the text is too long":     {said: long},
		"the model has no words":   {said: "hi", err: blocked},
		"the answer is a sentence": {said: "stop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{foreign: tt.foreign, modelErr: tt.err, due: Due{Person: tt.person, Waiting: []Waiting{waiting(1, "text", tt.said, time.Minute)}}}
			if _, err := w.service(Options{}).Reply(t.Context(), 7).Get(); err != nil {
				t.Fatal(err)
			}
			button := w.sent[len(w.sent)-1].Button
			if (button != "") != tt.want || (w.answers[0].Effect == Invite) != tt.want {
				t.Errorf("got the button %q and effect %d", button, w.answers[0].Effect)
			}
		})
	}
}

func TestWhoPressesTheButtonJoins(t *testing.T) {
	t.Parallel()
	pressed := waiting(1, "interactive", joinButton, time.Minute)
	w := &world{due: Due{Person: Person{Identity: Identity{Phone: sensitive.NewPhone("254712345678")}}, Waiting: []Waiting{pressed}}}
	if _, err := w.service(Options{}).Reply(t.Context(), 7).Get(); err != nil {
		t.Fatal(err)
	}
	if len(w.joined) != 1 || bodies(w.sent) != sentenceJoined {
		t.Errorf("joined %v and was told %q", w.joined, bodies(w.sent))
	}
}

func TestTheButtonFitsOntoAButton(t *testing.T) {
	t.Parallel()
	if n := units(joinButton); n > 20 { // Meta's limit
		t.Errorf("it has %d units", n)
	}
}
