package waitlist_test

import (
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"aisha/internal/service/waitlist"
)

const codeCharacters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// The codes of a key must never change: people have sent them to others.
func TestCoder_Code(t *testing.T) {
	t.Parallel()
	coder := waitlist.NewCoder([]byte("0123456789abcdef0123456789abcdef"))
	for id, want := range map[int64]string{1: "DMG57PS3T", 2: "NMBZRGMTP", 1_000: "WWHC5DHYC", 5_000_000: "040MGE8C6", 1<<40 - 1: "F0G5YG355"} {
		got := coder.Code(id)
		if got != want {
			t.Errorf("Code(%d): got %s, want %s", id, got, want)
		}
		if back, ok := coder.ID(got); !ok || back != id {
			t.Errorf("ID(%s): got %d, %t, want %d", got, back, ok, id)
		}
	}
}

func TestCoder_Code_Distinct(t *testing.T) {
	t.Parallel()
	const ids = 200_000
	coder := waitlist.NewCoder([]byte("key"))
	seen := make(map[string]bool, ids)
	for id := range int64(ids) {
		code := coder.Code(id + 1)
		if len(code) != 9 || strings.Trim(code, codeCharacters) != "" || seen[code] {
			t.Fatalf("Code(%d): got %q, want 9 characters of Crockford's base 32 that no lower id has", id+1, code)
		}
		seen[code] = true
		if back, ok := coder.ID(code); !ok || back != id+1 {
			t.Fatalf("ID(%s): got %d, %t, want %d", code, back, ok, id+1)
		}
	}
}

// Neighbouring ids and keys have codes without visible relation: about half of the 40
// bits differ.
func TestCoder_Code_Avalanche(t *testing.T) {
	t.Parallel()
	coder, other := waitlist.NewCoder([]byte("key")), waitlist.NewCoder([]byte("kez"))
	number := func(code string) (n uint64) {
		for _, r := range code[:8] {
			n = n<<5 | uint64(strings.IndexRune(codeCharacters, r))
		}
		return n
	}
	for name, pair := range map[string]func(id int64) (string, string){
		"next_id":   func(id int64) (string, string) { return coder.Code(id), coder.Code(id + 1) },
		"high_bit":  func(id int64) (string, string) { return coder.Code(id), coder.Code(id ^ 1<<39) },
		"other_key": func(id int64) (string, string) { return coder.Code(id), other.Code(id) },
	} {
		const ids = 5_000
		different := 0
		for id := range int64(ids) {
			a, b := pair(id + 1)
			different += bits.OnesCount64(number(a) ^ number(b))
		}
		if mean := float64(different) / ids; mean < 19.8 || mean > 20.2 {
			t.Errorf("%s: %.2f of 40 bits differ, want about 20", name, mean)
		}
	}
}

func TestCoder_ID(t *testing.T) {
	t.Parallel()
	coder := waitlist.NewCoder([]byte("key"))
	// A code that contains 0 and 1, so that O, I and L can replace them.
	id := int64(1)
	for !strings.Contains(coder.Code(id), "0") || !strings.Contains(coder.Code(id), "1") {
		id++
	}
	code := coder.Code(id)
	replace := func(oldNew ...string) string { return strings.NewReplacer(oldNew...).Replace(code) }
	for name, tt := range map[string]struct {
		typed string
		want  int64 // 0: not a code
	}{
		"as_printed":            {code, id},
		"lower_case":            {strings.ToLower(code), id},
		"capital_o_and_i":       {replace("0", "O", "1", "I"), id},
		"small_o_and_l":         {replace("0", "o", "1", "l"), id},
		"capital_l_and_small_i": {replace("1", "L"), id},
		"small_i":               {replace("1", "i"), id},
		"dashes":                {code[:4] + "-" + code[4:8] + "-" + code[8:], id},
		"spaces":                {" " + code[:3] + " " + code[3:] + "\n", id},
		"no_break_space":        {code[:3] + "\u00a0" + code[3:], id},
		"empty":                 {"", 0},
		"only_dashes":           {"---------", 0},
		"too_short":             {code[:8], 0},
		"too_long":              {code + "0", 0},
		"with_u":                {"U" + code[1:], 0},
		"with_other_script":     {"é" + code[1:], 0},
		"full_width":            {"０" + code[1:], 0},
		"with_nul":              {code[:8] + "\x00", 0},
		"with_punctuation":      {code[:8] + "!", 0},
		"invalid_utf8":          {code[:8] + "\xff", 0},
		"over_64_bytes":         {code + strings.Repeat(" ", 64), 0},
	} {
		got, ok := coder.ID(tt.typed)
		if got != tt.want || ok != (tt.want != 0) {
			t.Errorf("%s: ID(%q): got %d, %t, want %d", name, tt.typed, got, ok, tt.want)
		}
	}
}

func TestCoder_ID_WrongCheckCharacter(t *testing.T) {
	t.Parallel()
	coder := waitlist.NewCoder([]byte("key"))
	for id := range int64(500) {
		code := coder.Code(id + 1)
		for _, check := range codeCharacters {
			changed := code[:8] + string(check)
			if got, ok := coder.ID(changed); ok != (changed == code) {
				t.Errorf("the code is %s: ID(%s): got %d, %t", code, changed, got, ok)
			}
		}
	}
}

// Of random texts, one in 32 has the right check character, and its id is one of 2^40.
func TestCoder_ID_Guesses(t *testing.T) {
	t.Parallel()
	const guesses, entries = 200_000, 5_000_000
	coder, random := waitlist.NewCoder([]byte("key")), rand.New(rand.NewPCG(1, 2))
	codes, hits := 0, 0
	for range guesses {
		guess := make([]byte, 9)
		for i := range guess {
			guess[i] = codeCharacters[random.IntN(len(codeCharacters))]
		}
		id, ok := coder.ID(string(guess))
		if ok {
			codes++
		}
		if ok && id <= entries {
			hits++
		}
	}
	if codes < guesses/32*9/10 || codes > guesses/32*11/10 || hits > 0 {
		t.Errorf("%d of %d guesses are codes and %d name one of %d entries, want about %d and 0", codes, guesses, hits, entries, guesses/32)
	}
}
