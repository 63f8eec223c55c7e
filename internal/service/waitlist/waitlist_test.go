package waitlist_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/ratelimit"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// fakeStore is a waitlist.Store that records its calls.
type fakeStore struct {
	added    []waitlist.NewEntry
	verified []string // numbers
	names    []string // of the verified entries
	rules    waitlist.ReferralRules
	err      error
}

// newService returns a Service with the codes of an empty key.
func newService(store waitlist.Store, perNumber ratelimit.Rate) *waitlist.Service {
	return waitlist.New(store, waitlist.Options{Codes: waitlist.NewCoder(nil), PerNumber: perNumber})
}

func (s *fakeStore) Add(_ context.Context, entry waitlist.NewEntry) (waitlist.Added, error) {
	if s.err != nil {
		return waitlist.Added{}, s.err
	}
	s.added = append(s.added, entry)
	return waitlist.Added{ID: int64(len(s.added))}, nil
}

func (s *fakeStore) Verify(_ context.Context, number sensitive.Phone, name sensitive.Text, rules waitlist.ReferralRules) error {
	s.rules = rules
	s.verified = append(s.verified, number.Reveal())
	s.names = append(s.names, name.Reveal())
	return s.err
}

func TestService_Join(t *testing.T) {
	t.Parallel()
	t.Run("stores_normalized_entry", func(t *testing.T) {
		t.Parallel()
		store := &fakeStore{}
		entry, err := newService(store, ratelimit.Rate{}).Join(t.Context(), waitlist.SignUp{
			Username: "\u00a0 John Doe\n", PhoneNumber: "0712 345 678",
		}).Get()
		if err != nil || entry.ID != 1 {
			t.Fatalf("got %+v, error %v, want ID 1", entry, err)
		}
		name, number := store.added[0].Username.Reveal(), store.added[0].PhoneNumber.Reveal()
		if name != "John Doe" || number != "+254712345678" {
			t.Errorf("stored %q with %q, want %q with %q", name, number, "John Doe", "+254712345678")
		}
	})
	t.Run("returns_store_error", func(t *testing.T) {
		t.Parallel()
		want := fault.New(fault.Unavailable, "later")
		_, err := newService(&fakeStore{err: want}, ratelimit.Rate{}).Join(t.Context(), waitlist.SignUp{Username: "John", PhoneNumber: "0712345678"}).Get()
		if !errors.Is(err, want) {
			t.Errorf("got error %v, want %v", err, want)
		}
	})
	t.Run("error_does_not_quote_input", func(t *testing.T) {
		t.Parallel()
		_, err := newService(&fakeStore{}, ratelimit.Rate{}).Join(t.Context(), waitlist.SignUp{Username: "Wan\x00jiru", PhoneNumber: "254799123456789"}).Get()
		if text := err.Error(); strings.Contains(text, "jiru") || strings.Contains(text, "799123") {
			t.Errorf("got error %q, want one without the input", text)
		}
	})
}

func TestService_Join_InvalidFields(t *testing.T) {
	t.Parallel()
	badNumber := func(code fault.FieldCode) fault.Field {
		return fault.Field{Name: "phone_number", Code: code, Message: "must be a Kenyan mobile number, for example 0712 345 678"}
	}
	for name, test := range map[string]struct {
		in   waitlist.SignUp
		want []fault.Field
	}{
		"name_and_number": {
			in: waitlist.SignUp{},
			want: []fault.Field{
				{Name: "username", Code: "required", Message: "must be 1 to 100 characters long"},
				badNumber("required"),
			},
		},
		"name": {
			in:   waitlist.SignUp{Username: "a\tb", PhoneNumber: "0712345678"},
			want: []fault.Field{{Name: "username", Code: "control_character", Message: "must not contain control characters"}},
		},
		"number": {
			in:   waitlist.SignUp{Username: "John", PhoneNumber: "020 201 2345"},
			want: []fault.Field{badNumber("not_mobile")},
		},
		"foreign_number": {
			in:   waitlist.SignUp{Username: "John", PhoneNumber: "+44 7911 123456"},
			want: []fault.Field{badNumber("not_kenyan")},
		},
		"tanzanian_number": {
			in:   waitlist.SignUp{Username: "John", PhoneNumber: "00255 712 345 678"},
			want: []fault.Field{badNumber("not_kenyan")},
		},
		"too_few_digits": {
			in:   waitlist.SignUp{Username: "John", PhoneNumber: "0712 345"},
			want: []fault.Field{badNumber("not_a_phone_number")},
		},
		"words": {
			in:   waitlist.SignUp{Username: "John", PhoneNumber: "my number"},
			want: []fault.Field{badNumber("not_a_phone_number")},
		},
		"blank_number": {
			in:   waitlist.SignUp{Username: "John", PhoneNumber: " \t"},
			want: []fault.Field{badNumber("required")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeStore{}
			_, err := newService(store, ratelimit.Rate{}).Join(t.Context(), test.in).Get()
			if !fault.Is(err, fault.Invalid) || len(store.added) > 0 {
				t.Fatalf("got error %v and %d stored entries, want fault.Invalid and none", err, len(store.added))
			}
			got := fault.Of(err).Fields
			if len(got) != len(test.want) {
				t.Fatalf("got fields %v, want %v", got, test.want)
			}
			for i := range got {
				if diff := cmp.Diff(test.want[i], got[i]); diff != "" {
					t.Errorf("field %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestService_JoinVerified(t *testing.T) {
	t.Parallel()
	t.Run("stores_verified_number_and_replaces_invalid_name", func(t *testing.T) {
		t.Parallel()
		for name, want := range map[string]string{
			"Wanjiru": "Wanjiru", " Wanjiru\n": "Wanjiru", "": "WhatsApp", "a\x00b": "WhatsApp", strings.Repeat("x", 101): "WhatsApp",
		} {
			store := &fakeStore{}
			_, err := newService(store, ratelimit.Rate{}).JoinVerified(t.Context(), sensitive.NewText(name), sensitive.NewPhone("254712345678")).Get()
			if err != nil || len(store.added) != 1 || store.added[0].Username.Reveal() != want {
				t.Errorf("name %q: got %d stored entries, error %v, want one entry with name %q", name, len(store.added), err, want)
			}
			if len(store.verified) != 1 || store.verified[0] != "+254712345678" {
				t.Errorf("name %q: got verified numbers %v, want only +254712345678", name, store.verified)
			}
			wantVerified := want
			if want == "WhatsApp" {
				wantVerified = "" // an entry that exists keeps its name
			}
			if diff := cmp.Diff([]string{wantVerified}, store.names); diff != "" {
				t.Errorf("name %q: verified names (-want +got):\n%s", name, diff)
			}
		}
	})
	t.Run("rejects_foreign_number", func(t *testing.T) {
		t.Parallel()
		store := &fakeStore{}
		_, err := newService(store, ratelimit.Rate{}).JoinVerified(t.Context(), sensitive.NewText("Amani"), sensitive.NewPhone("255712345678")).Get()
		if !fault.Is(err, fault.Invalid) || len(store.added) != 0 {
			t.Errorf("got error %v and %d stored entries, want fault.Invalid and none", err, len(store.added))
		}
	})
}

func TestService_Join_OptionalMembers(t *testing.T) {
	t.Parallel()
	codes := waitlist.NewCoder(nil)
	text := func(s string) *string { return &s }
	invalid := func(member string, code fault.FieldCode) string { return member + " " + string(code) }
	for name, tt := range map[string]struct {
		in   waitlist.SignUp
		want waitlist.NewEntry
		err  string // the field and the code
	}{
		"none":                       {in: waitlist.SignUp{}},
		"source_is_trimmed":          {in: waitlist.SignUp{Source: "\u00a0 radio\n"}, want: waitlist.NewEntry{Source: "radio"}},
		"source_of_64_characters":    {in: waitlist.SignUp{Source: strings.Repeat("ñ", 64)}, want: waitlist.NewEntry{Source: strings.Repeat("ñ", 64)}},
		"blank_source":               {in: waitlist.SignUp{Source: " \t\n"}},
		"source_of_65_characters":    {in: waitlist.SignUp{Source: strings.Repeat("a", 65)}, err: invalid("source", fault.FieldTooLong)},
		"source_with_line_break":     {in: waitlist.SignUp{Source: "a\nb"}, err: invalid("source", fault.FieldControlCharacter)},
		"source_with_nul":            {in: waitlist.SignUp{Source: "a\x00"}, err: invalid("source", fault.FieldControlCharacter)},
		"source_with_line_separator": {in: waitlist.SignUp{Source: "a\u2028b"}, err: invalid("source", fault.FieldControlCharacter)},
		"source_of_invalid_utf8":     {in: waitlist.SignUp{Source: "a\xff"}, err: invalid("source", fault.FieldNotUnicode)},
		"consent":                    {in: waitlist.SignUp{ConsentVersion: text(" v1 ")}, want: waitlist.NewEntry{ConsentVersion: "v1"}},
		"consent_without_version":    {in: waitlist.SignUp{ConsentVersion: text(" ")}, err: invalid("consent.version", fault.FieldRequired)},
		"consent_of_65_characters":   {in: waitlist.SignUp{ConsentVersion: text(strings.Repeat("a", 65))}, err: invalid("consent.version", fault.FieldTooLong)},
		"consent_with_tab":           {in: waitlist.SignUp{ConsentVersion: text("a\tb")}, err: invalid("consent.version", fault.FieldControlCharacter)},
		"code":                       {in: waitlist.SignUp{ReferralCode: codes.Code(7)}, want: waitlist.NewEntry{ReferrerID: 7}},
		"code_as_people_type_it":     {in: waitlist.SignUp{ReferralCode: " " + strings.ToLower(codes.Code(7)) + "\n"}, want: waitlist.NewEntry{ReferrerID: 7}},
		"text_that_is_not_a_code":    {in: waitlist.SignUp{ReferralCode: "a friend\x00"}},
		"long_text_as_a_code":        {in: waitlist.SignUp{ReferralCode: strings.Repeat("a", 1000)}},
		"code_of_another_service":    {in: waitlist.SignUp{ReferralCode: waitlist.NewCoder([]byte("other")).Code(7)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeStore{}
			tt.in.Username, tt.in.PhoneNumber = "John", "0712345678"
			added, err := newService(store, ratelimit.Rate{}).Join(t.Context(), tt.in).Get()
			if tt.err != "" {
				fields := fault.Of(err).Fields
				if !fault.Is(err, fault.Invalid) || len(fields) != 1 || invalid(fields[0].Name, fields[0].Code) != tt.err || len(store.added) > 0 {
					t.Errorf("got error %v with fields %v and %d stored entries, want only %q", err, fields, len(store.added), tt.err)
				}
				return
			}
			if err != nil || added.ReferralCode != codes.Code(added.ID) {
				t.Fatalf("got %+v, error %v, want the code %s", added, err, codes.Code(added.ID))
			}
			tt.want.Username, tt.want.PhoneNumber = sensitive.NewText("John"), sensitive.NewPhone("+254712345678")
			if got := store.added[0]; got != tt.want {
				t.Errorf("stored %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestService_JoinVerified_ReferralRules(t *testing.T) {
	t.Parallel()
	store, rules := &fakeStore{}, waitlist.ReferralRules{Daily: 1, Total: 2, Boost: 3}
	service := waitlist.New(store, waitlist.Options{Codes: waitlist.NewCoder(nil), Referrals: rules})
	if _, err := service.JoinVerified(t.Context(), sensitive.NewText("Amani"), sensitive.NewPhone("254712345678")).Get(); err != nil {
		t.Fatalf("JoinVerified: %v", err)
	}
	if store.rules != rules {
		t.Errorf("the store got the rules %+v, want %+v", store.rules, rules)
	}
}

func TestService_Join_LimitPerNumber(t *testing.T) {
	t.Parallel()
	store := &fakeStore{}
	service := newService(store, ratelimit.Rate{Requests: 2, Window: time.Minute})
	for i, tt := range []struct {
		number string
		kind   fault.Kind // Internal: no error
	}{
		{"0712345678", fault.Internal},
		{"+254 712 345 678", fault.Internal}, // the same number counts in any form
		{"254712345678", fault.RateLimited},
		{"0712345679", fault.Internal},
		{"071234567", fault.Invalid}, // an invalid sign-up does not count
		{"071234567", fault.Invalid},
		{"071234567", fault.Invalid},
	} {
		_, err := service.Join(t.Context(), waitlist.SignUp{Username: "John", PhoneNumber: tt.number}).Get()
		if (err != nil) != (tt.kind != fault.Internal) || err != nil && !fault.Is(err, tt.kind) {
			t.Errorf("sign-up %d with %s: got error %v, want the kind %v (internal: no error)", i, tt.number, err, tt.kind)
		}
		if tt.kind == fault.RateLimited && fault.Of(err).RetryAfter != time.Minute {
			t.Errorf("sign-up %d: got RetryAfter %v, want 1m", i, fault.Of(err).RetryAfter)
		}
	}
	if len(store.added) != 3 {
		t.Errorf("stored %d entries, want 3", len(store.added))
	}
	// A person who joins on WhatsApp is not limited.
	if _, err := service.JoinVerified(t.Context(), sensitive.NewText("John"), sensitive.NewPhone("254712345678")).Get(); err != nil {
		t.Errorf("JoinVerified: got error %v, want none", err)
	}
}
