package waitlist_test

import (
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/service/waitlist"
)

func TestService_Join_AcceptedNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"J", "Wanjirũ wa Ngũgĩ", "O'Brien-Smith, Jr.", "محمد", "क्\u200dष", "山田太郎", "👩\u200d💻", "\u200eJohn\u200e",
		strings.Repeat("ũ", 100), strings.Repeat(" ", 500) + "John",
	} {
		store := &fakeStore{}
		_, err := waitlist.New(store).Join(t.Context(), waitlist.SignUp{Username: name, PhoneNumber: "0712345678"}).Get()
		if err != nil {
			t.Errorf("name %q: got error %v, want none", name, err)
		} else if got, want := store.added[0].Username.Reveal(), strings.TrimSpace(name); got != want {
			t.Errorf("name %q: stored %q, want %q", name, got, want)
		}
	}
}

func TestService_Join_RejectedNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", " ", "\u2003\u00a0", "\u200b\u200d", strings.Repeat("a", 101), strings.Repeat("ũ", 101),
		"John\x00", "John\x7f", "Jo\nhn", "Jo\u0085hn", "Jo\u2028hn", "Jo\u2029hn", "Jo\xffhn",
	} {
		_, err := waitlist.New(&fakeStore{}).Join(t.Context(), waitlist.SignUp{Username: name, PhoneNumber: "0712345678"}).Get()
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Fields[0].Name != "username" {
			t.Errorf("name %q: got error %v, want fault.Invalid for username", name, err)
		}
	}
}
