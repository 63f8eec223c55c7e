// Package waitlist decides who may sign up for the waiting list, and in which
// form their name and phone number are kept.
//
// It leaves storing to the repository, which also decides that a number stands
// on the list once.
package waitlist

import (
	"context"

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
