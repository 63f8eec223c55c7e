package whatsapp

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

func TestChoice_Replaces(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		choice Choice
		made   time.Time
		want   bool
	}{
		"first_opt_out":                {Choice{OptOut: true, At: noon}, time.Time{}, true},
		"first_opt_in":                 {Choice{At: noon}, time.Time{}, true},
		"newer_opt_in":                 {Choice{At: noon.Add(time.Second)}, noon, true},
		"older_opt_in":                 {Choice{At: noon.Add(-time.Hour)}, noon, false},
		"older_opt_out":                {Choice{OptOut: true, At: noon.Add(-time.Second)}, noon, false},
		"opt_out_in_the_same_second":   {Choice{OptOut: true, At: noon}, noon.Add(time.Second / 2), true},
		"opt_in_in_the_same_second":    {Choice{At: noon.Add(time.Second / 2)}, noon, false},
		"opt_out_before_a_new_second":  {Choice{OptOut: true, At: noon.Add(-time.Millisecond)}, noon, false},
		"opt_in_days_after_an_opt_out": {Choice{At: noon.Add(100 * time.Hour)}, noon, true},
	} {
		if got := tt.choice.Replaces(tt.made); got != tt.want {
			t.Errorf("%s: got %t, want %t", name, got, tt.want)
		}
	}
}

// choiceMessage returns a text of the person with the user id, sent to the number N.
func choiceMessage(bsuid, text string, sentAt time.Time) webhook.Message {
	return webhook.Message{
		WAMID:         "wamid." + bsuid + text,
		PhoneNumberID: "N",
		Sender:        webhook.Identity{BSUID: bsuid},
		Text:          sensitive.NewText(text),
		SentAt:        sentAt,
	}
}

// withNote returns a text of the person A with a note that Decode adds.
func withNote(text, note string, sentAt time.Time) webhook.Message {
	message := choiceMessage("A", text, sentAt)
	message.Text = sensitive.NewText(text + note)
	return message
}

func TestAddChoices(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	before := now.Add(-time.Minute)
	stop := webhook.Preference{
		Who:           webhook.Identity{BSUID: "A"},
		PhoneNumberID: "N",
		OptOut:        true,
		At:            before,
		WAMID:         "wamid.ASTOP",
		Confirmation:  sensitive.NewText(sentenceOptedOut),
	}
	start := webhook.Preference{
		Who:           webhook.Identity{BSUID: "A"},
		PhoneNumberID: "N",
		At:            before,
		WAMID:         "wamid.Astart",
		Confirmation:  sensitive.NewText(sentenceOptedIn),
	}
	tooOld, stopB, startLater := stop, stop, start
	tooOld.At, tooOld.Confirmation = now.Add(-25*time.Hour), sensitive.Text{}
	stopB.Who.BSUID, stopB.WAMID = "B", "wamid.BSTOP"
	startLater.At = before.Add(time.Second)
	for name, tt := range map[string]struct {
		messages []webhook.Message
		want     []webhook.Preference
	}{
		"no_choice":                      {[]webhook.Message{choiceMessage("A", "Where does bus 46 stop?", before)}, nil},
		"stop":                           {[]webhook.Message{choiceMessage("A", "STOP", before)}, []webhook.Preference{stop}},
		"start":                          {[]webhook.Message{choiceMessage("A", "start", before)}, []webhook.Preference{start}},
		"stop_beyond_the_service_window": {[]webhook.Message{choiceMessage("A", "STOP", tooOld.At)}, []webhook.Preference{tooOld}},
		"later_choice_of_one_second_counts": {
			[]webhook.Message{choiceMessage("A", "STOP", before), choiceMessage("A", "start", before)}, []webhook.Preference{start}},
		"stop_after_start_in_one_second": {
			[]webhook.Message{choiceMessage("A", "start", before), choiceMessage("A", "STOP", before)}, []webhook.Preference{stop}},
		"choices_of_two_seconds": {
			[]webhook.Message{choiceMessage("A", "STOP", before), choiceMessage("A", "start", startLater.At)}, []webhook.Preference{stop, startLater}},
		"stop_about_a_product": {
			[]webhook.Message{withNote("STOP", "\n(about the product P7)", before)}, []webhook.Preference{stop}},
		"stop_from_an_advertisement": {
			[]webhook.Message{withNote("STOP", "\n(came from the advertisement “Buy”)", before)}, []webhook.Preference{stop}},
		"choices_of_two_persons": {
			[]webhook.Message{choiceMessage("A", "STOP", before), choiceMessage("B", "STOP", before)}, []webhook.Preference{stop, stopB}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := webhook.Batch{Messages: tt.messages}
			addChoices(&batch, now)
			if diff := cmp.Diff(tt.want, batch.Preferences, cmp.AllowUnexported(sensitive.Text{}, sensitive.Phone{})); diff != "" {
				t.Errorf("preferences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddChoices_TimeOfPreference(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tt := range map[string]struct{ at, want time.Time }{
		"past":  {now.Add(-time.Hour), now.Add(-time.Hour)},
		"ahead": {now.Add(30 * time.Second), now.Add(30 * time.Second)}, // Meta's clock, as for messages
	} {
		batch := webhook.Batch{Preferences: []webhook.Preference{{OptOut: true, At: tt.at}}}
		addChoices(&batch, now)
		if got := batch.Preferences[0].At; !got.Equal(tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// Meta refuses a confirmation after the service window.
func TestAddChoices_ConfirmationOfPreference(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tt := range map[string]struct {
		optOut bool
		age    time.Duration
		want   string
	}{
		"stop":              {true, time.Hour, sentenceOptedOut},
		"stop_six_days_old": {true, 6 * 24 * time.Hour, ""},
		"resume":            {false, time.Hour, ""},
	} {
		batch := webhook.Batch{Preferences: []webhook.Preference{{OptOut: tt.optOut, At: now.Add(-tt.age)}}}
		addChoices(&batch, now)
		if got := batch.Preferences[0].Confirmation.Reveal(); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// A person who corrects "ST0P" to "STOP" wants to get no more messages, also when
// the first text was answered.
func TestAddChoices_Edit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	edit := webhook.Edit{
		WAMID:         "wamid.A",
		PhoneNumberID: "N",
		Sender:        webhook.Identity{BSUID: "A"},
		Text:          sensitive.NewText("STOP\n(about the product P7)"),
		EditedAt:      now.Add(-time.Minute),
	}
	stop := webhook.Preference{
		Who:           edit.Sender,
		PhoneNumberID: "N",
		OptOut:        true,
		At:            edit.EditedAt,
		Confirmation:  sensitive.NewText(sentenceOptedOut),
	}
	byNumber, old, start, question, anonymous, untimed := edit, edit, edit, edit, edit, edit
	byNumber.Sender = webhook.Identity{WaID: sensitive.NewPhone("254712345678")}
	old.EditedAt = now.Add(-48 * time.Hour)
	start.Text, question.Text = sensitive.NewText("start"), sensitive.NewText("does it stop?")
	anonymous.Sender, untimed.EditedAt = webhook.Identity{}, time.Time{}
	stopByNumber, oldStop := stop, stop
	stopByNumber.Who = byNumber.Sender
	oldStop.At, oldStop.Confirmation = old.EditedAt, sensitive.Text{}
	for name, tt := range map[string]struct {
		edit webhook.Edit
		want []webhook.Preference
	}{
		"stop":           {edit, []webhook.Preference{stop}},
		"stop_by_number": {byNumber, []webhook.Preference{stopByNumber}},
		"stop_of_old":    {old, []webhook.Preference{oldStop}},
		"start":          {start, nil},
		"question":       {question, nil},
		"unknown_sender": {anonymous, nil},
		"unknown_time":   {untimed, nil},
	} {
		batch := webhook.Batch{Edits: []webhook.Edit{tt.edit}}
		addChoices(&batch, now)
		if diff := cmp.Diff(tt.want, batch.Preferences, cmp.AllowUnexported(sensitive.Text{}, sensitive.Phone{})); diff != "" {
			t.Errorf("%s: preferences (-want +got):\n%s", name, diff)
		}
	}
}

// Ten times as many choices take about ten times as long. It was a hundred times when
// each choice was compared with all others.
func TestAddChoices_ThousandsOfChoices(t *testing.T) {
	t.Parallel()
	now := time.Now()
	shortest := func(n int) time.Duration {
		best := time.Hour
		for range 5 {
			var batch webhook.Batch
			for i := range n {
				batch.Messages = append(batch.Messages, choiceMessage(fmt.Sprint("KE.", i), "STOP", now))
			}
			start := time.Now()
			addChoices(&batch, now)
			best = min(best, time.Since(start))
			if got := len(batch.Preferences); got != n {
				t.Errorf("got %d preferences, want %d", got, n)
			}
		}
		return best
	}
	if few, many := shortest(900), shortest(9_000); many > 40*few {
		t.Errorf("900 choices took %v and 9,000 took %v, want at most 40 times as long", few, many)
	}
}

// An earlier version stored the message, or it was edited: the worker applies the
// choice before it sends anything.
func TestService_AnswerPerson_UnappliedStop(t *testing.T) {
	t.Parallel()
	f := &fakes{due: Due{
		Parts: unsentParts(2),
		Messages: []UnansweredMessage{
			textMessage(1, "a question", 3*time.Minute), textMessage(2, "stop", 2*time.Minute), textMessage(3, "and another", time.Minute),
		},
	}}
	f.due.Messages[0].HoldRemaining = time.Hour // neither a hold nor the debounce delays an opt-out
	answerPerson(t, f.service(Options{Debounce: time.Hour}))
	if got := len(f.choices); got != 1 {
		t.Fatalf("applied %d choices, want 1", got)
	}
	if got := f.choices[0]; !got.OptOut || got.MessageID != 2 || got.PersonID != 7 {
		t.Errorf("applied %+v, want the opt-out of person 7 by message 2", got)
	}
	if got := bodies(f.sent); got != sentenceOptedOut {
		t.Errorf("sent %q, want %q", got, sentenceOptedOut)
	}
	if len(f.questions) != 0 {
		t.Errorf("asked the model %d times, want 0", len(f.questions))
	}
	if diff := cmp.Diff([]int64{1, 2}, f.answers[0].MessageIDs); diff != "" {
		t.Errorf("messages that the confirmation answers (-want +got):\n%s", diff)
	}
}

func TestService_AnswerPerson_StopIsNotPartOfTheQuestion(t *testing.T) {
	t.Parallel()
	f := &fakes{due: Due{
		Person: Person{ChoiceAt: time.Now()}, // START, newer than this STOP
		Messages: []UnansweredMessage{
			textMessage(1, "STOP", 2*time.Hour), textMessage(2, "Habari", time.Minute),
		},
	}}
	answerPerson(t, f.service(Options{}))
	if len(f.questions) != 1 {
		t.Fatalf("asked the model %d times, want 1", len(f.questions))
	}
	if got, want := f.questions[0].Text.Reveal(), "Habari"; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	if got := len(f.answers[0].MessageIDs); got != 2 {
		t.Errorf("answered %d messages, want 2", got)
	}
}

// The button of an advertisement writes the text, and Meta adds the advertisement.
func TestService_AnswerPerson_JoinFromAnAdvertisement(t *testing.T) {
	t.Parallel()
	message := textMessage(1, "Join!\n(came from the advertisement “Join the list”)", time.Minute)
	f := &fakes{due: Due{Person: Person{Identity: kenyan()}, Messages: []UnansweredMessage{message}}}
	answerPerson(t, f.service(Options{}))
	if got := bodies(f.sent); got != sentenceJoined {
		t.Errorf("sent %q, want %q", got, sentenceJoined)
	}
	if len(f.questions) != 0 {
		t.Errorf("asked the model %d times, want 0", len(f.questions))
	}
}

func TestService_AnswerPerson_StartOfANewPersonGoesToTheModel(t *testing.T) {
	t.Parallel()
	message := textMessage(1, "start", time.Minute)
	f := &fakes{due: Due{Person: Person{ChoiceAt: message.SentAt}, Messages: []UnansweredMessage{message}}}
	answerPerson(t, f.service(Options{}))
	if len(f.questions) != 1 {
		t.Errorf("asked the model %d times, want 1", len(f.questions))
	}
}

// The repository compares the recipient with the person that is stored.
func TestService_AnswerPerson_BeginsSendsToThePersonOfDue(t *testing.T) {
	t.Parallel()
	f := &fakes{sendWait: time.Hour, due: Due{Person: Person{Identity: kenyan()}, Messages: []UnansweredMessage{textMessage(1, "hi", time.Minute)}}}
	answerPerson(t, f.service(Options{}))
	if got := f.answers[0].Recipient; got != kenyan() {
		t.Errorf("recipient of the answer: got %+v, want %+v", got, kenyan())
	}
	if diff := cmp.Diff(1, len(f.recipients)); diff != "" {
		t.Fatalf("begun sends (-want +got):\n%s", diff)
	}
	if got := f.recipients[0]; got != kenyan() {
		t.Errorf("recipient of the send: got %+v, want %+v", got, kenyan())
	}
}
