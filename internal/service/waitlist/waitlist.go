// Package waitlist validates sign-ups for the waiting list and normalizes their
// names and phone numbers.
//
// The repository stores the entries, and ensures that a phone number has only
// one.
package waitlist

import (
	"context"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/ratelimit"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// SignUp is a request to join the list, as the caller typed it.
type SignUp struct {
	Username       string
	PhoneNumber    string
	Source         string  // where the person signed up; empty: not known
	ReferralCode   string  // of another entry; a text that is not a code is ignored
	ConsentVersion *string // of the text that the person agreed to; nil: none
}

// NewEntry is a validated sign-up. Source, ReferrerID and ConsentVersion are stored
// only if the number has no entry yet.
type NewEntry struct {
	Username       sensitive.Text  // 1 to 100 characters, see cleanName
	PhoneNumber    sensitive.Phone // E.164, a Kenyan mobile number
	Source         string          // empty: none
	ReferrerID     int64           // from the referral code; 0: none; the entry may not exist
	ConsentVersion string          // empty: none
}

// Added is the result of a sign-up.
type Added struct {
	ID           int64  // from 1 on
	ReferralCode string // only Join sets it
}

// Store keeps the entries of the list.
type Store interface {
	// Add stores the entry and returns it. If the phone number already has an
	// entry, Add returns that one and leaves it unchanged, unless it was removed:
	// then it waits again, at the end of the list. Errors: fault.Unavailable.
	Add(ctx context.Context, entry NewEntry) (Added, error)
	// Verify records that the owner of the phone number asked to be on the list,
	// and stores the name as theirs unless it is empty. A verified entry stays
	// unchanged. If the entry came with a referral code, Verify credits the referral
	// according to the rules. Errors: fault.Unavailable.
	Verify(ctx context.Context, number sensitive.Phone, name sensitive.Text, rules ReferralRules) error
}

// Options are the settings of a Service.
type Options struct {
	Codes Codes // required
	// PerNumber limits how many sign-ups Join accepts for one phone number, so that
	// many addresses together cannot sign up a number over and over. Zero requests
	// mean no limit.
	PerNumber ratelimit.Rate
	Referrals ReferralRules
}

// Service adds entries to the waiting list.
type Service struct {
	store   Store
	options Options
	numbers *ratelimit.Limiter // nil: no limit
}

// New returns a Service that keeps its entries in store.
func New(store Store, options Options) *Service {
	return &Service{store: store, options: options, numbers: ratelimit.New(options.PerNumber)}
}

// Join adds a sign-up to the list. If the phone number already has an entry,
// Join returns that one, which waits again if it was removed. Errors: fault.Invalid with every invalid field,
// fault.RateLimited for too many sign-ups of the phone number, fault.Unavailable.
func (s *Service) Join(ctx context.Context, in SignUp) resource.Resource[Added] {
	return resource.From(s.join(ctx, in))
}

// JoinVerified adds a person who asked to join from the phone number itself, so
// that their entry is verified. Their name replaces that of an unverified entry,
// because another person may have signed the number up. An invalid name is not
// rejected: an entry keeps its name then, and a new one gets a replacement.
// Errors: fault.Invalid if the number is not a Kenyan mobile number,
// fault.Unavailable.
func (s *Service) JoinVerified(ctx context.Context, name sensitive.Text, number sensitive.Phone) resource.Resource[Added] {
	return resource.From(s.joinVerified(ctx, name, number))
}

// CanJoinVerified reports whether JoinVerified accepts the phone number.
func CanJoinVerified(number sensitive.Phone) bool {
	_, problem := normalizePhone(withPlus(number))
	return problem == ""
}

func (s *Service) join(ctx context.Context, in SignUp) (Added, error) {
	entry, err := in.validate()
	if err != nil {
		return Added{}, err
	}
	if !s.numbers.Take(entry.PhoneNumber.Reveal()) {
		err := fault.New(fault.RateLimited, "too many sign-ups for this phone number; try again later")
		err.RetryAfter = s.options.PerNumber.Window
		return Added{}, err
	}
	entry.ReferrerID, _ = s.options.Codes.ID(in.ReferralCode)
	added, err := s.store.Add(ctx, entry)
	if err != nil {
		return Added{}, err
	}
	added.ReferralCode = s.options.Codes.Code(added.ID)
	return added, nil
}

func (s *Service) joinVerified(ctx context.Context, name sensitive.Text, number sensitive.Phone) (Added, error) {
	const replacementName = "WhatsApp"

	cleaned, problem := cleanName(name.Reveal()) // empty where it is invalid
	signUp := SignUp{Username: cleaned, PhoneNumber: withPlus(number)}
	if problem != nil {
		signUp.Username = replacementName
	}
	newEntry, err := signUp.validate()
	if err != nil {
		return Added{}, err
	}
	entry, err := s.store.Add(ctx, newEntry)
	if err != nil {
		return Added{}, err
	}
	return entry, s.store.Verify(ctx, newEntry.PhoneNumber, sensitive.NewText(cleaned), s.options.Referrals)
}

// withPlus returns the number with a leading plus. Meta sends numbers without
// one.
func withPlus(number sensitive.Phone) string {
	return "+" + strings.TrimPrefix(number.Reveal(), "+")
}

// validate cleans the members and normalizes the phone number. Its error lists all
// invalid fields, so that a form can show every problem at once. It ignores the
// referral code.
func (in SignUp) validate() (NewEntry, error) {
	var invalid []fault.Field
	reject := func(name string, problem *fault.Field) {
		if problem != nil {
			invalid = append(invalid, fault.Field{Name: name, Code: problem.Code, Message: problem.Message})
		}
	}
	name, problem := cleanName(in.Username)
	reject("username", problem)
	number, phoneProblem := normalizePhone(in.PhoneNumber)
	if phoneProblem != "" {
		invalid = append(invalid, fault.Field{
			Name:    "phone_number",
			Code:    phoneProblem,
			Message: "must be a Kenyan mobile number, for example 0712 345 678",
		})
	}
	entry := NewEntry{Username: sensitive.NewText(name), PhoneNumber: sensitive.NewPhone(number)}
	entry.Source, problem = cleanLine(in.Source, maxLabel)
	reject("source", problem)
	if in.ConsentVersion != nil {
		entry.ConsentVersion, problem = cleanRequired(*in.ConsentVersion, maxLabel)
		reject("consent.version", problem)
	}
	if invalid != nil {
		return NewEntry{}, fault.InvalidFields(invalid)
	}
	return entry, nil
}
