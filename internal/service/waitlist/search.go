package waitlist

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers/v2"

	"aisha/internal/sensitive"
	"aisha/internal/visible"
)

// Search is what the text of a search is looked for in. An entry is found if it
// matches one of the members that are not empty.
type Search struct {
	Name         sensitive.Text  // part of the name
	NumberPrefix sensitive.Phone // beginning of the E.164 number
	NumberSuffix sensitive.Phone // end of the E.164 number
}

// minNameDigits is how many digits a number must have to be searched in names too: the
// index on names has parts of three characters.
const minNameDigits = 3

// IsZero reports whether the search finds nothing.
func (s Search) IsZero() bool { return s == Search{} }

// HasSearch reports whether the filter searches. A text of nothing but space does not.
func (f Filter) HasSearch() bool { return strings.TrimSpace(f.Query.Reveal()) != "" }

// Search returns the search of the filter. It is zero if the text has neither a
// letter nor a digit.
func (f Filter) Search() Search {
	text := strings.TrimSpace(visible.RemoveInvisible(f.Query.Reveal()))
	if !strings.ContainsFunc(text, isLetterOrDigit) {
		return Search{}
	}
	search := Search{Name: sensitive.NewText(text)}
	digits := phonenumbers.NormalizeDigitsOnly(text)
	if digits == "" || strings.ContainsFunc(text, isNotDialled) {
		return search
	}
	hasPlus := strings.ContainsFunc(text, isPlus)
	if prefix := numberPrefix(digits, hasPlus); prefix != "" {
		search.NumberPrefix = sensitive.NewPhone("+" + prefix)
	}
	if !hasPlus {
		search.NumberSuffix = sensitive.NewPhone(digits)
	}
	if len(digits) < minNameDigits {
		search.Name = sensitive.Text{}
	}
	return search
}

// MaskedQuery returns the text of the search without personal data, for the audit.
func (f Filter) MaskedQuery() string {
	if search := f.Search(); !search.NumberPrefix.IsZero() {
		return search.NumberPrefix.String()
	}
	return f.Query.String()
}

func isNotDialled(r rune) bool { return !unicode.IsDigit(r) && !isPlus(r) && !isSeparator(r) }

// numberPrefix returns the beginning of the international number, without its plus,
// of which digits are the beginning in any form that is usual in Kenya. It returns ""
// if digits are only the prefix of an international call.
func numberPrefix(digits string, hasPlus bool) string {
	const country, withTrunkZero = "254", "2540"
	if !hasPlus {
		dialled := replaceCallPrefix(digits)
		national, isNational := strings.CutPrefix(dialled, "0")
		switch {
		case strings.HasPrefix(dialled, "+"):
			digits = dialled[1:]
		case isNational && strings.HasPrefix(national, country):
			digits = national // the national prefix before the country code
		case isNational:
			digits = country + national
		case !strings.HasPrefix(digits, country) && !strings.HasPrefix(country, digits):
			digits = country + digits
		}
	}
	if national, found := strings.CutPrefix(digits, withTrunkZero); found {
		return country + national
	}
	return digits
}
