package webhook

import (
	"encoding/json"
	"strings"
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
	contacts := make([]contactJSON, len(raws))
	for i, raw := range raws {
		if err := unmarshal(raw, &contacts[i]); err != nil {
			contacts[i] = contactJSON{}
		}
	}
	return contacts
}

// directory finds the contact of a change that names a person. One webhook may
// have only the phone number of a person and the next only the user id; their
// contact adds the missing one and the name.
type directory struct {
	single    Identity // if the change has one contact
	ownsItems bool     // an item that names no person belongs to the single contact

	// The contacts of a change with several, by user id in lower case and by number.
	byUserID, byNumber map[string]contact
}

type contact struct {
	Identity
	ambiguous bool // contacts with the same user id or number contradict each other
}

// newDirectory returns the directory for a change with so many items.
func newDirectory(contacts []contactJSON, items int) directory {
	if len(contacts) == 1 { // nearly always
		return directory{single: contacts[0].identity(), ownsItems: items == 1}
	}
	var d directory
	for _, c := range contacts {
		d.add(c.identity())
	}
	return d
}

func (c contactJSON) identity() Identity {
	who := identityOf(c.UserID, c.WaID)
	who.Name = cleanName(c.Profile.Name)
	return who
}

func (d *directory) add(who Identity) {
	if d.byUserID == nil {
		d.byUserID, d.byNumber = make(map[string]contact), make(map[string]contact)
	}
	if who.BSUID != "" {
		addContact(d.byUserID, strings.ToLower(who.BSUID), who)
	}
	if !who.WaID.IsZero() {
		addContact(d.byNumber, who.WaID.Reveal(), who)
	}
}

func addContact(contacts map[string]contact, key string, who Identity) {
	known := contacts[key]
	contacts[key] = contact{
		Identity:  known.merge(who),
		ambiguous: known.ambiguous || known.contradicts(who),
	}
}

// identify returns the person with a user id and a phone number, either of which
// may be empty, and adds what their contact says. It never uses the contact of
// another person, even if that is the only one: the message would be answered on
// another person's phone. An item that names no person belongs to the only
// contact if it is the only item of its change.
func (d directory) identify(userID, number scalar) Identity {
	who := identityOf(userID, number)
	if who.isEmpty() {
		if d.ownsItems && userID.isBlank() && number.isBlank() {
			return d.single
		}
		return who
	}
	if d.single.isSamePerson(who) {
		return who.merge(d.single)
	}
	for _, c := range []contact{d.byUserID[strings.ToLower(who.BSUID)], d.byNumber[who.WaID.Reveal()]} {
		if !c.ambiguous && c.isSamePerson(who) {
			return who.merge(c.Identity)
		}
	}
	return who
}
