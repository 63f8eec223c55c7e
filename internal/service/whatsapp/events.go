package whatsapp

import (
	"encoding/json"

	"aisha/internal/sensitive"
)

// decodeSystem reads what WhatsApp itself tells in a conversation. Only a
// change of names matters to us.
func (b *Batch) decodeSystem(raw []byte, in inbound) {
	from := named(in.System.PreviousUserID, in.From, in.FromUserID)
	var to Identity
	switch in.System.Type {
	case "user_changed_number":
		to = named(in.System.UserID, in.System.WaID, in.System.NewWaID)
	case "user_changed_user_id":
		to = named(in.System.UserID)
	}
	if from.unknown() || to.unknown() {
		b.keep("messages", "a system message", raw)
		return
	}
	b.Renames = append(b.Renames, Rename{From: from, To: to})
}

// decodeEcho reads a message that somebody sent from the business's phone. Who
// talks to a person by hand wants the assistant to be silent meanwhile.
func (b *Batch) decodeEcho(raw json.RawMessage) {
	var in struct {
		To     scalar `json:"to"`
		UserID scalar `json:"to_user_id"`
	}
	if err := readJSON(raw, &in); err != nil || named(in.UserID, in.To).unknown() {
		b.keep("smb_message_echoes", "an echo without a receiver", raw)
		return
	}
	b.Echoes = append(b.Echoes, Echo{To: named(in.UserID, in.To)})
}

// decodePreference reads a choice made in WhatsApp's settings. Its category
// says marketing; who refuses that is not written to either, unless they write.
func (b *Batch) decodePreference(raw json.RawMessage, phoneNumberID string, contacts []contact) {
	var in struct {
		WaID   scalar `json:"wa_id"`
		UserID scalar `json:"user_id"`
		Value  scalar `json:"value"`
	}
	err := readJSON(raw, &in)
	who := named(in.UserID, in.WaID)
	if len(contacts) == 1 {
		who.learn(contacts[0].UserID.text())
		who.learn(contacts[0].WaID.text())
	}
	known := in.Value == "stop" || in.Value == "resume"
	if err != nil || who.unknown() || !known {
		b.keep("user_preferences", "a preference of a kind that we do not know", raw)
		return
	}
	preference := Preference{Who: who, PhoneNumberID: phoneNumberID, Stop: in.Value == "stop"}
	if preference.Stop {
		preference.Confirmation = sensitive.NewText(sentenceOptedOut)
	}
	b.Preferences = append(b.Preferences, preference)
}
