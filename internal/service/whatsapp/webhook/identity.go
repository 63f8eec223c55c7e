package webhook

import (
	"cmp"
	"strings"

	"aisha/internal/sensitive"
)

// identityOf returns the identity that a user id and a phone number name. Either
// may be empty. Meta puts a user id where a phone number is documented when it
// withholds the number. Text that cannot be an id is ignored.
func identityOf(userID, number scalar) Identity {
	var who Identity
	if id := strings.TrimSpace(string(userID)); isUserID(id) {
		who.BSUID = normalizeUserID(id)
	}
	switch id := strings.TrimSpace(string(number)); {
	case isPhoneNumber(id):
		who.WaID = sensitive.NewPhone(strings.TrimPrefix(id, "+"))
	case who.BSUID == "" && hasUserIDPrefix(id) && isUserID(id):
		who.BSUID = normalizeUserID(id)
	}
	return who
}

func (i Identity) isEmpty() bool { return i.BSUID == "" && i.WaID.IsZero() }

// isSamePerson reports whether both have the same user id or the same phone
// number, and do not contradict each other.
func (i Identity) isSamePerson(other Identity) bool {
	sharesUserID := i.BSUID != "" && strings.EqualFold(i.BSUID, other.BSUID)
	sharesNumber := !i.WaID.IsZero() && i.WaID == other.WaID
	return (sharesUserID || sharesNumber) && !i.contradicts(other)
}

// contradicts reports whether both have a user id, or both a phone number, and
// these differ. Letter case does not count.
func (i Identity) contradicts(other Identity) bool {
	return i.BSUID != "" && other.BSUID != "" && !strings.EqualFold(i.BSUID, other.BSUID) ||
		!i.WaID.IsZero() && !other.WaID.IsZero() && i.WaID != other.WaID
}

// merge returns i with what it lacks taken from other.
func (i Identity) merge(other Identity) Identity {
	return Identity{
		BSUID: cmp.Or(i.BSUID, other.BSUID),
		WaID:  cmp.Or(i.WaID, other.WaID),
		Name:  cmp.Or(i.Name, other.Name),
	}
}

// maxUserID limits a business-scoped user id, in bytes. Meta documents a country
// code, sometimes followed by ".ENT", and up to 128 letters and digits.
const maxUserID = 143

// isUserID reports whether id can be a business-scoped user id. Most begin with a
// country code and a dot, like KE.13491208655302741918, but other forms exist.
func isUserID(id string) bool {
	if id == "" || len(id) > maxUserID || !isLetter(id[0]) && !isDigit(id[0]) {
		return false
	}
	for _, c := range []byte(id) {
		if !isLetter(c) && !isDigit(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// hasUserIDPrefix reports whether id begins with at least two letters and a dot.
func hasUserIDPrefix(id string) bool {
	prefix, rest, found := strings.Cut(id, ".")
	for _, c := range []byte(prefix) {
		if !isLetter(c) {
			return false
		}
	}
	return found && rest != "" && len(prefix) >= 2
}

// normalizeUserID writes a country code in upper case. The rest of an id may be
// case-sensitive.
func normalizeUserID(id string) string {
	if !hasUserIDPrefix(id) || id[2] != '.' {
		return id
	}
	country := strings.ToUpper(id[:2])
	if country == id[:2] {
		return id // nearly always
	}
	return country + id[2:]
}

// isPhoneNumber reports whether id has the form of a wa_id: digits, sometimes
// with a leading plus.
func isPhoneNumber(id string) bool {
	id = strings.TrimPrefix(id, "+")
	for _, c := range []byte(id) {
		if !isDigit(c) {
			return false
		}
	}
	return len(id) >= 5 && len(id) <= 20
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
