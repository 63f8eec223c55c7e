package whatsapp

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"aisha/internal/fault"
)

func TestService_AnswerPerson_OffersToJoin(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", maxButtonText/5+1)
	for name, tt := range map[string]struct {
		person     Person
		text       string
		cannotJoin bool
		modelErr   error
		want       bool
	}{
		"can_join":               {text: "hi", want: true},
		"listed":                 {text: "hi", person: Person{Listed: true}},
		"offered_recently":       {text: "hi", person: Person{JoinOfferedRecently: true}},
		"number_is_not_accepted": {text: "hi", cannotJoin: true},
		"answer_is_too_long":     {text: long},
		"answer_is_the_apology":  {text: "hi", modelErr: fault.New(fault.Blocked, "no")},
		"answer_is_a_sentence":   {text: "stop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{
				cannotJoin: tt.cannotJoin,
				modelErr:   tt.modelErr,
				due:        Due{Person: tt.person, Messages: []UnansweredMessage{textMessage(1, tt.text, time.Minute)}},
			}
			answerPerson(t, f.service(Options{}))
			wantButton := ""
			if tt.want {
				wantButton = joinButton
			}
			if got := f.sent[len(f.sent)-1].Button; got != wantButton {
				t.Errorf("got the button %q, want %q", got, wantButton)
			}
			if effect := f.answers[0].Effect; (effect == OfferJoin) != tt.want {
				t.Errorf("stored effect %q, want %q: %v", effect, OfferJoin, tt.want)
			}
		})
	}
}

func TestService_AnswerPerson_AsksAboutAnUnconfirmedEntry(t *testing.T) {
	t.Parallel()
	unconfirmed := Person{Listed: true, UnconfirmedEntry: true}
	for name, tt := range map[string]struct {
		person Person
		text   string
		want   []string // parts
		button string   // of the last part
	}{
		"short_answer":                 {unconfirmed, "hi", []string{"answer to hi\n\n" + sentenceListed}, joinButton},
		"long_answer":                  {unconfirmed, strings.Repeat("x", 900), []string{"answer to " + strings.Repeat("x", 900), sentenceListed}, joinButton},
		"offered_before_the_sign_up":   {Person{Listed: true, UnconfirmedEntry: true, JoinOfferedRecently: true}, "hi", []string{"answer to hi\n\n" + sentenceListed}, joinButton},
		"asked_before_or_verified":     {Person{Listed: true}, "hi", []string{"answer to hi"}, ""},
		"not_listed_is_offered_a_spot": {Person{}, "hi", []string{"answer to hi"}, joinButton},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{due: Due{Person: tt.person, Messages: []UnansweredMessage{textMessage(1, tt.text, time.Minute)}}}
			answerPerson(t, f.service(Options{}))
			if got, want := bodies(f.sent), strings.Join(tt.want, "|"); got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
			if got := f.sent[len(f.sent)-1].Button; got != tt.button {
				t.Errorf("button: got %q, want %q", got, tt.button)
			}
			if got, want := f.answers[0].Effect == OfferJoin, tt.button != ""; got != want {
				t.Errorf("stores that the person was asked: got %t, want %t", got, want)
			}
			if got, want := strings.Contains(f.answers[0].Completion.Text.Reveal(), sentenceListed), tt.person.UnconfirmedEntry; got != want {
				t.Errorf("the question is part of the history: got %t, want %t", got, want)
			}
			if len(f.joined) > 0 {
				t.Errorf("joined %v, want nothing changed", f.joined)
			}
		})
	}
}

// The sentence promises nothing: the service writes to people only in answers.
func TestSentenceJoined(t *testing.T) {
	t.Parallel()
	for _, promise := range []string{"will", "your turn", "zamu yako", "Tuta"} {
		if strings.Contains(sentenceJoined, promise) {
			t.Errorf("the sentence contains %q: %s", promise, sentenceJoined)
		}
	}
}

func TestService_AnswerPerson_JoinButton(t *testing.T) {
	t.Parallel()
	pressed := textMessage(1, joinButton, time.Minute)
	pressed.Type = "interactive"
	f := &fakes{due: Due{Person: Person{Identity: kenyan()}, Messages: []UnansweredMessage{pressed}}}
	answerPerson(t, f.service(Options{}))
	if want := []string{"254712345678"}; !slices.Equal(f.joined, want) {
		t.Errorf("joined %v, want %v", f.joined, want)
	}
	if got, want := bodies(f.sent), sentenceJoined; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestService_AnswerPerson_JoinFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want string // sent; empty: the job is retried
	}{
		"number_of_another_country": {fault.New(fault.Invalid, "no"), sentenceNoNumber},
		"database_is_unreachable":   {fault.New(fault.Unavailable, "away"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{joinErr: tt.err, due: Due{Person: Person{Identity: kenyan()}, Messages: []UnansweredMessage{textMessage(1, "join", time.Minute)}}}
			_, err := f.service(Options{}).AnswerPerson(t.Context(), 7, 0).Get()
			if got := bodies(f.sent); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
			wantErr := tt.err
			if tt.want != "" {
				wantErr = nil
			}
			if !errors.Is(err, wantErr) {
				t.Errorf("got error %v, want %v", err, wantErr)
			}
		})
	}
}

func TestJoinButton(t *testing.T) {
	t.Parallel()
	const limit = 20 // Meta's, for the title of a button
	if got := len(utf16.Encode([]rune(joinButton))); got > limit {
		t.Errorf("the title has %d UTF-16 units, want at most %d", got, limit)
	}
	if got, want := commandOf(normalizeCommand(joinButton)), commandJoin; got != want {
		t.Errorf("pressing the button is command %d, want %d", got, want)
	}
}
