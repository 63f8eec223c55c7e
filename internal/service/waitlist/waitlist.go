// Package waitlist decides who may sign up for the waiting list, and in which
// form their name and phone number are kept.
//
// It leaves storing to the repository, which also decides that a number stands
// on the list once.
package waitlist

import (
	"context"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// SignUp is what somebody who wants to join sends us, as they typed it.
type SignUp struct {
	Username    string
	PhoneNumber string
}

// Person is who stands on the list.
type Person struct {
	Username    sensitive.Text  // 1 to 100 characters without space around them
	PhoneNumber sensitive.Phone // E.164, a Kenyan mobile number
}

// Entry is a person's place on the list.
type Entry struct {
	ID int64 // from 1 on
}

// List stores who signed up.
type List interface {
	// Add puts the person on the list and returns their entry, which is the
	// one that stands already where the number is on the list. What is stored
	// stays as it was. Errors: fault.Unavailable.
	Add(ctx context.Context, person Person) (Entry, error)
	// Verify notes that the number is known to be its owner's. Errors:
	// fault.Unavailable.
	Verify(ctx context.Context, number sensitive.Phone) error
}

// Service is the waiting list.
type Service struct{ list List }

// New makes a Service.
func New(list List) *Service { return &Service{list} }

// Join puts somebody on the list; a number that is on it already keeps its
// entry. Errors: fault.Invalid with every field that is wrong,
// fault.Unavailable.
func (s *Service) Join(ctx context.Context, in SignUp) resource.Resource[Entry] {
	return resource.From(s.join(ctx, in))
}

// Vouch puts somebody on the list with a number that is known to be theirs;
// whatever they call themselves will do. Errors: fault.Invalid where the number
// is not a Kenyan mobile one, fault.Unavailable.
func (s *Service) Vouch(ctx context.Context, name sensitive.Text, number sensitive.Phone) resource.Resource[Entry] {
	return resource.From(s.vouch(ctx, name, number))
}

// CanVouch reports whether a number that is known to be somebody's can be on
// the list.
func CanVouch(number sensitive.Phone) bool {
	_, ok := normalise("+" + strings.TrimPrefix(number.Reveal(), "+"))
	return ok
}

func (s *Service) vouch(ctx context.Context, name sensitive.Text, number sensitive.Phone) (Entry, error) {
	signUp := SignUp{Username: name.Reveal(), PhoneNumber: "+" + strings.TrimPrefix(number.Reveal(), "+")}
	if _, problem := cleanName(signUp.Username); problem != "" {
		signUp.Username = "WhatsApp" // their number is what counts
	}
	person, err := signUp.person()
	if err != nil {
		return Entry{}, err
	}
	entry, err := s.list.Add(ctx, person)
	if err != nil {
		return Entry{}, err
	}
	return entry, s.list.Verify(ctx, person.PhoneNumber)
}

func (s *Service) join(ctx context.Context, in SignUp) (Entry, error) {
	person, err := in.person()
	if err != nil {
		return Entry{}, err
	}
	return s.list.Add(ctx, person)
}

// person is who signs up, or the error with everything that is wrong, so that
// a form can show it all at once.
func (in SignUp) person() (Person, error) {
	var wrong []fault.Field
	name, problem := cleanName(in.Username)
	if problem != "" {
		wrong = append(wrong, fault.Field{Name: "username", Message: problem})
	}
	number, ok := normalise(in.PhoneNumber)
	if !ok {
		wrong = append(wrong, fault.Field{
			Name:    "phone_number",
			Message: "must be a Kenyan mobile number, for example 0712 345 678",
		})
	}
	if wrong != nil {
		err := fault.New(fault.Invalid, "the request is not valid")
		err.Fields = wrong
		return Person{}, err
	}
	return Person{Username: sensitive.NewText(name), PhoneNumber: sensitive.NewPhone(number)}, nil
}
