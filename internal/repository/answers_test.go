package repository_test

import (
	"errors"
	"testing"

	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func TestAnAnswersFirstSendBeginsWithItUnlessSomethingHoldsItBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before string
		begin  bool
		want   whatsapp.Delivery
	}{
		"nothing does":         {`SELECT 1`, true, whatsapp.Sending},
		"it is not wanted":     {`SELECT 1`, false, whatsapp.Unsent},
		"the gate":             {`INSERT INTO sending_gate VALUES ('N', true, 190, 'why', 1, now(), now())`, true, whatsapp.Unsent},
		"another number's":     {`INSERT INTO sending_gate VALUES ('M', true, 190, 'why', 1, now(), now())`, true, whatsapp.Sending},
		"a quota that is used": {`INSERT INTO quota SELECT id, now() + interval '270 seconds' FROM person`, true, whatsapp.Unsent},
		"one that is not":      {`INSERT INTO quota SELECT id, now() + interval '200 seconds' FROM person`, true, whatsapp.Sending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			s.exec(`INSERT INTO person (user_id) VALUES ('KE.1')`)
			s.exec(tt.before)
			person := int64(count(t, s.pool, `SELECT id FROM person`))
			two := []whatsapp.OutgoingPart{{Body: sensitive.NewText("1")}, {Body: sensitive.NewText("2")}}
			conversations := repository.NewConversations(s.pool)
			parts, err := conversations.SaveAnswer(t.Context(), whatsapp.Answer{PersonID: person, PhoneNumberID: "N", Parts: two, Begin: tt.begin})
			if err != nil || len(parts) != 2 || parts[0].Delivery != tt.want || parts[1].Delivery != whatsapp.Unsent {
				t.Fatalf("got %+v, %v", parts, err)
			}
			due, err := conversations.Due(t.Context(), person)
			if err != nil || len(due.Parts) != 2 || due.Parts[0].ID != parts[0].ID || due.Parts[0].Delivery != tt.want || due.Parts[0].Attempts != parts[0].Attempts {
				t.Errorf("stored are %+v, %v", due.Parts, err)
			}
			if tt.want != whatsapp.Sending {
				return
			}
			if n := count(t, s.pool, `SELECT count(*) FROM quota WHERE full_at > now() + interval '5 seconds'`); n != 1 {
				t.Error("the person's quota does not count it")
			}
			if s.accept(parts[0], "w1"); s.delivery(parts[0]) != whatsapp.Accepted {
				t.Errorf("accepted, it is %q", s.delivery(parts[0]))
			}
		})
	}
}

func TestAnAnswerThatIsOvertakenBeginsNothing(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	id, _ := answered(t, s.pool)
	_, err := repository.NewConversations(s.pool).SaveAnswer(t.Context(), whatsapp.Answer{
		PersonID: id, PhoneNumberID: "N", MessageIDs: []int64{int64(count(t, s.pool, `SELECT min(id) FROM message`))},
		Parts: []whatsapp.OutgoingPart{{Body: sensitive.NewText("x")}}, Begin: true, Effect: whatsapp.OptOut,
	})
	if !errors.Is(err, whatsapp.ErrOvertaken) {
		t.Errorf("got %v", err)
	}
	if n := count(t, s.pool, `SELECT (SELECT count(*) FROM person WHERE opted_out_at IS NOT NULL) + (SELECT count(*) FROM quota)`); n != 0 {
		t.Error("it changed the person all the same")
	}
}
