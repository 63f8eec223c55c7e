package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"aisha/internal/sensitive"
)

const (
	testSecret  = "EAAGhunter2tokenOfAProgram"
	testName    = "Wanjiru Kĩmani"
	testNumber  = "254712345678"
	testMessage = "I have malaria and my PIN is 4711; can you help me before Tuesday evening?"
)

func testPrivate() Private {
	return Private{
		Secrets: []sensitive.Secret{sensitive.NewSecret(testSecret)},
		Names:   []sensitive.Text{sensitive.NewText(testName), sensitive.NewText(testNumber), sensitive.NewText("40404"), sensitive.NewText("Jo Ng'ang'a")},
		Texts:   []sensitive.Text{sensitive.NewText(testMessage), sensitive.NewText("hello")},
	}
}

func TestPrivate_Mask(t *testing.T) {
	t.Parallel()
	fullWidth := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > ' ' && r <= '~' {
				return r + 0xFEE0
			}
			return r
		}, s)
	}
	between := func(s, separator string) string { return strings.Join(strings.Split(s, ""), separator) }
	for name, tt := range map[string]struct{ text, want string }{
		// Numbers.
		"number":                           {"to " + testNumber + " failed", "to ••• failed"},
		"number_with_plus":                 {"to +" + testNumber + " failed", "to +••• failed"},
		"number_as_written":                {"0712 345 678, 254-712-345-678", "•••"},
		"number_in_brackets":               {"(0712) [345] {678} failed", "(•••} failed"},
		"number_with_commas":               {"to 254,712,345,678 failed", "to ••• failed"},
		"number_full_width":                {"to " + fullWidth(testNumber) + " failed", "to ••• failed"},
		"number_arabic_digits":             {"to ٢٥٤٧١٢٣٤٥٦٧٨ failed", "to ••• failed"},
		"number_circled_digits":            {"to ②⑤④⑦①②③④⑤⑥⑦⑧ failed", "to ••• failed"},
		"number_mathematical_digits":       {"to 𝟚𝟝𝟜𝟟𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠 failed", "to ••• failed"},
		"number_with_zero_width_space":     {"to 254712\u200B345678 failed", "to ••• failed"},
		"number_split_thrice":              {"to 25471\u200B23456\u206078 failed", "to ••• failed"},
		"number_with_fillers":              {"to 25471\u316423456\u280078 failed", "to ••• failed"},
		"number_with_soft_hyphens":         {"to " + between(testNumber, "\u00AD") + " failed", "to ••• failed"},
		"number_of_someone_else":           {"to 0799 000 111 failed", "to ••• failed"},
		"short_message_id":                 {"message wamid.HBgMMjU0NzEyNzc3NjY4FQIAEhgUM0E is unknown", "message wamid.••• is unknown"},
		"message_id_with_slashes":          {`"id":"wamid.HBg/Mj+U0=="`, `"id":"wamid.•••"`},
		"six_digits":                       {"code 123456 is used", "code ••• is used"},
		"short_number_of_the_person":       {"to 40404 failed", "to ••• failed"},
		"number_escaped_as_json":           {`to \u0032\\u0035\u0034\u0037\u0031\u0032 failed`, "to ••• failed"},
		"number_as_html_entities":          {"to &#50;&#53;&#52;&#55; failed", "to &#•••; failed"},
		"five_digits_stay":                 {"after 12345 tokens", "after 12345 tokens"},
		"graph_error_code_stays":           {"(#131056) (Business Account, Consumer Account) pair rate limit hit", "(#131056) (Business Account, Consumer Account) pair rate limit hit"},
		"graph_error_code_without_message": {"(#131056)", "(#131056)"},
		"number_like_an_error_code":        {"(#254712345678)", "(#•••)"},
		// Names.
		"name":                      {"to Wanjiru Kĩmani failed", "to ••• failed"},
		"part_of_the_name":          {"to Wanjiru failed", "to ••• failed"},
		"name_without_accent":       {"to KIMANI failed", "to ••• failed"},
		"name_in_capitals":          {"to WANJIRU failed", "to ••• failed"},
		"name_full_width":           {"to " + fullWidth("Wanjiru") + " failed", "to ••• failed"},
		"name_with_zero_width":      {"to Wan\u200Bji\uFEFFru failed", "to ••• failed"},
		"name_spelled_out":          {"to W.a.n.j.i.r.u failed", "to ••• failed"},
		"name_within_a_word":        {"to user_wanjiru77 failed", "to user_•••77 failed"},
		"name_with_cyrillic_letter": {"to W\u0430njiru failed", "to W•••njiru failed"},
		"name_with_apostrophes":     {"to Ng'ang'a failed", "to ••• failed"},
		"name_without_apostrophes":  {"to NGANGA failed", "to ••• failed"},
		"name_of_two_letters":       {"to Jo failed for Job", "to ••• failed for Job"},
		"name_escaped_as_json":      {`to "\u0057anj\u0069ru \u738b" failed`, `to "••• •••" failed`},
		// Texts.
		"word_of_the_text":         {"the word malaria is refused", "the word ••• is refused"},
		"word_in_other_case":       {"the word MALARIA is refused", "the word ••• is refused"},
		"word_full_width":          {"the word " + fullWidth("malaria") + " is refused", "the word ••• is refused"},
		"word_spelled_out":         {"the word m a l a r i a is refused", "the word ••• is refused"},
		"word_in_brackets":         {"the word [m][a][l][a][r][i][a] is refused", "the word [•••] is refused"},
		"short_number_of_the_text": {"the word 4711 is refused", "the word ••• is refused"},
		"short_text":               {"the word Hello is refused", "the word ••• is refused"},
		"whole_text":               {"Bad: \"" + testMessage + "\"", "Bad: \"•••?\""},
		"text_of_common_words":     {"Bad: can you help me", "Bad: •••"},
		"text_spelled_out":         {"Bad: " + between("ihavemalariaandmypin", "-"), "Bad: •••"},
		"foreign_letters":          {"the word नमस्ते or 王小明 is refused", "the word ••• or ••• is refused"},
		"emoji":                    {"the word 👩🏾‍🚀 is refused", "the word ••• is refused"},
		// Secrets.
		"secret":                 {"token " + testSecret + " is malformed", "token ••• is malformed"},
		"secret_in_other_case":   {"token " + strings.ToLower(testSecret) + " is malformed", "token ••• is malformed"},
		"secret_cut_off":         {"token " + testSecret[:14] + "... is malformed", "token •••... is malformed"},
		"secret_with_zero_width": {"token " + between(testSecret, "\u200B") + " is malformed", "token ••• is malformed"},
		"other_long_string":      {"token EAAGqwertyuiopasdfghjklzxcvbnm12345 is malformed", "token ••• is malformed"},
		// What an operator needs.
		"cause_stays_key":      {"API key not valid. Please pass a valid API key.", "API key not valid. Please pass a valid API key."},
		"cause_stays_location": {"User location is not supported for the API use.", "User location is not supported for the API use."},
		"cause_stays_model":    {"models/gemini-3.5-flash-lite is not found for API version v1beta", "models/gemini-3.5-flash-lite is not found for API version v1beta"},
		"cause_stays_file":     {"The document has no pages.", "The document has no pages."},
		"cause_stays_token":    {"Error validating access token: Session has expired", "Error validating access token: Session has expired"},
		"one_line":             {"a\n\tb\x00c\u2028d\u202E", "a b c d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := testPrivate().Mask(tt.text); got != tt.want {
				t.Errorf("Mask(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestPrivate_Mask_long_texts(t *testing.T) {
	t.Parallel()
	t.Run("cut_between_characters", func(t *testing.T) {
		t.Parallel()
		got := Private{}.Mask("x" + strings.Repeat("“ ", 1000))
		if want := MaxText + len("…"); len(got) > want {
			t.Errorf("text has %d bytes, want at most %d", len(got), want)
		}
		if strings.Contains(got, "\ufffd") {
			t.Errorf("text = %q, want it without half a character", got)
		}
		if !strings.HasSuffix(got, "…") {
			t.Errorf("text = %q, want it to end with …", got)
		}
	})
	t.Run("fast", func(t *testing.T) {
		t.Parallel()
		text := sensitive.NewText(strings.Repeat("some words and 123 digits ", 2_500))
		start := time.Now()
		Private{Texts: []sensitive.Text{text}}.Mask(strings.Repeat("words and 12 ", 100_000))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("masking with a private text of 64 KB took %v, want at most 5s", took)
		}
	})
}

func TestPrivate_MaskError(t *testing.T) {
	t.Parallel()
	t.Run("quoted_response", func(t *testing.T) {
		t.Parallel()
		cause := errors.New(`malformed MIME header line: X ` + testNumber)
		got := testPrivate().MaskError(fmt.Errorf("read: %w", cause))
		if want := "read: malformed MIME header line: X •••"; got.Error() != want || errors.Is(got, cause) {
			t.Errorf("error = %q, wraps the cause = %v; want %q, which does not wrap the cause", got, errors.Is(got, cause), want)
		}
	})
	t.Run("deadline_and_cancelation", func(t *testing.T) {
		t.Parallel()
		for _, want := range []error{context.DeadlineExceeded, context.Canceled} {
			if got := testPrivate().MaskError(fmt.Errorf("%s: %w", testMessage, want)); got != want { //nolint:errorlint // a wrapping error could quote the message
				t.Errorf("error = %v, want %v", got, want)
			}
		}
	})
	t.Run("connection", func(t *testing.T) {
		t.Parallel()
		dial := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40123}, Err: errors.New("connection refused")}
		if got, want := testPrivate().MaskError(fmt.Errorf("get: %w", dial)).Error(), "dial tcp 127.0.0.1:40123: connection refused"; got != want {
			t.Errorf("error = %q, want %q", got, want)
		}
	})
	if err := testPrivate().MaskError(nil); err != nil {
		t.Errorf("MaskError(nil) = %v, want nil", err)
	}
}

func FuzzPrivate_Mask(f *testing.F) {
	f.Add("to 254712\u200B345678", "hello Wanjiru")
	f.Add("\xff\u202E王", "")
	f.Fuzz(func(t *testing.T, text, private string) {
		p := Private{Names: []sensitive.Text{sensitive.NewText(private)}, Texts: []sensitive.Text{sensitive.NewText(private)}}
		got := p.Mask(text)
		if len(got) > MaxText+len("…") || strings.ContainsAny(got, "\n\r\x00") {
			t.Errorf("Mask(%q) = %q, want one line of at most %d bytes", text, got, MaxText)
		}
	})
}
