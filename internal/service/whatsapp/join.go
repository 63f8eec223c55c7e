package whatsapp

import (
	"context"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
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

// joinWaitlist puts the person on the waiting list. This verifies the entry of
// their number: Meta delivered the request from it.
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
// where the person can join and was not offered it recently. A person whose number
// is on the list without their doing is asked once whether they want to be on it.
func (s *Service) offerJoin(person Person, answer *Answer) {
	if !s.waitlist.CanJoin(person.Identity) {
		return
	}
	last := &answer.Parts[len(answer.Parts)-1]
	switch {
	case person.UnconfirmedEntry:
		askAboutEntry(answer)
	case !person.Listed && !person.JoinOfferedRecently && fitsAboveButton(last.Body):
		last.Button = joinButton
		answer.Effect = OfferJoin
	}
}

// askAboutEntry adds the question to the last part, or as a part of its own where
// it would be too long for a button. The question becomes part of the history, so
// that the model understands a "yes".
func askAboutEntry(answer *Answer) {
	const gap = "\n\n"
	last := &answer.Parts[len(answer.Parts)-1]
	if longer := sensitive.NewText(last.Body.Reveal() + gap + sentenceListed); fitsAboveButton(longer) {
		last.Body = longer
	} else {
		answer.Parts = append(answer.Parts, NewPart{Body: sensitive.NewText(sentenceListed)})
	}
	answer.Parts[len(answer.Parts)-1].Button = joinButton
	answer.Completion.Text = sensitive.NewText(answer.Completion.Text.Reveal() + gap + sentenceListed)
	answer.Effect = OfferJoin
}

func fitsAboveButton(text sensitive.Text) bool {
	return countUnits(text.Reveal()) <= maxButtonText
}
