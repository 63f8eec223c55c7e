package upstream

import (
	"context"
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"aisha/internal/sensitive"
)

// MaxText limits a text of an API in the log, in bytes.
const MaxText = 500

// maxScanned limits how much of a text is looked at, in bytes.
const maxScanned = 4 << 10

const mask = "•••"

// Private lists what must not reach the log in an error text of an API. APIs
// quote the keys, names, numbers and messages that they refuse.
type Private struct {
	Secrets []sensitive.Secret
	Names   []sensitive.Text // names, phone numbers and ids of persons
	Texts   []sensitive.Text // what persons wrote and receive
}

// Mask returns a text of an API on one line of at most MaxText bytes, in
// compatibility form (NFKD), and masks in it:
//
//   - secrets and names, whole and in part, with any separators between letters
//   - words of a person's text, unless they are common, and 12 characters in a
//     row of such a text
//   - six or more digits that no letter separates, except "(#131056)", which is
//     an error code of the Graph API
//   - ids of messages, and random strings, which may be tokens, and letters outside ASCII, because
//     the APIs write their own words in English
//
// Width, accents, letter case and invisible characters make no difference.
func (p Private) Mask(text string) string {
	// A wamid contains the phone number of the person in base64.
	text = regexp.MustCompile(`(?i)(wamid\.)[\w+/=-]+`).ReplaceAllString(text, "${1}•••")
	t := newMaskedText(text)
	for _, secret := range p.Secrets {
		t.maskValue(secret.Reveal())
	}
	for _, name := range p.Names {
		t.maskValue(name.Reveal())
		t.maskName(name.Reveal())
	}
	for _, private := range p.Texts {
		t.maskValue(private.Reveal())
		t.maskWords(words(private.Reveal()))
	}
	t.maskRandomStrings()
	t.maskForeignLetters()
	t.maskDigits()
	return t.String()
}

// MaskError returns an error with the masked text of err, which may quote a
// response. The error wraps context.Canceled or context.DeadlineExceeded if err
// does, and nothing else, so that no error in the chain has the text. It
// returns a *net.OpError as it is: it names our own connection.
func (p Private) MaskError(err error) error {
	var connection *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &connection):
		return connection
	default:
		return errors.New(p.Mask(err.Error()))
	}
}

// maskedText is a text that is being masked.
type maskedText struct {
	shown  []rune // the text in compatibility form, without invisible characters
	masked []bool // of each rune of shown

	// letters has the ASCII letters and digits of shown in lower case, and at
	// the index of each in shown.
	letters string
	at      []int
}

func newMaskedText(text string) *maskedText {
	if len(text) > maxScanned {
		text = text[:maxScanned]
	}
	t := &maskedText{shown: []rune(fold(unescape(text)))}
	t.masked = make([]bool, len(t.shown))
	var letters strings.Builder
	for i, r := range t.shown {
		if isASCIILetter(r) {
			letters.WriteRune(unicode.ToLower(r))
			t.at = append(t.at, i)
		}
	}
	t.letters = letters.String()
	return t
}

// jsonEscape matches a character as JSON writes it: APIs quote JSON in messages
// that are JSON.
var jsonEscape = regexp.MustCompile(`\\+u[0-9a-fA-F]{4}`)

// unescape replaces the escapes of JSON.
func unescape(text string) string {
	return jsonEscape.ReplaceAllStringFunc(text, func(escape string) string {
		r, err := strconv.ParseUint(escape[len(escape)-4:], 16, 16)
		if err != nil {
			return escape
		}
		return string(rune(r))
	})
}

// fold returns text in compatibility form, in which full-width and styled
// letters are ASCII, without accents and invisible characters, and with spaces
// in place of control characters.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case r == '\u2800', // a symbol without dots
			unicode.In(r, unicode.M, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		default:
			return r
		}
	}, norm.NFKD.String(strings.ToValidUTF8(text, " ")))
}

// foldedLetters returns the ASCII letters and digits of text in lower case.
func foldedLetters(text string) string {
	return strings.Map(func(r rune) rune {
		if isASCIILetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, fold(text))
}

// words returns the words of text that have at least three ASCII letters or
// digits, in lower case. A private word of two characters identifies no one.
func words(text string) []string {
	const minWord = 3
	var long []string
	for _, word := range strings.FieldsFunc(fold(text), func(r rune) bool { return !isASCIILetter(r) }) {
		if len(word) >= minWord {
			long = append(long, strings.ToLower(word))
		}
	}
	return long
}

func isASCIILetter(r rune) bool {
	return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// maskValue masks value if it is in the text, and every window of it.
func (t *maskedText) maskValue(value string) {
	const minValue, window = 4, 12
	letters := foldedLetters(value)
	if len(letters) >= minValue {
		t.maskAnywhere(letters)
	}
	if len(letters) < window || len(t.letters) < window {
		return
	}
	// The value can be far longer than the text, so the windows of the text are
	// looked up.
	starts := make(map[string][]int)
	for i := range len(t.letters) - window + 1 {
		starts[t.letters[i:i+window]] = append(starts[t.letters[i:i+window]], i)
	}
	for i := range len(letters) - window + 1 {
		key := letters[i : i+window]
		for _, start := range starts[key] {
			t.maskLetters(start, start+window)
		}
		delete(starts, key)
	}
}

// maskName masks each part of a name, between spaces and between other
// separators, because "Ng'ang'a" is also written "Nganga". It masks parts of two
// letters where they are a word.
func (t *maskedText) maskName(name string) {
	const minPart = 3
	for _, part := range append(strings.Fields(name), words(name)...) {
		letters := foldedLetters(part)
		if len(letters) >= minPart {
			t.maskAnywhere(letters)
		} else {
			t.maskRuns(isASCIILetter, func(word string) bool { return len(word) > 1 && strings.EqualFold(word, letters) })
		}
	}
}

// maskAnywhere masks letters wherever they are in the text, whatever separates
// them.
func (t *maskedText) maskAnywhere(letters string) {
	for from := 0; ; {
		i := strings.Index(t.letters[from:], letters)
		if i < 0 {
			return
		}
		t.maskLetters(from+i, from+i+len(letters))
		from += i + 1
	}
}

// maskLetters masks the letters with the indexes from and up to, but not
// including, to, and everything between them.
func (t *maskedText) maskLetters(from, to int) {
	t.maskRunes(t.at[from], t.at[to-1]+1)
}

func (t *maskedText) maskRunes(from, to int) {
	for i := from; i < to; i++ {
		t.masked[i] = true
	}
}

// maskWords masks the words of the text that are private and not common, and
// long ones also with separators between their letters.
func (t *maskedText) maskWords(private []string) {
	const minSeparated = 6
	isPrivate := make(map[string]bool, len(private))
	for _, word := range private {
		if _, done := isPrivate[word]; done {
			continue
		}
		isPrivate[word] = !isCommon(word)
		if isPrivate[word] && len(word) >= minSeparated {
			t.maskAnywhere(word)
		}
	}
	t.maskRuns(isASCIILetter, func(word string) bool { return isPrivate[strings.ToLower(word)] })
}

// maskRuns masks the longest runs of runes that belong together and satisfy
// isPrivate.
func (t *maskedText) maskRuns(belongs func(rune) bool, isPrivate func(string) bool) {
	for from := 0; from < len(t.shown); from++ {
		to := from
		for to < len(t.shown) && belongs(t.shown[to]) {
			to++
		}
		if to > from && isPrivate(string(t.shown[from:to])) {
			t.maskRunes(from, to)
		}
		from = to
	}
}

func (t *maskedText) maskRandomStrings() {
	const minLength = 32
	belongs := func(r rune) bool { return isASCIILetter(r) || r == '_' || r == '-' }
	t.maskRuns(belongs, func(s string) bool { return len(s) >= minLength })
}

func (t *maskedText) maskForeignLetters() {
	belongs := func(r rune) bool { return r > unicode.MaxASCII && !unicode.IsPunct(r) && !unicode.IsSpace(r) }
	t.maskRuns(belongs, func(string) bool { return true })
}

func (t *maskedText) maskDigits() {
	const minDigits = 6
	for from := 0; from < len(t.shown); from++ {
		to, first, last, digits := from, 0, 0, 0
		for ; to < len(t.shown) && !unicode.IsLetter(t.shown[to]); to++ {
			if unicode.IsNumber(t.shown[to]) {
				if digits == 0 {
					first = to
				}
				last = to
				digits++
			}
		}
		if digits >= minDigits && !t.isGraphErrorCode(first, last) {
			t.maskRunes(first, last+1)
		}
		from = to
	}
}

// isGraphErrorCode reports whether the runes from first to last are a code as
// the Graph API writes it into a message, such as 131056 in "(#131056)".
func (t *maskedText) isGraphErrorCode(first, last int) bool {
	const maxDigits = 6
	return first >= 2 && last-first < maxDigits && last+1 < len(t.shown) &&
		t.shown[first-2] == '(' && t.shown[first-1] == '#' && t.shown[last+1] == ')'
}

// String returns the text with one mask in place of each masked run.
func (t *maskedText) String() string {
	var out strings.Builder
	for i, r := range t.shown {
		switch {
		case !t.masked[i]:
			out.WriteRune(r)
		case i == 0 || !t.masked[i-1]:
			out.WriteString(mask)
		}
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	if len(text) > MaxText {
		text = strings.ToValidUTF8(text[:MaxText], "") + "…"
	}
	return text
}

// isCommon reports whether the word is too common to be private on its own, or
// is one that the APIs use to name the cause of an error.
func isCommon(word string) bool {
	switch word {
	case "the", "and", "are", "but", "can", "for", "from", "has", "have", "not", "this", "that", "was", "were", "will",
		"with", "you", "your", "please", "when", "which", "does", "did", "been", "any", "all", "use", "used", "using",
		"access", "account", "api", "app", "application", "argument", "audio", "available", "content", "contents", "data",
		"document", "empty", "enabled", "error", "exceeded", "exist", "expired", "failed", "field", "file", "found",
		"image", "input", "internal", "invalid", "key", "limit", "location", "long", "malformed", "many", "maximum",
		"message", "missing", "model", "number", "object", "output", "pages", "parameter", "parts", "permission",
		"permissions", "phone", "prompt", "quota", "rate", "request", "requests", "required", "server", "service",
		"session", "size", "supported", "text", "time", "token", "tokens", "too", "type", "unsupported", "user", "valid",
		"value", "version", "video":
		return true
	default:
		return false
	}
}
