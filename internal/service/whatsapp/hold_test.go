package whatsapp

import (
	"slices"
	"testing"
)

func TestService_SendingState(t *testing.T) {
	t.Parallel()
	f := &fakes{holds: []SendHold{{PhoneNumberID: "N", NeedsOperator: true, ErrorCode: 190}}}
	state, err := f.service(Options{}).SendingState(t.Context()).Get()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	if !slices.Equal(state.Holds, f.holds) {
		t.Errorf("got %+v, want %+v", state.Holds, f.holds)
	}
}
