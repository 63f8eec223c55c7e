package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCutText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"short":                  {"abc", 5, "abc"},
		"exact":                  {"abc", 3, "abc"},
		"long":                   {"abcd", 3, "abc"},
		"exact_in_characters":    {"äöü", 3, "äöü"},
		"characters_not_bytes":   {"äöüß", 3, "äöü"},
		"before_combining_mark":  {"abe\u0301x", 3, "ab"},
		"after_combining_mark":   {"abe\u0301x", 4, "abe\u0301"},
		"inside_joined_emoji":    {"a👩\u200D🌾b", 3, "a"},
		"before_skin_tone":       {"a👍🏾", 2, "a"},
		"inside_a_long_grapheme": {"a" + strings.Repeat("\u0301", 100), 60, "a" + strings.Repeat("\u0301", 59)},
		"invalid_bytes":          {"\xff\xff\xff", 2, "\xff\xff"},
		"nothing":                {"abc", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := cutText(tt.text, tt.limit); got != tt.want {
				t.Errorf("cutText(%+q, %d) = %+q, want %+q", tt.text, tt.limit, got, tt.want)
			}
		})
	}
}

// WhatsApp counts characters, so a text of 65,536 characters is stored whole,
// however many bytes it has.
func TestDecode_LongText(t *testing.T) {
	t.Parallel()
	const atLimit = 65_536
	edit := `{"from":"254712345678","id":"w","type":"edit","edit":{"original_message_id":"wamid.O","message":{"type":"text","text":{"body":%s}}}}`
	for name, item := range map[string]string{"text": `{"from":"254712345678","id":"w","type":"text","text":{"body":%s}}`, "edit": edit} {
		for _, character := range []string{"a", "ä", "字", "👍"} {
			for _, count := range []int{atLimit, atLimit + 1} {
				quoted, err := json.Marshal(strings.Repeat(character, count))
				if err != nil {
					t.Fatalf("got error %v, want none", err)
				}
				batch := decode([]byte(webhook(fmt.Sprintf(item, quoted), ``)))
				var got string
				for _, m := range batch.Messages {
					got = m.Text.Reveal()
				}
				for _, e := range batch.Edits {
					got = e.Text.Reveal()
				}
				if got != strings.Repeat(character, atLimit) {
					t.Errorf("%s of %d × %s: got %d characters, want %d", name, count, character, utf8.RuneCountInString(got), atLimit)
				}
			}
		}
	}
}

// Invisible characters in a name could make it look like another.
func TestDecode_Names(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ name, want string }{
		"plain":                    {`Wanjiru`, "Wanjiru"},
		"right_to_left_override":   {`Amina\u202efdp.exe`, "Aminafdp.exe"},
		"isolate":                  {`A\u2066dmin\u2069`, "Admin"},
		"zero_width":               {`Ad\u200bmin\ufeff`, "Admin"},
		"joined_emoji":             {`A 👩\u200d🌾`, "A 👩\u200D🌾"},
		"joiner_between_letters":   {`A\u200db`, "Ab"},
		"nothing_visible":          {`\u200b\u2060`, ""},
		"spreadsheet_formula":      {`=cmd|calc`, "=cmd|calc"},
		"long_with_invisible_text": {strings.Repeat(`\u200b`, 300) + "Otieno", "Otieno"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"1"},
				"contacts":[{"wa_id":"254712345678","profile":{"name":"%[1]s"}}],
				"messages":[{"from":"254712345678","id":"w","type":"document","document":{"id":"M","filename":"%[1]s"}}]}}]}]}`, tt.name)
			batch := decode([]byte(body))
			if len(batch.Messages) != 1 {
				t.Fatalf("got %s, want one message", describe(batch))
			}
			m := batch.Messages[0]
			if got := m.Sender.Name.Reveal(); got != tt.want {
				t.Errorf("name: got %+q, want %+q", got, tt.want)
			}
			if got := m.Media.Filename.Reveal(); got != tt.want {
				t.Errorf("file name: got %+q, want %+q", got, tt.want)
			}
		})
	}
}
