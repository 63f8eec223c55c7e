package waitlist

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers/v2"
)

// maxTyped bounds what is looked at as a phone number, in bytes and without
// the space around it. A full-width number has 39.
const maxTyped = 40

// normalise is the E.164 form of a Kenyan mobile number, in whatever form a
// person writes it.
//
// The numbering plan is the library's. It is shown only digits and one plus:
// the library itself would also read letters as a telephone's keys, find a
// number within a text and cut off extensions, and it has panicked on input
// that was made for it.
func normalise(typed string) (e164 string, ok bool) {
	dialled, ok := fold(typed)
	if !ok {
		return "", false
	}
	number, err := parse(dialled)
	if err != nil || number.GetCountryCode() != kenya || phonenumbers.GetNumberType(number) != phonenumbers.MOBILE {
		return "", false
	}
	return phonenumbers.Format(number, phonenumbers.E164), true
}

// kenya is its country code, which it shares with nobody.
const kenya = 254

// parse reads a number that is dialled in Kenya. The forms in which nearly
// everybody writes theirs need only be taken apart; the library reads all
// others, and takes longer for it than all else takes that a sign-up needs.
func parse(dialled string) (*phonenumbers.PhoneNumber, error) {
	const digits = 9 // of a national number
	national, plain := strings.CutPrefix(dialled, "+254")
	if !plain {
		national, plain = strings.CutPrefix(dialled, "0")
	}
	if !plain || len(national) != digits || national[0] == '0' {
		return phonenumbers.Parse(dialled, "KE")
	}
	number, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		return nil, err
	}
	country := int32(kenya)
	return &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &number}, nil
}

// fold reduces what was typed to what would be dialled: ASCII digits, with a
// plus before them where the number is an international one. It fails on
// anything that is neither part of a number nor punctuation within one.
func fold(typed string) (dialled string, ok bool) {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxTyped {
		return "", false
	}
	begun := false // a plus is only good before everything else
	for _, r := range typed {
		switch {
		case unicode.IsDigit(r), isPlus(r) && !begun:
			begun = true
		case !separates(r):
			return "", false
		}
	}
	digits := phonenumbers.NormalizeDigitsOnly(typed)
	if strings.ContainsFunc(typed, isPlus) {
		return "+" + digits, true
	}
	return international(digits), true
}

// international writes the prefix of an international call as a plus: 000 from
// within Kenya, 00 from most of the world.
func international(digits string) string {
	for _, prefix := range []string{"000", "00"} {
		if rest, found := strings.CutPrefix(digits, prefix); found {
			return "+" + rest
		}
	}
	return digits
}

func isPlus(r rune) bool { return r == '+' || r == '＋' }

// separates tells what people and programs put between the digits: any space
// or dash, dots, slashes and brackets, and the invisible marks that copying
// from a contact list brings along.
func separates(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) || strings.ContainsRune("()./（）．／−", r)
}
