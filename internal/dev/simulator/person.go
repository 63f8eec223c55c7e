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

// Person is somebody with a phone. One of Phone and UserID is enough: who has
// no user id gets one that follows from the number, and who has no number
// writes as people do who hide theirs behind a username.
type Person struct {
	Phone  string // with or without a plus
	UserID string // business-scoped, for example KE.13491208655302741918
	Name   string
}

var (
	phonePattern  = regexp.MustCompile(`^[0-9]{7,15}$`)
	userIDPattern = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9.]{1,128}$`)
)

// bareNumber is a phone number without what people write between its digits.
func bareNumber(number string) string {
	return strings.NewReplacer("+", "", " ", "", "-", "", "(", "", ")", "", "\u00a0", "").Replace(number)
}

// userIDOf makes up a user id that is the same for the same number.
func userIDOf(phone string) string {
	sum := sha256.Sum256([]byte("user id of " + phone))
	return "KE." + strconv.FormatUint(binary.BigEndian.Uint64(sum[:]), 10)
}

// newWAMID makes up an id of a message, in the look of Meta's.
func newWAMID() string {
	var random [30]byte
	_, _ = rand.Read(random[:]) // never fails, says its documentation
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
