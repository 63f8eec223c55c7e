package whatsappdb

import (
	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp/webhook"
)

// person has the identifiers of a stored person.
type person struct {
	id          int64
	bsuid, waID string
}

// lacks reports whether the identity has an identifier that the person does not.
func (p person) lacks(identity webhook.Identity) bool {
	return p.bsuid == "" && identity.BSUID != "" || !identity.WaID.IsZero() && p.waID != identity.WaID.Reveal()
}

// personIndex finds persons by either identifier.
type personIndex struct{ byBSUID, byWaID map[string]person }

func newPersonIndex() personIndex {
	return personIndex{byBSUID: make(map[string]person), byWaID: make(map[string]person)}
}

func (p personIndex) add(one person) {
	if one.bsuid != "" {
		p.byBSUID[one.bsuid] = one
	}
	if one.waID != "" {
		p.byWaID[one.waID] = one
	}
}

func (p personIndex) remove(one person) {
	delete(p.byBSUID, one.bsuid)
	delete(p.byWaID, one.waID)
}

// addRows adds rows with the columns id, bsuid and wa_id.
func (p personIndex) addRows(rows pgx.Rows) error {
	var one person
	_, err := pgx.ForEachRow(rows, []any{&one.id, &one.bsuid, &one.waID}, func() error {
		p.add(one)
		return nil
	})
	return err
}

// has reports whether either identifier belongs to a person.
func (p personIndex) has(identity webhook.Identity) bool {
	_, byBSUID := p.byBSUID[identity.BSUID]
	_, byWaID := p.byWaID[identity.WaID.Reveal()]
	return byBSUID || byWaID
}

// find returns the person with the user id, and else the one with the number. A
// number that belongs to a person with another user id has a new owner: then find
// reports false.
func (p personIndex) find(identity webhook.Identity) (person, bool) {
	if found, ok := p.byBSUID[identity.BSUID]; ok {
		return found, true
	}
	found, ok := p.byWaID[identity.WaID.Reveal()]
	if ok && identity.BSUID != "" && found.bsuid != "" {
		return person{}, false
	}
	return found, ok
}

// otherOwner returns the person with the identity's number, unless it is the
// given one.
func (p personIndex) otherOwner(one person, identity webhook.Identity) (person, bool) {
	owner, found := p.byWaID[identity.WaID.Reveal()]
	if now, known := p.byBSUID[owner.bsuid]; known && now.waID != owner.waID {
		// The owner got another number earlier in this batch. Their messages from
		// before that stay theirs.
		return person{}, false
	}
	return owner, found && owner.id != one.id
}

// unknown returns the identities that match no stored person, one for each new
// person: an identity that shares an identifier with an earlier one may be the
// same person and is left out.
func (p personIndex) unknown(identities []webhook.Identity) []webhook.Identity {
	var unknown []webhook.Identity
	earlier := newPersonIndex()
	for _, identity := range identities {
		if p.has(identity) || earlier.has(identity) {
			continue
		}
		earlier.add(person{bsuid: identity.BSUID, waID: identity.WaID.Reveal()})
		unknown = append(unknown, identity)
	}
	return unknown
}
