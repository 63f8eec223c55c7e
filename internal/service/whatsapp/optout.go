package whatsapp

import (
	"slices"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// Choice is a person's choice to get no more messages, or to get them again. It
// covers the messages that they sent before it: these get no other answer.
type Choice struct {
	PersonID      int64
	PhoneNumberID string // our number that confirms it; empty: there is no confirmation
	OptOut        bool
	At            time.Time      // when it was made, by Meta's clock
	MessageID     int64          // of the message that made it; zero for one in WhatsApp's settings
	Confirmation  sensitive.Text // sent where the choice changes anything; empty for none
}

// Replaces reports whether the choice is newer than the one that the person made
// at the given time, which is zero where they made none. Meta's clock counts whole
// seconds; of two choices in the same second the one to opt out counts.
func (c Choice) Replaces(made time.Time) bool {
	if c.At.Unix() == made.Unix() {
		return c.OptOut
	}
	return c.At.Unix() > made.Unix()
}

// addChoices completes the preferences of a webhook, and adds one for each message
// that is a choice and for each edit that makes a message one to stop. So STOP takes
// effect in the transaction that stores it, and not only when a worker comes to it.
func addChoices(batch *webhook.Batch, now time.Time) {
	for i := range batch.Preferences {
		p := &batch.Preferences[i]
		if p.OptOut {
			p.Confirmation = confirmationOf(true, now.Sub(p.At))
		}
	}
	for _, edit := range batch.Edits {
		if isEditToStop(edit) {
			batch.Preferences = append(batch.Preferences, webhook.Preference{
				Who:           edit.Sender,
				PhoneNumberID: edit.PhoneNumberID,
				OptOut:        true,
				At:            edit.EditedAt,
				Confirmation:  confirmationOf(true, now.Sub(edit.EditedAt)),
			})
		}
	}
	for _, choice := range lastChoices(batch.Messages) {
		m := choice.message
		batch.Preferences = append(batch.Preferences, webhook.Preference{
			Who:           m.Sender,
			PhoneNumberID: m.PhoneNumberID,
			OptOut:        choice.optOut,
			At:            m.SentAt,
			WAMID:         m.WAMID,
			SentHour:      m.SentHour,
			Confirmation:  confirmationOf(choice.optOut, now.Sub(m.SentAt)),
		})
	}
}

// isEditToStop reports whether an edit makes a message a choice to stop. An edit
// whose sender or time is unknown does not: it may be another person's, or old. The
// worker still obeys it if the message has no answer yet.
func isEditToStop(edit webhook.Edit) bool {
	hasSender := edit.Sender.BSUID != "" || !edit.Sender.WaID.IsZero()
	return hasSender && !edit.EditedAt.IsZero() && commandIn(edit.Text) == commandStop
}

// madeChoice is a choice and the message that made it.
type madeChoice struct {
	message webhook.Message
	optOut  bool
}

// lastChoices returns the messages that are choices. Of the choices that a person
// made within a second it returns only the last one: Meta's clock does not order
// them, but one webhook does.
func lastChoices(messages []webhook.Message) []madeChoice {
	type moment struct {
		bsuid  string
		waID   sensitive.Phone
		second int64
	}
	var choices []madeChoice
	last := make(map[moment]int) // index of the last choice
	momentOf := func(m webhook.Message) moment {
		return moment{bsuid: m.Sender.BSUID, waID: m.Sender.WaID, second: m.SentAt.Unix()}
	}
	for _, m := range messages {
		if made := commandIn(m.Text); isChoice(made) {
			last[momentOf(m)] = len(choices)
			choices = append(choices, madeChoice{message: m, optOut: made == commandStop})
		}
	}
	var kept []madeChoice
	for i, choice := range choices {
		if last[momentOf(choice.message)] == i {
			kept = append(kept, choice)
		}
	}
	return kept
}

func isChoice(c command) bool { return c == commandStop || c == commandStart }

// confirmationOf returns the confirmation of a choice that was made by a message
// of that age; none where Meta would refuse it.
func confirmationOf(optOut bool, age time.Duration) sensitive.Text {
	switch {
	case age > ServiceWindow:
		return sensitive.Text{}
	case optOut:
		return sensitive.NewText(sentenceOptedOut)
	default:
		return sensitive.NewText(sentenceOptedIn)
	}
}

// unappliedChoice returns the newest choice among the unanswered messages where it
// is not applied yet: the webhook that stored its message did not see it, because
// the message was edited later or an earlier version of this program stored it.
func unappliedChoice(personID int64, due Due) (Choice, bool) {
	for _, m := range slices.Backward(due.Messages) {
		made := messageCommand(m)
		if !isChoice(made) {
			continue
		}
		choice := Choice{
			PersonID:      personID,
			PhoneNumberID: m.PhoneNumberID,
			OptOut:        made == commandStop,
			At:            m.SentAt,
			MessageID:     m.ID,
			Confirmation:  confirmationOf(made == commandStop, m.SentAgo),
		}
		isApplied := choice.OptOut == due.Person.OptedOut && choice.At.Unix() == due.Person.ChoiceAt.Unix()
		return choice, !isApplied && choice.Replaces(due.Person.ChoiceAt)
	}
	return Choice{}, false
}

// ignoreChoices returns the messages with those marked as revoked that are choices
// and need no answer: STOP, which is confirmed where it changes anything, and a
// START that is older than the newest STOP.
func ignoreChoices(person Person, messages []UnansweredMessage) []UnansweredMessage {
	messages = slices.Clone(messages)
	for i := range messages {
		made := messageCommand(messages[i])
		if made == commandStop || made == commandStart && person.OptedOut {
			messages[i].Revoked = true
		}
	}
	return messages
}
