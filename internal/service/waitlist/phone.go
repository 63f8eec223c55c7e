package waitlist

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers/v2"

	"aisha/internal/fault"
)

const (
	kenyaCountryCode = 254
	// kenyaNationalDigits is the length of a mobile number without prefixes.
	kenyaNationalDigits = 9
	// maxPhoneBytes limits the length of a typed number, in bytes, after the
	// space around it is trimmed. A number in full-width digits takes 39.
	maxPhoneBytes = 40
)

// normalizePhone returns the E.164 form of a Kenyan mobile number that is
// typed in any usual form. For every other text it returns why it is not one.
//
// The phonenumbers library knows the numbering plan, but it gets only digits
// and at most one leading plus. On raw text it would convert letters to keypad
// digits, find a number inside a sentence and drop extensions, and crafted
// input has made it panic.
func normalizePhone(typed string) (e164 string, problem fault.FieldCode) {
	if strings.TrimSpace(typed) == "" {
		return "", fault.FieldRequired
	}
	dialled, ok := dialString(typed)
	if !ok {
		return "", fault.FieldNotPhoneNumber
	}
	number, err := parsePhone(dialled)
	switch {
	case err != nil:
		return "", fault.FieldNotPhoneNumber
	case number.GetCountryCode() != kenyaCountryCode:
		return "", fault.FieldNotKenyan
	case phonenumbers.GetNumberType(number) == phonenumbers.MOBILE:
		return phonenumbers.Format(number, phonenumbers.E164), ""
	case phonenumbers.IsValidNumber(number):
		return "", fault.FieldNotMobile
	default:
		return "", fault.FieldNotPhoneNumber
	}
}

// parsePhone parses a number as dialled in Kenya. It splits the two most common
// forms, +254… and 0…, itself, because the library's parser takes longer than
// the rest of a sign-up together. The library parses all other forms.
func parsePhone(dialled string) (*phonenumbers.PhoneNumber, error) {
	national, found := strings.CutPrefix(dialled, "+254")
	if !found {
		national, found = strings.CutPrefix(dialled, "0")
	}
	if !found || len(national) != kenyaNationalDigits || national[0] == '0' {
		return phonenumbers.Parse(dialled, "KE")
	}
	number, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		return nil, err
	}
	country := int32(kenyaCountryCode)
	return &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &number}, nil
}

// dialString reduces a typed number to ASCII digits, with a leading plus if the
// number is international. It returns false if the text contains anything
// except digits, separators and one plus before the first digit.
func dialString(typed string) (dialled string, ok bool) {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxPhoneBytes {
		return "", false
	}
	started := false // a plus is valid only before the first digit
	for _, r := range typed {
		switch {
		case unicode.IsDigit(r), isPlus(r) && !started:
			started = true
		case !isSeparator(r):
			return "", false
		}
	}
	digits := phonenumbers.NormalizeDigitsOnly(typed)
	if national, found := strings.CutPrefix(digits, "0254"); found && len(national) == kenyaNationalDigits {
		return "+254" + national, true // the national prefix before the country code
	}
	if strings.ContainsFunc(typed, isPlus) {
		return "+" + digits, true
	}
	return replaceCallPrefix(digits), true
}

// replaceCallPrefix replaces the prefix of an international call by a plus: 000
// in Kenya, 00 in most other countries.
func replaceCallPrefix(digits string) string {
	for _, prefix := range []string{"000", "00"} {
		if rest, found := strings.CutPrefix(digits, prefix); found {
			return "+" + rest
		}
	}
	return digits
}

func isPlus(r rune) bool { return r == '+' || r == '＋' }

// isSeparator accepts spaces, dashes, dots, commas, slashes, underscores and brackets
// between the digits, and the invisible format characters that a phone adds when a number
// is copied from its contacts.
func isSeparator(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) || strings.ContainsRune("()[].,·_/（）．，／−", r)
}
