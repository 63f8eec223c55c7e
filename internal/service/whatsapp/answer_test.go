package whatsapp

import (
	"errors"
	"slices"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

func TestService_AnswerPerson(t *testing.T) {
	t.Parallel()
	image := textMessage(2, "", time.Minute)
	image.Type = "image"
	f := &fakes{due: Due{
		Messages: []UnansweredMessage{textMessage(1, "a", time.Minute), image, textMessage(3, "b", time.Minute)},
		History:  []Turn{{Question: sensitive.NewText("before"), Answer: sensitive.NewText("earlier")}},
	}}
	if next, want := answerPerson(t, f.service(Options{Instructions: "be kind"})), (Next{}); next != want {
		t.Errorf("got %v, want %v", next, want)
	}
	if got, want := bodies(f.sent), "answer to a\n[image]\nb"; got != want {
		t.Fatalf("sent %q, want %q", got, want)
	}
	message := f.sent[0]
	if got, want := message.QuotedWAMID, "wamid.in3"; got != want {
		t.Errorf("quoted %q, want %q", got, want)
	}
	if got, want := message.Callback, "1-0"; got != want {
		t.Errorf("sent with callback data %q, want %q", got, want)
	}
	if got, want := message.PhoneNumberID, "N"; got != want {
		t.Errorf("sent from %q, want %q", got, want)
	}
	question := f.questions[0]
	if got, want := question.Instructions, "be kind"; got != want {
		t.Errorf("asked with instructions %q, want %q", got, want)
	}
	if got, want := question.History, f.due.History; !slices.Equal(got, want) {
		t.Errorf("asked with history %v, want %v", got, want)
	}
	if got, want := f.answers[0].MessageIDs, []int64{1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("answered messages %v, want %v", got, want)
	}
}

func TestService_AnswerPerson_SendsFromTheNumberThatReceived(t *testing.T) {
	t.Parallel()
	second := textMessage(2, "b", time.Minute)
	second.PhoneNumberID = "N2"
	f := &fakes{due: Due{Messages: []UnansweredMessage{textMessage(1, "a", time.Minute), second}}}
	answerPerson(t, f.service(Options{}))
	var got []string
	for _, m := range f.sent {
		got = append(got, m.PhoneNumberID)
	}
	if want := []string{"N", "N2"}; !slices.Equal(got, want) {
		t.Errorf("sent from %v, want %v", got, want)
	}
}

func TestService_AnswerPerson_Debounce(t *testing.T) {
	t.Parallel()
	for name, ages := range map[string][]time.Duration{
		"one_message":                     {time.Second},
		"newest_of_several":               {time.Hour, time.Minute, time.Second},
		"sent_earlier_but_received_later": {time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{}
			for i, age := range ages {
				f.due.Messages = append(f.due.Messages, textMessage(int64(i), "a", age))
			}
			next := answerPerson(t, f.service(Options{Debounce: 1500 * time.Millisecond}))
			if next.After <= 0 || next.After > 500*time.Millisecond {
				t.Errorf("got %v, want the rest of 500ms", next.After)
			}
			if len(f.questions) != 0 {
				t.Errorf("asked the model %d times, want 0", len(f.questions))
			}
			if want := []string{f.due.Messages[len(ages)-1].WAMID}; !slices.Equal(f.markedRead, want) {
				t.Errorf("marked as read %v, want %v", f.markedRead, want)
			}
		})
	}
}

func TestService_AnswerPerson_MarksNothingReadWithoutAnswer(t *testing.T) {
	t.Parallel()
	f := &fakes{due: Due{Person: Person{Paused: true}, Messages: []UnansweredMessage{textMessage(1, "a", time.Second)}}}
	answerPerson(t, f.service(Options{Debounce: time.Minute}))
	if len(f.markedRead) != 0 {
		t.Errorf("marked as read %v, want none", f.markedRead)
	}
}

func TestService_AnswerPerson_SendHold(t *testing.T) {
	t.Parallel()
	held := textMessage(1, "a", time.Minute)
	held.HoldRemaining = time.Minute
	f := &fakes{due: Due{Messages: []UnansweredMessage{held, textMessage(2, "b", time.Second)}}}
	next := answerPerson(t, f.service(Options{Debounce: 2 * time.Second}))
	if next.After < time.Minute || next.After > 75*time.Second {
		t.Errorf("got %v, want 1m0s and up to a quarter more", next.After)
	}
	if len(f.questions) != 0 {
		t.Errorf("asked the model %d times, want 0", len(f.questions))
	}
	if len(f.markedRead) != 0 {
		t.Errorf("marked as read %v, want none", f.markedRead)
	}
}

func TestService_AnswerPerson_MessageDuringCompletion(t *testing.T) {
	t.Parallel()
	f := &fakes{due: Due{Messages: []UnansweredMessage{textMessage(1, "a", time.Minute)}}}
	f.duringCompletion = func(f *fakes) {
		f.due.Messages = append(f.due.Messages, textMessage(2, "b", time.Minute))
	}
	answerPerson(t, f.service(Options{}))
	if got, want := bodies(f.sent), "answer to a|answer to b"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestService_AnswerPerson_Locked(t *testing.T) {
	t.Parallel()
	f := &fakes{locked: true, due: Due{Messages: []UnansweredMessage{textMessage(1, "a", time.Minute)}}}
	if next, want := answerPerson(t, f.service(Options{})), (Next{After: lockedRetry}); next != want {
		t.Errorf("got %v, want %v", next, want)
	}
	if len(f.sent) != 0 {
		t.Errorf("sent %d messages, want 0", len(f.sent))
	}
}

func TestService_AnswerPerson_AnsweredByAnotherWorker(t *testing.T) {
	t.Parallel()
	f := &fakes{answeredByOther: true, due: Due{Messages: []UnansweredMessage{textMessage(1, "a", time.Minute)}}}
	if next, want := answerPerson(t, f.service(Options{})), (Next{}); next != want {
		t.Errorf("got %v, want %v", next, want)
	}
	if len(f.sent) != 0 {
		t.Errorf("sent %d messages, want 0", len(f.sent))
	}
}

func TestService_AnswerPerson_ModelFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		age  time.Duration // of the oldest message
		want string        // sent; empty: the messages stay unanswered
	}{
		"refusal":                       {fault.New(fault.Blocked, "no"), time.Second, DefaultApology},
		"overload_is_retried":           {temporary(), time.Hour, ""},
		"missing_key_is_retried":        {fault.New(fault.NotConfigured, "no key"), time.Hour, ""},
		"other_error_is_retried":        {fault.New(fault.Upstream, "bad"), time.Minute, ""},
		"overload_beyond_reply_within":  {temporary(), 13 * time.Hour, DefaultApology},
		"other_error_beyond_its_period": {fault.New(fault.Upstream, "bad"), permanentFailurePeriod + time.Second, DefaultApology},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{modelErr: tt.err}
			for i, age := range []time.Duration{time.Second, tt.age, time.Second} {
				m := textMessage(int64(i), "a", age)
				m.SentAgo = time.Second
				f.due.Messages = append(f.due.Messages, m)
			}
			_, err := f.service(Options{ReplyWithin: 12 * time.Hour}).AnswerPerson(t.Context(), 7, 0).Get()
			if got := bodies(f.sent); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
			if tt.want != "" {
				if err != nil {
					t.Errorf("got error %v, want none", err)
				}
				return
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if got, want := len(f.due.Messages), 3; got != want {
				t.Errorf("%d messages are unanswered, want %d", got, want)
			}
		})
	}
}

func TestService_AnswerPerson_ConfiguredApology(t *testing.T) {
	t.Parallel()
	f := &fakes{modelErr: fault.New(fault.Blocked, "no"), due: Due{Messages: []UnansweredMessage{textMessage(1, "a", time.Minute)}}}
	answerPerson(t, f.service(Options{Apology: "Sorry."}))
	if got, want := bodies(f.sent), "Sorry."; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// A person has a conversation with each of our numbers. A send hold of one does
// not delay the other.
func TestService_AnswerPerson_TwoNumbers(t *testing.T) {
	t.Parallel()
	on := func(m UnansweredMessage, phoneNumberID string, hold time.Duration) UnansweredMessage {
		m.PhoneNumberID, m.HoldRemaining = phoneNumberID, hold
		return m
	}
	part := func(id, phoneNumberID string) AnswerPart {
		return AnswerPart{ID: id, PhoneNumberID: phoneNumberID, Body: sensitive.NewText("part " + id), Delivery: Unsent}
	}
	heldMessage := on(textMessage(1, "held", time.Minute), "H", time.Minute)
	freeMessage := on(textMessage(2, "free", time.Minute), "F", 0)
	for name, tt := range map[string]struct {
		due  Due
		want string // sent
	}{
		"message_after_a_held_message":  {Due{Messages: []UnansweredMessage{heldMessage, freeMessage}}, "answer to free"},
		"message_before_a_held_message": {Due{Messages: []UnansweredMessage{freeMessage, heldMessage}}, "answer to free"},
		"messages_around_a_held_one": {Due{Messages: []UnansweredMessage{freeMessage, heldMessage, on(textMessage(3, "too", time.Minute), "F", 0)}},
			"answer to free\ntoo"},
		"message_after_a_held_part":      {Due{Parts: []AnswerPart{part("1", "H")}, Messages: []UnansweredMessage{freeMessage}}, "answer to free"},
		"part_after_a_held_part":         {Due{Parts: []AnswerPart{part("1", "H"), part("2", "F")}}, "part 2"},
		"part_and_message_after_a_held":  {Due{Parts: []AnswerPart{part("1", "H"), part("2", "F")}, Messages: []UnansweredMessage{freeMessage}}, "part 2|answer to free"},
		"message_waits_for_its_own_part": {Due{Parts: []AnswerPart{part("1", "H")}, Messages: []UnansweredMessage{on(textMessage(1, "held", time.Minute), "H", 0)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{due: tt.due, heldNumber: "H"}
			next := answerPerson(t, f.service(Options{}))
			if next.After == 0 {
				t.Error("AnswerPerson waits for nothing, want for the end of the hold")
			}
			if got := bodies(f.sent); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}
