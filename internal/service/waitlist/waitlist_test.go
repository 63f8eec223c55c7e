package waitlist_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// list is a waitlist.List that remembers who was added.
type list struct {
	added    []waitlist.Person
	verified []string
	err      error
}

func (l *list) Add(_ context.Context, person waitlist.Person) (waitlist.Entry, error) {
	if l.err != nil {
		return waitlist.Entry{}, l.err
	}
	l.added = append(l.added, person)
	return waitlist.Entry{ID: int64(len(l.added))}, nil
}

func (l *list) Verify(_ context.Context, number sensitive.Phone) error {
	l.verified = append(l.verified, number.Reveal())
	return l.err
}

func TestVouchStoresAVerifiedNumberWhateverItsOwnerIsCalled(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Wanjiru": "Wanjiru", "": "WhatsApp", "a\x00b": "WhatsApp"} {
		stored := &list{}
		_, err := waitlist.New(stored).Vouch(t.Context(), sensitive.NewText(name), sensitive.NewPhone("254712345678")).Get()
		if err != nil || len(stored.added) != 1 || stored.added[0].Username.Reveal() != want {
			t.Errorf("%q: added %d, %v", name, len(stored.added), err)
		}
		if len(stored.verified) != 1 || stored.verified[0] != "+254712345678" {
			t.Errorf("%q: verified %v", name, stored.verified)
		}
	}
}

func TestVouchRefusesANumberOfAnotherCountry(t *testing.T) {
	t.Parallel()
	stored := &list{}
	_, err := waitlist.New(stored).Vouch(t.Context(), sensitive.NewText("Amani"), sensitive.NewPhone("255712345678")).Get()
	if !fault.Is(err, fault.Invalid) || len(stored.added) != 0 {
		t.Errorf("got %v after adding %d", err, len(stored.added))
	}
}

func TestJoinStoresTheCleanedPerson(t *testing.T) {
	t.Parallel()
	stored := &list{}
	entry, err := waitlist.New(stored).Join(t.Context(), waitlist.SignUp{
		Username: "\u00a0 John Doe\n", PhoneNumber: "0712 345 678",
	}).Get()
	if err != nil || entry.ID != 1 {
		t.Fatalf("got %+v, %v", entry, err)
	}
	got := stored.added[0]
	if got.Username.Reveal() != "John Doe" || got.PhoneNumber.Reveal() != "+254712345678" {
		t.Errorf("stored %q with %q", got.Username.Reveal(), got.PhoneNumber.Reveal())
	}
}

func TestJoinReportsEveryWrongFieldAndStoresNothing(t *testing.T) {
	t.Parallel()
	const badNumber = "must be a Kenyan mobile number, for example 0712 345 678"
	for name, test := range map[string]struct {
		in   waitlist.SignUp
		want []fault.Field
	}{
		"both": {waitlist.SignUp{}, []fault.Field{
			{Name: "username", Message: "must be 1 to 100 characters long"}, {Name: "phone_number", Message: badNumber}}},
		"name":   {waitlist.SignUp{Username: "a\tb", PhoneNumber: "0712345678"}, []fault.Field{{Name: "username", Message: "must not contain control characters"}}},
		"number": {waitlist.SignUp{Username: "John", PhoneNumber: "020 201 2345"}, []fault.Field{{Name: "phone_number", Message: badNumber}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := &list{}
			_, err := waitlist.New(stored).Join(t.Context(), test.in).Get()
			if !fault.Is(err, fault.Invalid) || len(stored.added) > 0 {
				t.Fatalf("got %v, stored %v", err, stored.added)
			}
			got := fault.Of(err).Fields
			if len(got) != len(test.want) {
				t.Fatalf("got %v, want %v", got, test.want)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("got %v, want %v", got[i], test.want[i])
				}
			}
		})
	}
}

func TestJoinPassesOnWhatTheListReports(t *testing.T) {
	t.Parallel()
	down := fault.New(fault.Unavailable, "later")
	_, err := waitlist.New(&list{err: down}).Join(t.Context(), waitlist.SignUp{Username: "John", PhoneNumber: "0712345678"}).Get()
	if !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}

func TestNamesPeopleHaveAreAccepted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"J", "Wanjirũ wa Ngũgĩ", "O'Brien-Smith, Jr.", "محمد", "क्\u200dष", "山田太郎", "👩\u200d💻", "\u200eJohn\u200e",
		strings.Repeat("ũ", 100), strings.Repeat(" ", 500) + "John",
	} {
		stored := &list{}
		_, err := waitlist.New(stored).Join(t.Context(), waitlist.SignUp{Username: name, PhoneNumber: "0712345678"}).Get()
		if err != nil {
			t.Errorf("%q: %v", name, err)
		} else if got := stored.added[0].Username.Reveal(); got != strings.TrimSpace(name) {
			t.Errorf("%q is stored as %q", name, got)
		}
	}
}

func TestNamesThatAreNoneAreRejected(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", " ", "\u2003\u00a0", "\u200b\u200d", strings.Repeat("a", 101), strings.Repeat("ũ", 101),
		"John\x00", "John\x7f", "Jo\nhn", "Jo\u0085hn", "Jo\u2028hn", "Jo\u2029hn", "Jo\xffhn",
	} {
		_, err := waitlist.New(&list{}).Join(t.Context(), waitlist.SignUp{Username: name, PhoneNumber: "0712345678"}).Get()
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Fields[0].Name != "username" {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestNothingThatWasTypedIsInAnError(t *testing.T) {
	t.Parallel()
	_, err := waitlist.New(&list{}).Join(t.Context(), waitlist.SignUp{Username: "Wan\x00jiru", PhoneNumber: "254799123456789"}).Get()
	if text := err.Error(); strings.Contains(text, "jiru") || strings.Contains(text, "799123") {
		t.Errorf("the error quotes the caller: %s", text)
	}
}
