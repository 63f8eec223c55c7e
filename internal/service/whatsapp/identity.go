package whatsapp

import (
	"encoding/json"
	"regexp"

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

// userIDShape is a business-scoped user id: a country and alphanumerics. Meta
// puts one where a number is expected when it withholds the number.
var userIDShape = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9.]{1,140}$`)

// phoneShape is a wa_id: digits, for some senders behind a plus.
var phoneShape = regexp.MustCompile(`^\+?[0-9]{5,20}$`)

// learn takes what a member of a webhook tells of a person: their user id or
// their number, whichever it is. What is known already stays.
func (i *Identity) learn(name string) {
	switch {
	case userIDShape.MatchString(name):
		if i.UserID == "" {
			i.UserID = name
		}
	case phoneShape.MatchString(name):
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

// maxName bounds a name, in bytes. WhatsApp's own limit is 25 characters.
const maxName = 200

// same reports whether the two share a name.
func (i Identity) same(other Identity) bool {
	return i.UserID != "" && i.UserID == other.UserID || !i.Phone.IsZero() && i.Phone == other.Phone
}

// unknown reports whether nothing is known by which somebody could be found.
func (i Identity) unknown() bool { return i.UserID == "" && i.Phone.IsZero() }
