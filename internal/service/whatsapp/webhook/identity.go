package webhook

import (
	"encoding/json"

	"aisha/internal/sensitive"
)

// contactJSON holds the members of a contact that are read.
type contactJSON struct {
	WaID    scalar `json:"wa_id"`
	UserID  scalar `json:"user_id"`
	Profile struct {
		Name scalar `json:"name"`
	} `json:"profile"`
}

func decodeContacts(raws []json.RawMessage) []contactJSON {
	contacts := make([]contactJSON, 0, len(raws))
	for _, raw := range raws {
		var c contactJSON
		if err := unmarshal(raw, &c); err == nil {
			contacts = append(contacts, c)
		}
	}
	return contacts
}

// maxName limits the name of a person or a file, in bytes. WhatsApp's own limit
// for a profile name is 25 characters.
const maxName = 200

// senderOf returns the sender of a message. One webhook may have only a phone
// number and the next only a user id; a contact can add the missing one.
func senderOf(in messageJSON, contacts []contactJSON) Identity {
	who := identityOf(in.FromUserID, in.From)
	for _, c := range contacts {
		other := identityOf(c.UserID, c.WaID)
		if !who.shares(other) && len(contacts) > 1 {
			continue
		}
		who.add(other.BSUID)
		who.add(other.WaID.Reveal())
		who.Name = sensitive.NewText(c.Profile.Name.text()).Truncate(maxName)
		break
	}
	return who
}

// identityOf returns the identity with the given user ids and phone numbers.
func identityOf(ids ...scalar) Identity {
	var who Identity
	for _, id := range ids {
		who.add(id.text())
	}
	return who
}

// add sets BSUID or WaID, whichever id looks like, unless it is set already.
// Meta puts a user id where a phone number is documented when it withholds the
// number. Any other text is ignored.
func (i *Identity) add(id string) {
	switch {
	case isBSUID(id):
		if i.BSUID == "" {
			i.BSUID = id
		}
	case isPhoneNumber(id):
		if i.WaID.IsZero() {
			i.WaID = sensitive.NewPhone(trimPlus(id))
		}
	}
}

// shares reports whether both have the same user id or the same number.
func (i Identity) shares(other Identity) bool {
	return i.BSUID != "" && i.BSUID == other.BSUID || !i.WaID.IsZero() && i.WaID == other.WaID
}

func (i Identity) isEmpty() bool { return i.BSUID == "" && i.WaID.IsZero() }

// isBSUID reports whether id has the form of a business-scoped user id: a
// country code, a dot, letters and digits.
func isBSUID(id string) bool {
	const country, longest = len("KE."), 143
	if len(id) <= country || len(id) > longest || id[2] != '.' || !isUpper(id[0]) || !isUpper(id[1]) {
		return false
	}
	for _, c := range []byte(id[country:]) {
		if !isUpper(c) && !isDigit(c) && (c < 'a' || c > 'z') && c != '.' {
			return false
		}
	}
	return true
}

// isPhoneNumber reports whether id has the form of a wa_id: digits, sometimes
// with a leading plus.
func isPhoneNumber(id string) bool {
	id = trimPlus(id)
	for _, c := range []byte(id) {
		if !isDigit(c) {
			return false
		}
	}
	return len(id) >= 5 && len(id) <= 20
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func trimPlus(number string) string {
	if number != "" && number[0] == '+' {
		return number[1:]
	}
	return number
}
