package whatsapp

import (
	"testing"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

func TestService_AnswerPerson_WithoutModel(t *testing.T) {
	t.Parallel()
	text := func(text string) []UnansweredMessage {
		return []UnansweredMessage{textMessage(1, text, time.Minute)}
	}
	late := []UnansweredMessage{textMessage(1, "Habari", 13*time.Hour)}
	tooLate := func(text string) []UnansweredMessage {
		return []UnansweredMessage{textMessage(1, text, 25*time.Hour)}
	}
	sticker := []UnansweredMessage{{ID: 1, Type: "unsupported", Age: time.Minute}}
	revoked := []UnansweredMessage{{ID: 1, Type: "text", Revoked: true, Text: sensitive.NewText("STOP")}}
	noNumber := webhook.Identity{BSUID: "KE.1"}
	tests := map[string]struct {
		person   Person
		messages []UnansweredMessage
		sent     string // empty: nothing
		effect   Effect
		optedOut bool // afterwards
	}{
		"stop":                        {Person{}, text("STOP"), sentenceOptedOut, NoEffect, true},
		"acha_means_stop":             {Person{}, text(" Acha! "), sentenceOptedOut, NoEffect, true},
		"stop_is_confirmed_once":      {Person{OptedOut: true}, text("stop"), "", NoEffect, true},
		"opted_out":                   {Person{OptedOut: true}, text("Habari"), "", NoEffect, true},
		"start":                       {Person{OptedOut: true}, text("start"), sentenceOptedIn, NoEffect, false},
		"anza_means_start":            {Person{OptedOut: true}, text("Anza."), sentenceOptedIn, NoEffect, false},
		"newest_command_counts":       {Person{OptedOut: true}, append(text("stop"), text("start")...), sentenceOptedIn, NoEffect, false},
		"older_stop":                  {Person{ChoiceAt: time.Now()}, text("stop"), "", NoEffect, false},
		"older_start":                 {Person{OptedOut: true, ChoiceAt: time.Now()}, text("start"), "", NoEffect, true},
		"paused":                      {Person{Paused: true}, text("Habari"), "", NoEffect, false},
		"stop_while_paused":           {Person{Paused: true}, text("stop"), sentenceOptedOut, NoEffect, true},
		"machine_is_muted":            {Person{RecentAnswers: MachineAnswers}, text("Habari"), "", Mute, false},
		"beyond_reply_within":         {Person{}, late, sentenceLate, NoEffect, false},
		"older_stop_long_ago":         {Person{ChoiceAt: time.Now()}, []UnansweredMessage{textMessage(1, "stop", 13*time.Hour)}, "", NoEffect, false},
		"beyond_service_window":       {Person{}, tooLate("Habari"), "", NoEffect, false},
		"stop_beyond_service_window":  {Person{}, tooLate("stop"), "", NoEffect, true},
		"start_beyond_service_window": {Person{OptedOut: true}, tooLate("start"), "", NoEffect, false},
		"join":                        {Person{Identity: kenyan()}, text("JOIN"), sentenceJoined, NoEffect, false},
		"nataka_kujiunga_means_join":  {Person{Identity: kenyan()}, text("nataka kujiunga"), sentenceJoined, NoEffect, false},
		"join_without_number":         {Person{Identity: noNumber}, text("join"), sentenceNoNumber, NoEffect, false},
		"unreadable_message":          {Person{}, sticker, sentenceUnreadable, Hint, false},
		"unreadable_message_repeated": {Person{HintedRecently: true}, sticker, "", NoEffect, false},
		"revoked_message":             {Person{}, revoked, "", NoEffect, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{due: Due{Person: tt.person, Messages: tt.messages}}
			if next, want := answerPerson(t, f.service(Options{ReplyWithin: 12 * time.Hour})), (Next{}); next != want {
				t.Errorf("got %v, want %v", next, want)
			}
			if len(f.questions) != 0 {
				t.Errorf("asked the model %d times, want 0", len(f.questions))
			}
			if got := bodies(f.sent); got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
			if len(f.answers) != 1 {
				t.Fatalf("stored %d answers, want 1", len(f.answers))
			}
			if got := f.answers[0].Effect; got != tt.effect {
				t.Errorf("stored effect %q, want %q", got, tt.effect)
			}
			if got := f.due.Person.OptedOut; got != tt.optedOut {
				t.Errorf("opted out: got %t, want %t", got, tt.optedOut)
			}
			if got, want := len(f.answers[0].MessageIDs), len(tt.messages); got != want {
				t.Errorf("answered %d messages, want %d", got, want)
			}
		})
	}
}

func TestService_AnswerPerson_CommandIsTheWholeMessage(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"stop_in_a_question":   "Where does bus 46 stop?",
		"stop_in_a_request":    "please don't stop",
		"join_in_a_question":   "How do I join a table in SQL?",
		"start_within_a_word":  "startup",
		"acha_before_a_clause": "acha nikuambie",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{due: Due{Messages: []UnansweredMessage{textMessage(1, text, time.Minute)}}}
			answerPerson(t, f.service(Options{}))
			if got, want := len(f.questions), 1; got != want {
				t.Errorf("asked the model %d times about %q, want %d", got, text, want)
			}
		})
	}
}

// A START of a person who did not opt out is an ordinary message, whenever it
// arrives: "endelea" asks for the rest of an answer.
func TestService_AnswerPerson_OlderStartIsAnOrdinaryMessage(t *testing.T) {
	t.Parallel()
	f := &fakes{due: Due{
		Person:   Person{ChoiceAt: time.Now()},
		Messages: []UnansweredMessage{textMessage(1, "Endelea", time.Minute)},
	}}
	answerPerson(t, f.service(Options{}))
	if got, want := bodies(f.sent), "answer to Endelea"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// A later word that is also START does not hide the wish to join.
func TestService_AnswerPerson_JoinThenContinue(t *testing.T) {
	t.Parallel()
	f := &fakes{due: Due{
		Person:   Person{Identity: kenyan()},
		Messages: []UnansweredMessage{textMessage(1, "join", time.Minute), textMessage(2, "anza", time.Minute)},
	}}
	answerPerson(t, f.service(Options{}))
	if got := bodies(f.sent); got != sentenceJoined || len(f.joined) != 1 {
		t.Errorf("sent %q and joined %v, want the sentence for one who joined", got, f.joined)
	}
}
