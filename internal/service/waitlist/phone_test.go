package waitlist

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers/v2"
)

// phoneCase is a row of testdata/kenya_phones.tsv. An empty e164 means that the
// number must be rejected.
type phoneCase struct{ typed, e164, note string }

func phoneCases(t testing.TB) []phoneCase {
	t.Helper()
	table, err := os.ReadFile("testdata/kenya_phones.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var cases []phoneCase
	for row := range strings.Lines(string(table)) {
		columns := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		if columns[0] == "input_json" {
			continue
		}
		c := phoneCase{e164: columns[2], note: columns[3]}
		if err := json.Unmarshal([]byte(columns[0]), &c.typed); err != nil {
			t.Fatalf("decode row %q: %v", row, err)
		}
		if accept := columns[1] == "accept"; accept != (c.e164 != "") {
			t.Fatalf("row %q: its verdict contradicts its E.164 number", row)
		}
		cases = append(cases, c)
	}
	return cases
}

func TestNormalizePhone_Table(t *testing.T) {
	t.Parallel()
	for _, c := range phoneCases(t) {
		if got, problem := normalizePhone(c.typed); got != c.e164 || (problem == "") != (c.e164 != "") {
			t.Errorf("%q (%s): got %q, %q, want %q", c.typed, c.note, got, problem, c.e164)
		}
	}
}

func TestNormalizePhone_AcceptedForms(t *testing.T) {
	t.Parallel()
	const want = "+254712345678"
	for _, typed := range []string{
		"0712.345.678", "0712/345/678", "(+254) 712 345 678", "+254-(0)-712-345678", "+ 254 712 345 678",
		"000254712345678", // 000, the prefix for calls from Kenya
		"002540712345678", // with the trunk 0
		"2540712345678",
		"0712,345,678", "0712_345_678", "0712·345·678", "[0712]345678", "0254712345678", "0712345678,",
		"\u2068+254 712 345 678\u2069",         // Unicode isolates, as copied on iOS
		"\ufeff0712345678",                     // a byte order mark
		"0712\u00a0345\u202f678",               // no-break spaces
		"0712\u2212345\u2212678",               // minus signs
		"0712\u00ad345678",                     // a soft hyphen
		"𝟎𝟕𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖",                           // digits outside the basic plane
		"07\u0661\u0662345678",                 // ASCII and Arabic-Indic digits
		strings.Repeat(" ", 99) + "0712345678", // surrounding space has no limit
	} {
		if got, problem := normalizePhone(typed); got != want || problem != "" {
			t.Errorf("%q: got %q, %q, want %q", typed, got, problem, want)
		}
	}
}

func TestNormalizePhone_RejectedForms(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{
		"", "+", "0", "00", "000", "()", "-", "\xff0712345678", "0712345678\xff", "0712345678\x00", "0712\x1b345678",
		"+0712345678", "++254712345678", "0712345678+", "+254+712345678", "＋+254712345678",
		"0712345678*", "#0712345678", "*144#", "0712345678x5", "0712345678;ext=5", "tel:+254712345678", "tel:0712345678",
		"O712345678", "07l2345678", "0712345678.0", "７１２３４５６７８Ｅ",
		"+254 712 345 678 9", "+1 254 712 345 678", "+44 7911 123456", "+211912345678", "+2547123456789012345",
		"²³⁴", "0712345678²", "零七一二三四五六七八", "٠٧١٢٣٤٥٦٧٨٪",
		strings.Repeat("0", 40), "＋２５４ （０）７１２－３４５－６７８", strings.Repeat("1", 41), strings.Repeat("9", 1<<16), "+254712345678" + strings.Repeat("-", 40),
	} {
		if got, problem := normalizePhone(typed); problem == "" || got != "" {
			t.Errorf("%q: got %q, %q, want a rejection", typed, got, problem)
		}
	}
}

// TestNormalizePhone_RandomForms types the numbers of the table with random
// prefixes, digits and separators.
func TestNormalizePhone_RandomForms(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, c := range phoneCases(t) {
		if c.e164 == "" {
			continue
		}
		for range 200 {
			typed := randomForm(random, strings.TrimPrefix(c.e164, "+254"))
			want := c.e164
			if len(strings.TrimSpace(typed)) > maxPhoneBytes {
				want = ""
			}
			if got, problem := normalizePhone(typed); got != want {
				t.Fatalf("seed %d: %q: got %q, %q, want %q", seed, typed, got, problem, want)
			}
		}
	}
}

// randomForm returns a random way to type the national number.
func randomForm(random *rand.Rand, national string) string {
	pick := func(options ...string) string { return options[random.IntN(len(options))] }
	prefix := pick("", "0", "254", "2540", "+254", "+2540", "＋254", "00254", "000254", "+254 (0)", "(0)", "(254)")
	zero := []rune(pick("0", "0", "0", "０", "٠", "۰", "०", "০", "๐", "𝟎"))[0]

	var out strings.Builder
	separators := 0
	for i, r := range prefix + national {
		if r >= '0' && r <= '9' {
			r = zero + r - '0'
		}
		if i > 0 && separators < 12 && random.IntN(3) == 0 {
			out.WriteString(pick(" ", "-", ".", "\u00a0", "\u2011", "\u200b", "\u2013", "\u202d", "\u3000", "(", ")"))
			separators++
		}
		out.WriteRune(r)
	}
	return pick("", " ", "\t", "\u202a", "\u2066") + out.String() + pick("", "\n", " ", "\u202c", "\u2069")
}

func FuzzNormalizePhone(f *testing.F) {
	for _, c := range phoneCases(f) {
		f.Add(c.typed)
	}
	e164 := regexp.MustCompile(`^\+254[1-9][0-9]{8}$`)
	f.Fuzz(func(t *testing.T, typed string) {
		number, problem := normalizePhone(typed)
		if problem != "" {
			if number != "" {
				t.Fatalf("%q: got %q with a rejection, want no number", typed, number)
			}
			return
		}
		if !e164.MatchString(number) {
			t.Fatalf("%q: got %q, want a Kenyan number in E.164", typed, number)
		}
		for _, form := range []string{number, "0" + number[4:], number[1:], fmt.Sprintf("%s %s", number[:4], number[4:])} {
			if again, _ := normalizePhone(form); again != number {
				t.Fatalf("%q: got %q, but its form %q gives %q", typed, number, form, again)
			}
		}
	})
}

// TestNormalizePhone_AgreesWithLibrary covers the forms that parsePhone splits
// without the library.
func TestNormalizePhone_AgreesWithLibrary(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		national := fmt.Sprintf("%09d", random.IntN(1_000_000_000))
		for _, dialled := range []string{"+254" + national, "0" + national} {
			number, err := phonenumbers.Parse(dialled, "KE")
			want := err == nil && phonenumbers.IsValidNumberForRegion(number, "KE") && phonenumbers.GetNumberType(number) == phonenumbers.MOBILE
			got, problem := normalizePhone(dialled)
			if ok := problem == ""; ok != want || ok && got != phonenumbers.Format(number, phonenumbers.E164) {
				t.Errorf("seed %d: %s: got %q, %t, want %t and the number that the library returns", seed, dialled, got, ok, want)
			}
		}
	}
}

func BenchmarkNormalizePhone(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, problem := normalizePhone("0712345678"); problem != "" {
			b.Fatal("got a rejection, want a number")
		}
	}
}
