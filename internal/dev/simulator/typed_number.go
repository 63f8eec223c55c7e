package simulator

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers/v2"
)

// maxTypedNumber limits the length of a typed number, in bytes. A number in
// full-width digits with separators takes about 50.
const maxTypedNumber = 64

var (
	kenyanNumber  = regexp.MustCompile(`^(?:254)?0?([17][0-9]{8})$`)
	foreignNumber = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)
)

// parseTypedNumber returns the digits of a typed number with its country code.
// It accepts a Kenyan mobile number in any form and the number of another
// country in its international form, with + or 00. Between the digits it ignores
// spaces, dashes, dots, slashes, brackets and invisible format characters.
func parseTypedNumber(typed string) (digits string, ok bool) {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxTypedNumber {
		return "", false
	}
	international, started := false, false
	for _, r := range typed {
		switch {
		case unicode.IsDigit(r):
			started = true
		case (r == '+' || r == '＋') && !started && !international:
			international = true
		case !isNumberSeparator(r):
			return "", false
		}
	}
	return countryDigits(phonenumbers.NormalizeDigitsOnly(typed), international)
}

// countryDigits returns the digits with the country code. International is true
// if the number was typed with a plus.
func countryDigits(digits string, international bool) (string, bool) {
	if abroad, found := strings.CutPrefix(digits, "00"); found && !international {
		digits, international = strings.TrimPrefix(abroad, "0"), true // Kenya dials 000, most other countries 00
	}
	kenyan := !international || strings.HasPrefix(digits, "254")
	if !kenyan {
		return digits, foreignNumber.MatchString(digits)
	}
	match := kenyanNumber.FindStringSubmatch(digits)
	if match == nil {
		return "", false
	}
	return "254" + match[1], true
}

func isNumberSeparator(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) || strings.ContainsRune("()./（）．／−", r)
}
