package webhook

import (
	"cmp"
	"encoding/json"
	"strings"
)

// addIdentityChange reads a system message. WhatsApp sends several kinds; only
// a changed phone number or user id matters here.
func (d *decoder) addIdentityChange(raw []byte, in messageJSON) {
	from := identityOf(cmp.Or(in.System.PreviousUserID, in.FromUserID), in.From)
	var to Identity
	switch in.System.Type {
	case "user_changed_number":
		to = identityOf(in.System.UserID, cmp.Or(in.System.WaID, in.System.NewWaID))
	case "user_changed_user_id":
		to = identityOf(in.System.UserID, "")
	}
	switch wrongTime := d.wrongTime(d.sentAt(in.Timestamp)); {
	case from.isEmpty() || to.isEmpty():
		d.addUnhandled("messages", "a system message", raw)
	case wrongTime != "":
		d.addUnhandled("messages", "a system message "+wrongTime, raw)
	default:
		d.batch.IdentityChanges = append(d.batch.IdentityChanges, IdentityChange{From: from, To: to, At: d.sentAt(in.Timestamp)})
	}
}

// echoJSON holds the members of an echo that are read.
type echoJSON struct {
	To        scalar `json:"to"`
	UserID    scalar `json:"to_user_id"`
	ID        scalar `json:"id"`
	Timestamp scalar `json:"timestamp"`
	Text      struct {
		Body scalar `json:"body"`
	} `json:"text"`
	Interactive struct {
		Body struct {
			Text scalar `json:"text"`
		} `json:"body"`
	} `json:"interactive"`
}

func (d *decoder) decodeEcho(raw json.RawMessage) {
	const field = "smb_message_echoes"
	var in echoJSON
	err := unmarshal(raw, &in)
	echo := Echo{
		To:     identityOf(in.UserID, in.To),
		Text:   cleanText(cmp.Or(in.Text.Body, in.Interactive.Body.Text).text()),
		SentAt: d.sentAt(in.Timestamp),
		Raw:    raw,
	}
	if in.ID.isID() {
		echo.WAMID = in.ID.text()
	}
	switch wrongTime := d.wrongTime(echo.SentAt); {
	case err != nil || echo.To.isEmpty():
		d.addUnhandled(field, "an echo without a receiver", raw)
	case wrongTime != "":
		d.addUnhandled(field, "an echo "+wrongTime, raw)
	default:
		d.batch.Echoes = append(d.batch.Echoes, echo)
	}
}

// preferenceJSON holds the members of a preference that are read.
type preferenceJSON struct {
	WaID      scalar `json:"wa_id"`
	UserID    scalar `json:"user_id"`
	Value     scalar `json:"value"`
	Timestamp scalar `json:"timestamp"`
}

// decodePreference reads a choice from WhatsApp's settings. Meta's category is
// marketing messages; a stop counts like STOP, for all messages.
func (d *decoder) decodePreference(raw json.RawMessage, phoneNumberID string, contacts directory) {
	const field = "user_preferences"
	var in preferenceJSON
	err := unmarshal(raw, &in)
	who := contacts.identify(in.UserID, in.WaID)
	chosenAt := d.sentAt(in.Timestamp)
	_, hasTime := in.Timestamp.unixTime()
	value := strings.ToLower(strings.TrimSpace(string(in.Value)))
	stop, resume := value == "stop", value == "resume"
	switch wrongTime := d.wrongTime(chosenAt); {
	case err != nil || who.isEmpty() || !stop && !resume:
		d.addUnhandled(field, "a preference of an unknown kind", raw)
	case resume && !hasTime: // a repeated webhook would undo a newer choice to stop
		d.addUnhandled(field, "a choice to resume messages without a time", raw)
	case wrongTime != "":
		d.addUnhandled(field, "a preference "+wrongTime, raw)
	default:
		d.batch.Preferences = append(d.batch.Preferences, Preference{
			Who:           who,
			PhoneNumberID: phoneNumberID,
			OptOut:        stop,
			At:            chosenAt,
			Raw:           raw,
		})
	}
}
