package whatsapp

import (
	"encoding/json"

	"aisha/internal/sensitive"
)

// contact is who somebody is, as the webhook describes them.
type contact struct {
	WaID    scalar `json:"wa_id"`
	UserID  scalar `json:"user_id"`
	Profile struct {
		Name scalar `json:"name"`
	} `json:"profile"`
}

func decodeContacts(raws []json.RawMessage) []contact {
	contacts := make([]contact, 0, len(raws))
	for _, raw := range raws {
		var c contact
		if err := readJSON(raw, &c); err == nil {
			contacts = append(contacts, c)
		}
	}
	return contacts
}

// isUserID reports whether it is a business-scoped user id: a country and
// alphanumerics. Meta puts one where a number is expected when it withholds the
// number.
func isUserID(name string) bool {
	const country, longest = len("KE."), 143
	if len(name) <= country || len(name) > longest || name[2] != '.' || !isUpper(name[0]) || !isUpper(name[1]) {
		return false
	}
	for _, c := range []byte(name[country:]) {
		if !isUpper(c) && !isDigit(c) && (c < 'a' || c > 'z') && c != '.' {
			return false
		}
	}
	return true
}

// isPhone reports whether it is a wa_id: digits, for some senders behind a plus.
func isPhone(name string) bool {
	name = trimPlus(name)
	for _, c := range []byte(name) {
		if !isDigit(c) {
			return false
		}
	}
	return len(name) >= 5 && len(name) <= 20
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// learn takes what a member of a webhook tells of a person: their user id or
// their number, whichever it is. What is known already stays.
func (i *Identity) learn(name string) {
	switch {
	case isUserID(name):
		if i.UserID == "" {
			i.UserID = name
		}
	case isPhone(name):
		if i.Phone.IsZero() {
			i.Phone = sensitive.NewPhone(trimPlus(name))
		}
	}
}

func trimPlus(number string) string {
	if number != "" && number[0] == '+' {
		return number[1:]
	}
	return number
}

// named is the person whom the given members name.
func named(names ...scalar) Identity {
	var who Identity
	for _, name := range names {
		who.learn(name.text())
	}
	return who
}

// identify finds out who sent a message. A number in one webhook and only a
// user id in the next are both usual.
func identify(in inbound, contacts []contact) Identity {
	who := named(in.FromUserID, in.From)
	for _, c := range contacts {
		other := named(c.UserID, c.WaID)
		if !who.same(other) && len(contacts) > 1 {
			continue
		}
		who.learn(other.UserID)
		who.learn(other.Phone.Reveal())
		who.Name = sensitive.NewText(shorten(c.Profile.Name.text(), maxName))
		break
	}
	return who
}

// maxName bounds the name of a person or a file, in bytes. WhatsApp's own limit
// for a person's is 25 characters.
const maxName = 200

// same reports whether the two share a name.
func (i Identity) same(other Identity) bool {
	return i.UserID != "" && i.UserID == other.UserID || !i.Phone.IsZero() && i.Phone == other.Phone
}

// unknown reports whether nothing is known by which somebody could be found.
func (i Identity) unknown() bool { return i.UserID == "" && i.Phone.IsZero() }
