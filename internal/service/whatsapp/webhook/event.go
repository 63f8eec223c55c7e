package webhook

import "encoding/json"

// addIdentityChange reads a system message. WhatsApp sends several kinds; only
// a changed phone number or user id matters here.
func (b *Batch) addIdentityChange(raw []byte, in messageJSON) {
	from := identityOf(in.System.PreviousUserID, in.From, in.FromUserID)
	var to Identity
	switch in.System.Type {
	case "user_changed_number":
		to = identityOf(in.System.UserID, in.System.WaID, in.System.NewWaID)
	case "user_changed_user_id":
		to = identityOf(in.System.UserID)
	}
	if from.isEmpty() || to.isEmpty() {
		b.addUnhandled("messages", "a system message", raw)
		return
	}
	b.IdentityChanges = append(b.IdentityChanges, IdentityChange{From: from, To: to, At: in.Timestamp.time()})
}

// decodeEcho reads a message that an employee sent from the business's phone.
func (b *Batch) decodeEcho(raw json.RawMessage) {
	var in struct {
		To     scalar `json:"to"`
		UserID scalar `json:"to_user_id"`
	}
	if err := unmarshal(raw, &in); err != nil || identityOf(in.UserID, in.To).isEmpty() {
		b.addUnhandled("smb_message_echoes", "an echo without a receiver", raw)
		return
	}
	b.Echoes = append(b.Echoes, Echo{To: identityOf(in.UserID, in.To)})
}

// decodePreference reads a choice from WhatsApp's settings. Meta's category is
// marketing messages; a stop counts like STOP, for all messages.
func (b *Batch) decodePreference(raw json.RawMessage, phoneNumberID string, contacts []contactJSON) {
	var in struct {
		WaID   scalar `json:"wa_id"`
		UserID scalar `json:"user_id"`
		Value  scalar `json:"value"`
	}
	err := unmarshal(raw, &in)
	who := identityOf(in.UserID, in.WaID)
	if len(contacts) == 1 {
		who.add(contacts[0].UserID.text())
		who.add(contacts[0].WaID.text())
	}
	known := in.Value == "stop" || in.Value == "resume"
	if err != nil || who.isEmpty() || !known {
		b.addUnhandled("user_preferences", "a preference of an unknown kind", raw)
		return
	}
	b.Preferences = append(b.Preferences, Preference{Who: who, PhoneNumberID: phoneNumberID, OptOut: in.Value == "stop"})
}
