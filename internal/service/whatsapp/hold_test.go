package whatsapp

import (
	"testing"
)

func TestService_SendingState(t *testing.T) {
	t.Parallel()
	temporary := func(id string) SendHold { return SendHold{PhoneNumberID: id} }
	forOperator := func(id string) SendHold { return SendHold{PhoneNumberID: id, NeedsOperator: true, ErrorCode: 190} }
	for name, tt := range map[string]struct {
		configured string   // our number
		sent       []string // numbers from which a message was sent
		holds      []SendHold
		want       SendingStatus
	}{
		"no_hold":                               {"N", nil, nil, SendingOpen},
		"our_number_is_held_temporarily":        {"N", nil, []SendHold{temporary("N")}, SendingWaiting},
		"our_number_is_held_for_the_operator":   {"N", []string{"N", "N2"}, []SendHold{temporary("N2"), forOperator("N")}, SendingStopped},
		"unknown_number_of_the_test_button":     {"N", []string{"N"}, []SendHold{forOperator("123456123")}, SendingWaiting},
		"before_our_number_has_sent":            {"N", nil, []SendHold{forOperator("123456123")}, SendingWaiting},
		"any_number_and_another_one_sends":      {"", []string{"N"}, []SendHold{forOperator("123456123")}, SendingWaiting},
		"any_number_and_each_one_is_held":       {"", []string{"N", "N2"}, []SendHold{forOperator("N"), forOperator("N2")}, SendingStopped},
		"any_number_and_one_of_two_is_held":     {"", []string{"N", "N2"}, []SendHold{forOperator("N"), temporary("N2")}, SendingWaiting},
		"any_number_and_none_has_sent":          {"", nil, []SendHold{forOperator("N")}, SendingStopped},
		"any_number_and_the_hold_is_temporary":  {"", nil, []SendHold{temporary("N")}, SendingWaiting},
		"any_number_and_only_the_held_one_sent": {"", []string{"N"}, []SendHold{forOperator("N")}, SendingStopped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{holds: tt.holds}
			service := f.service(Options{PhoneNumberID: tt.configured})
			for _, phoneNumberID := range tt.sent {
				part := AnswerPart{ID: "1", PhoneNumberID: phoneNumberID, Delivery: Unsent}
				f.due = Due{Parts: []AnswerPart{part}}
				answerPerson(t, service)
			}
			got, err := service.SendingState(t.Context()).Get()
			if err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			if got != tt.want {
				t.Errorf("SendingState: got %s, want %s", got, tt.want)
			}
		})
	}
}
