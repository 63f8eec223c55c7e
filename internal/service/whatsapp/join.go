package whatsapp

import (
	"context"
	"unicode/utf16"

	"aisha/internal/fault"
)

const (
	// joinButton is what the button says, in both languages and within the 20
	// characters of a button. Who presses it has said so: see commands.
	joinButton = "Join · Jiunge"
	// maxButtonText is how long the text over a button may be, in UTF-16 units.
	// https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-reply-buttons-messages
	maxButtonText = 1024
)

// join puts the person on the waiting list. Meta vouches for the number, so
// nobody else can have typed it.
func (s *Service) join(ctx context.Context, person Person) (Words, error) {
	if person.Phone.IsZero() {
		return fixed(sentenceNoNumber), nil
	}
	err := s.waitlist.Join(ctx, person.Identity)
	switch {
	case fault.Is(err, fault.Invalid): // a number of another country
		return fixed(sentenceNoNumber), nil
	case err != nil:
		return Words{}, err
	}
	return fixed(sentenceJoined), nil
}

// invite puts a button to join the waiting list under an answer of the model,
// where the person can join and was not asked lately.
func (s *Service) invite(person Person, answer *Answer) {
	last := &answer.Parts[len(answer.Parts)-1]
	short := len(utf16.Encode([]rune(last.Body.Reveal()))) <= maxButtonText
	if person.Listed || person.Invited || !short || !s.waitlist.CanJoin(person.Identity) {
		return
	}
	last.Button = joinButton
	answer.Effect = Invite
}
