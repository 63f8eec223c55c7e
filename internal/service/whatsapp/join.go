package whatsapp

import (
	"context"
	"unicode/utf16"

	"aisha/internal/fault"
)

const (
	// joinButton is the title of the button, in both languages and within the 20
	// characters of a button. Pressing it sends this text, which is the command
	// to join; see commandOf.
	joinButton = "Join · Jiunge"
	// maxButtonText limits the text above a button, in UTF-16 units.
	// https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-reply-buttons-messages
	maxButtonText = 1024
)

// joinWaitlist puts the person on the waiting list. Their number is verified,
// because Meta delivered a message from it.
func (s *Service) joinWaitlist(ctx context.Context, person Person) (Completion, error) {
	if person.WaID.IsZero() {
		return fixedSentence(sentenceNoNumber), nil
	}
	err := s.waitlist.Join(ctx, person.Identity)
	switch {
	case fault.Is(err, fault.Invalid): // a number of another country
		return fixedSentence(sentenceNoNumber), nil
	case err != nil:
		return Completion{}, err
	}
	return fixedSentence(sentenceJoined), nil
}

// offerJoin adds a button to join the waiting list to an answer of the model,
// where the person can join and was not offered it recently.
func (s *Service) offerJoin(person Person, answer *Answer) {
	last := &answer.Parts[len(answer.Parts)-1]
	fits := len(utf16.Encode([]rune(last.Body.Reveal()))) <= maxButtonText
	if person.Listed || person.JoinOfferedRecently || !fits || !s.waitlist.CanJoin(person.Identity) {
		return
	}
	last.Button = joinButton
	answer.Effect = OfferJoin
}
