package whatsapp

import (
	"strings"
	"testing"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

func TestQuestionText(t *testing.T) {
	t.Parallel()
	quoting := func(quoted string) UnansweredMessage {
		m := textMessage(1, "And this one?", time.Minute)
		m.QuotedText = sensitive.NewText(quoted)
		return m
	}
	revoked := textMessage(2, "never mind", time.Minute)
	revoked.Revoked = true
	tests := map[string]struct {
		messages []UnansweredMessage
		want     string
	}{
		"quoted_message":      {[]UnansweredMessage{quoting("Phones cost 100")}, "(in reply to “Phones cost 100”) And this one?"},
		"long_quoted_message": {[]UnansweredMessage{quoting(strings.Repeat("x", maxQuotedText+1))}, "(in reply to “" + strings.Repeat("x", maxQuotedText) + "”) And this one?"},
		"several_messages":    {[]UnansweredMessage{textMessage(1, "a", 0), textMessage(2, "b", 0)}, "a\nb"},
		"revoked_message":     {[]UnansweredMessage{textMessage(1, "a", 0), revoked}, "a"},
		"file_with_name_and_caption": {
			[]UnansweredMessage{{Type: "document", Text: sensitive.NewText("read this"), Media: webhook.Media{ID: "M", Filename: sensitive.NewText("a.pdf")}}},
			"[document a.pdf] read this",
		},
		"type_without_text": {[]UnansweredMessage{{Type: "sticker"}}, "[sticker]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := questionText(tt.messages).Reveal(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
