package whatsapp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/markup"
	"aisha/internal/service/whatsapp/webhook"
)

// longAnswer returns about size bytes of paragraphs, each of several sentences.
func longAnswer(size int) string {
	var out strings.Builder
	for i := 0; out.Len() < size; i++ {
		fmt.Fprintf(&out, "%sThis is paragraph %d.\n\n", strings.Repeat("It has several sentences. ", 10), i)
	}
	return out.String()
}

func TestFormatAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text      string
		truncated bool
		wantParts int
		wantOffer bool
	}{
		"short":                           {"Habari", false, 1, false},
		"two_parts":                       {longAnswer(6_000), false, 2, false},
		"five_parts":                      {longAnswer(19_000), false, 5, false},
		"six_parts":                       {longAnswer(22_000), false, 5, true},
		"64_kib":                          {longAnswer(64 << 10), false, 5, true},
		"8_mib":                           {longAnswer(8 << 20), false, 5, true},
		"8_mib_of_stars":                  {strings.Repeat("*", 8<<20), false, 0, false},
		"8_mib_of_one_word":               {strings.Repeat("ñ", 4<<20), false, 5, true},
		"8_mib_of_links":                  {strings.Repeat("[a](http://a)", 8<<20/13), false, 0, true},
		"8_mib_of_quotes":                 {strings.Repeat("> ", 4<<20), false, 0, false},
		"stopped_by_the_token_limit":      {"The first half of", true, 1, true},
		"stopped_in_a_code_block":         {"```\nx := 1", true, 1, true},
		"stopped_at_the_end_of_a_part":    {strings.Repeat("a", markup.MaxTextUnits), true, 2, true},
		"stopped_after_more_than_5_parts": {longAnswer(30_000), true, 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			completion, bodies := formatAnswer(Completion{Text: sensitive.NewText(tt.text), Truncated: tt.truncated})
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v, want at most 20s on a busy machine", took)
			}
			if tt.wantParts > 0 && len(bodies) != tt.wantParts || len(bodies) > maxParts {
				t.Fatalf("%d parts, want %d", len(bodies), tt.wantParts)
			}
			for i, body := range bodies {
				if n := countUnits(body); n > markup.MaxTextUnits {
					t.Errorf("part %d has %d units, want at most %d", i, n, markup.MaxTextUnits)
				}
			}
			if tt.wantParts == 0 {
				return
			}
			last := bodies[len(bodies)-1]
			if got := strings.HasSuffix(last, "\n\n"+sentenceMore); got != tt.wantOffer {
				t.Errorf("the last part offers the rest: %t, want %t; it ends with %q", got, tt.wantOffer, last[max(0, len(last)-200):])
			}
			want := tt.text
			if tt.wantOffer {
				want = strings.Join(bodies, "\n\n")
			}
			if got := completion.Text.Reveal(); got != want {
				t.Errorf("stored text of %d bytes, want the %d bytes that are sent", len(got), len(want))
			}
		})
	}
	t.Run("ends_with_a_sentence", func(t *testing.T) {
		t.Parallel()
		_, bodies := formatAnswer(Completion{Text: sensitive.NewText(longAnswer(100_000))})
		last := strings.TrimSuffix(bodies[maxParts-1], "\n\n"+sentenceMore)
		if !strings.HasSuffix(last, ".") {
			t.Errorf("the text before the offer ends with %q, want the end of a sentence", last[len(last)-30:])
		}
	})
}

func TestCutText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want string
	}{
		"fits":                      {"0123456789", "0123456789"},
		"paragraph":                 {"1. 3 5\n\n8 9.1", "1. 3 5\n\n"},
		"line":                      {"1234. \n8 901", "1234. \n"},
		"sentence":                  {"12345. 89012", "12345. "},
		"word":                      {"1234567 9012", "1234567 "},
		"one_word":                  {"012345678901", "0123456789"},
		"not_inside_a_character":    {"012345678é1", "012345678"},
		"not_before_the_first_half": {"1. 345678901", "1. 3456789"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, cut := cutText(tt.text, 10)
			if got != tt.want || cut != (tt.want != tt.text) {
				t.Errorf("cutText(%q) = %q, %t; want %q", tt.text, got, cut, tt.want)
			}
		})
	}
}

func TestService_AnswerPerson_InvisibleCompletion(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		completion string
		message    UnansweredMessage
	}{
		"zero_width_space":        {"\u200b", textMessage(1, "a", time.Second)},
		"fillers":                 {"\u3164\u2800 \n", textMessage(1, "a", time.Second)},
		"after_a_note_on_a_file":  {"\u2060", imageMessage("application/zip", "look", time.Second)},
		"entity_of_an_invisible":  {"&#8203;", textMessage(1, "a", time.Second)},
		"bidirectional_controls":  {"\u202e\u2066", textMessage(1, "a", time.Second)},
		"byte_order_mark":         {"\ufeff", textMessage(1, "a", time.Second)},
		"white_space_of_all_kind": {"\u2003\u00a0\t\r\n", textMessage(1, "a", time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{completion: tt.completion, due: Due{Messages: []UnansweredMessage{tt.message}}}
			answerPerson(t, f.service(Options{}))
			if got := bodies(f.sent); got != DefaultApology {
				t.Errorf("sent %+q, want the apology", got)
			}
		})
	}
}

func TestService_AnswerPerson_LongAnswer(t *testing.T) {
	t.Parallel()
	f := &fakes{completion: longAnswer(8 << 20), due: Due{Messages: []UnansweredMessage{textMessage(1, "tell me everything", time.Second)}}}
	answerPerson(t, f.service(Options{}))
	if len(f.sent) != maxParts || !strings.HasSuffix(f.sent[maxParts-1].Body.Reveal(), sentenceMore) {
		t.Fatalf("sent %d messages, want %d with the offer at the end", len(f.sent), maxParts)
	}
	var sent []string
	for _, message := range f.sent {
		sent = append(sent, message.Body.Reveal())
	}
	if got, want := f.answers[0].Completion.Text.Reveal(), strings.Join(sent, "\n\n"); got != want {
		t.Errorf("stored an answer of %d bytes, want the %d bytes that were sent", len(got), len(want))
	}
}

// The words that the person is offered reach the model, although endelea is also
// a word for START.
func TestService_AnswerPerson_Continue(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"continue", "Continue.", "endelea", "*Endelea*"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			history := []Turn{{Question: sensitive.NewText("q"), Answer: sensitive.NewText("first half")}}
			f := &fakes{due: Due{History: history, Messages: []UnansweredMessage{textMessage(1, word, time.Second)}}}
			answerPerson(t, f.service(Options{}))
			if len(f.questions) != 1 || f.questions[0].Text.Reveal() != word || !slices.Equal(f.questions[0].History, history) {
				t.Errorf("asked %v, want %q with the history", f.questions, word)
			}
		})
	}
}

func TestService_AnswerPerson_LongQuestion(t *testing.T) {
	t.Parallel()
	const limit = maxQuestionCharacters
	for name, tt := range map[string]struct {
		text     string
		wantCut  bool
		wantSize int // in characters
	}{
		"at_the_limit":               {strings.Repeat("ñ", limit), false, limit},
		"over_the_limit":             {strings.Repeat("ñ", limit+1), true, limit},
		"characters_of_four_bytes":   {strings.Repeat("🙏", limit), false, limit},
		"far_over_the_limit_in_kind": {strings.Repeat("saa ngapi? ", limit), true, limit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{completion: "ok", due: Due{Messages: []UnansweredMessage{textMessage(1, tt.text, time.Second)}}}
			answerPerson(t, f.service(Options{}))
			if got := utf8.RuneCountInString(f.questions[0].Text.Reveal()); got != tt.wantSize {
				t.Errorf("asked with %d characters, want %d", got, tt.wantSize)
			}
			want := "ok"
			if tt.wantCut {
				want = noteQuestionCut + "\n\nok"
			}
			if got := bodies(f.sent); got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
		})
	}
}

func TestService_AnswerPerson_UndeliveredMessage(t *testing.T) {
	t.Parallel()
	undelivered := textMessage(1, "", time.Second)
	undelivered.Type = webhook.TypeUnavailable
	revoked := undelivered
	revoked.Revoked = true
	for name, tt := range map[string]struct {
		person   Person
		messages []UnansweredMessage
		want     string
	}{
		"alone":                  {Person{}, []UnansweredMessage{undelivered}, sentenceNotDelivered},
		"although_hinted_before": {Person{HintedRecently: true}, []UnansweredMessage{undelivered}, sentenceNotDelivered},
		"beside_a_text":          {Person{}, []UnansweredMessage{undelivered, textMessage(2, "a", time.Second)}, "answer to [unavailable]\na"},
		"deleted_by_its_sender":  {Person{}, []UnansweredMessage{revoked}, ""},
		"of_an_opted_out_person": {Person{OptedOut: true}, []UnansweredMessage{undelivered}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{due: Due{Person: tt.person, Messages: tt.messages}}
			answerPerson(t, f.service(Options{}))
			if got := bodies(f.sent); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}
