package whatsappdb

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// person has the identifiers and the name of a stored person.
type person struct {
	id          int64
	bsuid, waID string // bsuid as it was spelled first
	name        sensitive.Text
	numberSince time.Time // zero: no earlier number is known
}

// lacks reports whether the identity has an identifier or a name that the person
// does not.
func (p person) lacks(identity webhook.Identity) bool {
	return p.bsuid == "" && identity.BSUID != "" ||
		!identity.WaID.IsZero() && p.waID != identity.WaID.Reveal() ||
		!identity.Name.IsZero() && p.name != identity.Name
}

// lowerBSUID is the expression of the index person_bsuid_key. The letter case of a
// user id does not count: webhooks spell the same id differently. The collation
// keeps the result the same as that of strings.ToLower in every database.
const lowerBSUID = `lower(bsuid COLLATE "C")`

// personIndex finds persons by either identifier. The keys of byBSUID are in lower
// case.
type personIndex struct{ byBSUID, byWaID map[string]person }

func newPersonIndex() personIndex {
	return personIndex{byBSUID: make(map[string]person), byWaID: make(map[string]person)}
}

func (p personIndex) add(one person) {
	if one.bsuid != "" {
		p.byBSUID[strings.ToLower(one.bsuid)] = one
	}
	if one.waID != "" {
		p.byWaID[one.waID] = one
	}
}

func (p personIndex) remove(one person) {
	delete(p.byBSUID, strings.ToLower(one.bsuid))
	delete(p.byWaID, one.waID)
}

// withBSUID returns the person with the user id.
func (p personIndex) withBSUID(bsuid string) (person, bool) {
	found, ok := p.byBSUID[strings.ToLower(bsuid)]
	return found, ok
}

// addRows adds rows with the columns id, bsuid, wa_id, name and number_since.
func (p personIndex) addRows(rows pgx.Rows) error {
	var one person
	var name string
	var numberSince *time.Time
	_, err := pgx.ForEachRow(rows, []any{&one.id, &one.bsuid, &one.waID, &name, &numberSince}, func() error {
		one.name, one.numberSince = sensitive.NewText(name), time.Time{}
		if numberSince != nil {
			one.numberSince = *numberSince
		}
		p.add(one)
		return nil
	})
	return err
}

// has reports whether either identifier belongs to a person.
func (p personIndex) has(identity webhook.Identity) bool {
	_, byBSUID := p.withBSUID(identity.BSUID)
	_, byWaID := p.byWaID[identity.WaID.Reveal()]
	return byBSUID || byWaID
}

// find returns the person with the user id, and else the one with the number. A
// number that belongs to a person with another user id has a new owner: then find
// reports false.
func (p personIndex) find(identity webhook.Identity) (person, bool) {
	if found, ok := p.withBSUID(identity.BSUID); ok {
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
	if now, known := p.withBSUID(owner.bsuid); known && now.waID != owner.waID {
		// The owner got another number earlier in this batch. Their messages from
		// before that stay theirs.
		return person{}, false
	}
	return owner, found && owner.id != one.id
}

// withoutFormerNumber returns the sighting without its number if the number passed
// to another person later: a webhook that arrives late must not be taken for one
// of the new owner. If it is not known since when the owner has the number, it counts
// as theirs at any time.
func (p personIndex) withoutFormerNumber(s sighting) sighting {
	owner, found := p.byWaID[s.WaID.Reveal()]
	isOwner := s.BSUID != "" && strings.EqualFold(s.BSUID, owner.bsuid)
	if found && !isOwner && s.at.Before(owner.numberSince) {
		s.WaID = sensitive.Phone{}
	}
	return s
}

// withoutFormerNumbers returns the sightings as withoutFormerNumber does, and omits
// those that have no identifier then.
func (p personIndex) withoutFormerNumbers(sightings []sighting) []sighting {
	var named []sighting
	for _, s := range sightings {
		if s = p.withoutFormerNumber(s); !s.isEmpty() {
			named = append(named, s)
		}
	}
	return named
}

// unknown returns the sightings that match no stored person, one for each new
// person: a sighting that shares an identifier with an earlier one may be of the
// same person and is left out.
func (p personIndex) unknown(sightings []sighting) []sighting {
	var unknown []sighting
	earlier := newPersonIndex()
	for _, s := range sightings {
		if p.has(s.Identity) || earlier.has(s.Identity) {
			continue
		}
		earlier.add(person{bsuid: s.BSUID, waID: s.WaID.Reveal()})
		unknown = append(unknown, s)
	}
	return unknown
}
