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

// spelling is a row of testdata/kenya_phones.tsv. Its e164 is empty where the
// number is to be rejected.
type spelling struct{ typed, e164, note string }

func spellings(t testing.TB) []spelling {
	t.Helper()
	table, err := os.ReadFile("testdata/kenya_phones.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []spelling
	for row := range strings.Lines(string(table)) {
		columns := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		if columns[0] == "input_json" {
			continue
		}
		s := spelling{e164: columns[2], note: columns[3]}
		if err := json.Unmarshal([]byte(columns[0]), &s.typed); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		if accept := columns[1] == "accept"; accept != (s.e164 != "") {
			t.Fatalf("the row contradicts itself: %s", row)
		}
		all = append(all, s)
	}
	return all
}

func TestNormaliseAgreesWithTheTable(t *testing.T) {
	t.Parallel()
	for _, s := range spellings(t) {
		if got, ok := normalise(s.typed); got != s.e164 || ok != (s.e164 != "") {
			t.Errorf("%q (%s): got %q, %t; want %q", s.typed, s.note, got, ok, s.e164)
		}
	}
}

func TestNormaliseReadsWhatElsePeopleWrite(t *testing.T) {
	t.Parallel()
	const want = "+254712345678"
	for _, typed := range []string{
		"0712.345.678", "0712/345/678", "(+254) 712 345 678", "+254-(0)-712-345678", "+ 254 712 345 678",
		"000254712345678",                      // Kenya's own prefix for calls abroad
		"002540712345678",                      // with the trunk 0 kept
		"2540712345678",                        //
		"\u2068+254 712 345 678\u2069",         // isolates, as iOS copies them
		"\ufeff0712345678",                     // a byte order mark
		"0712\u00a0345\u202f678",               // no-break spaces
		"0712\u2212345\u2212678",               // minus signs
		"0712\u00ad345678",                     // a soft hyphen
		"𝟎𝟕𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖",                           // digits beyond the basic plane
		"07\u0661\u0662345678",                 // scripts mixed
		strings.Repeat(" ", 99) + "0712345678", // space around it does not count
	} {
		if got, ok := normalise(typed); got != want {
			t.Errorf("%q: got %q, %t", typed, got, ok)
		}
	}
}

func TestNormaliseRejectsWhatIsNoNumber(t *testing.T) {
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
		if got, ok := normalise(typed); ok || got != "" {
			t.Errorf("%q: got %q, want a rejection", typed, got)
		}
	}
}

// TestNormaliseIsDeafToSpelling writes numbers of the table in random ways.
func TestNormaliseIsDeafToSpelling(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, s := range spellings(t) {
		if s.e164 == "" {
			continue
		}
		for range 200 {
			typed := respell(random, strings.TrimPrefix(s.e164, "+254"))
			want := s.e164
			if len(strings.TrimSpace(typed)) > maxTyped {
				want = ""
			}
			if got, ok := normalise(typed); got != want {
				t.Fatalf("seed %d: %q: got %q, %t; want %q", seed, typed, got, ok, want)
			}
		}
	}
}

// respell is one of the ways to write the national number.
func respell(random *rand.Rand, national string) string {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	prefix := pick("", "0", "254", "2540", "+254", "+2540", "＋254", "00254", "000254", "+254 (0)", "(0)", "(254)")
	zero := []rune(pick("0", "0", "0", "０", "٠", "۰", "०", "০", "๐", "𝟎"))[0]

	var out strings.Builder
	marks := 0
	for i, r := range prefix + national {
		if r >= '0' && r <= '9' {
			r = zero + r - '0'
		}
		if i > 0 && marks < 12 && random.IntN(3) == 0 {
			out.WriteString(pick(" ", "-", ".", "\u00a0", "\u2011", "\u200b", "\u2013", "\u202d", "\u3000", "(", ")"))
			marks++
		}
		out.WriteRune(r)
	}
	return pick("", " ", "\t", "\u202a", "\u2066") + out.String() + pick("", "\n", " ", "\u202c", "\u2069")
}

func FuzzNormalise(f *testing.F) {
	for _, s := range spellings(f) {
		f.Add(s.typed)
	}
	e164 := regexp.MustCompile(`^\+254[1-9][0-9]{8}$`)
	f.Fuzz(func(t *testing.T, typed string) {
		number, ok := normalise(typed)
		if !ok {
			if number != "" {
				t.Fatalf("%q is rejected and yet %q", typed, number)
			}
			return
		}
		if !e164.MatchString(number) {
			t.Fatalf("%q: %q is not a Kenyan number in E.164", typed, number)
		}
		for _, form := range []string{number, "0" + number[4:], number[1:], fmt.Sprintf("%s %s", number[:4], number[4:])} {
			if again, _ := normalise(form); again != number {
				t.Fatalf("%q became %q, but its form %q becomes %q", typed, number, form, again)
			}
		}
	})
}

func TestPlainFormsAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		national := fmt.Sprintf("%09d", random.IntN(1_000_000_000))
		for _, dialled := range []string{"+254" + national, "0" + national} {
			number, err := phonenumbers.Parse(dialled, "KE")
			want := err == nil && phonenumbers.IsValidNumberForRegion(number, "KE") && phonenumbers.GetNumberType(number) == phonenumbers.MOBILE
			got, ok := normalise(dialled)
			if ok != want || ok && got != phonenumbers.Format(number, phonenumbers.E164) {
				t.Errorf("%s: got %q, %t; want %t", dialled, got, ok, want)
			}
		}
	}
}

func BenchmarkNormalise(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := normalise("0712345678"); !ok {
			b.Fatal("it is no number")
		}
	}
}
