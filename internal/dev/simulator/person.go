package simulator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"strconv"
	"strings"
)

// Person is a WhatsApp user. Phone or UserID is required. A
// person without a user id gets one that is derived from the phone number. A
// person without a phone number writes like people who hide theirs behind a
// username.
type Person struct {
	Phone  string // with or without a plus
	UserID string // Meta's business-scoped user id, for example KE.13491208655302741918
	Name   string
}

var (
	phonePattern  = regexp.MustCompile(`^[0-9]{7,15}$`)
	userIDPattern = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9.]{1,128}$`)
)

// normalizePhone removes the plus, spaces, hyphens and parentheses of a number.
func normalizePhone(number string) string {
	return strings.NewReplacer("+", "", " ", "", "-", "", "(", "", ")", "", "\u00a0", "").Replace(number)
}

// userIDForPhone derives a user id that is the same for the same number.
func userIDForPhone(phone string) string {
	sum := sha256.Sum256([]byte("user id of " + phone))
	return "KE." + strconv.FormatUint(binary.BigEndian.Uint64(sum[:]), 10)
}

// newWAMID returns a random message id in the format of Meta's ids.
func newWAMID() string {
	var random [30]byte
	_, _ = rand.Read(random[:]) // never returns an error, according to its documentation
	return "wamid.HBgM" + base64.StdEncoding.EncodeToString(random[:])
}

func examplePeople() []Person {
	return []Person{
		{Phone: "254712345678", Name: "Wanjiru Kamau"},
		{Phone: "254722905114", Name: "Otieno Odhiambo"},
		{Phone: "254733418260", Name: "Amina Hassan"},
		{Phone: "254701667392", Name: "Kiprotich Koech"},
		{Phone: "254110582047", Name: "Mutua Mwende"},
	}
}
