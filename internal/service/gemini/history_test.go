package gemini_test

import (
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

func user(texts ...string) gemini.Turn      { return turn(gemini.User, texts...) }
func assistant(texts ...string) gemini.Turn { return turn(gemini.Assistant, texts...) }

func turn(role gemini.Role, texts ...string) gemini.Turn {
	t := gemini.Turn{Role: role}
	for _, text := range texts {
		t.Parts = append(t.Parts, gemini.Part{Text: sensitive.NewText(text)})
	}
	return t
}

func file(role gemini.Role, mimeType string, size int) gemini.Turn {
	return gemini.Turn{Role: role, Parts: []gemini.Part{{MIMEType: mimeType, Data: make([]byte, size)}}}
}

// show writes turns as "user: a+b | assistant: c", long texts shortened.
func show(turns []gemini.Turn) string {
	var said []string
	for _, turn := range turns {
		var parts []string
		for _, part := range turn.Parts {
			text := part.Text.Reveal()
			if part.MIMEType != "" {
				text = part.MIMEType
			}
			parts = append(parts, text)
		}
		said = append(said, map[gemini.Role]string{gemini.User: "user: ", gemini.Assistant: "assistant: "}[turn.Role]+strings.Join(parts, "+"))
	}
	return strings.Join(said, " | ")
}

func TestConverseRemindsTheModelOfWhatFits(t *testing.T) {
	t.Parallel()
	third := strings.Repeat("a", gemini.MaxHistoryTokens) // costs a third of what fits
	full := strings.Repeat(third, 3)
	tests := []struct {
		name  string
		turns []gemini.Turn
		want  string
	}{
		{"one turn", []gemini.Turn{user("a")}, "user: a"},
		{"alternating", []gemini.Turn{user("a"), assistant("b"), user("c")}, "user: a | assistant: b | user: c"},
		{"same side twice", []gemini.Turn{user("a"), user("b", "c"), assistant("d"), assistant("e"), user("f"), user("g")},
			"user: a+b+c | assistant: d+e | user: f+g"},
		{"assistant first", []gemini.Turn{assistant("a"), assistant("b"), user("c"), assistant("d"), user("e")},
			"user: c | assistant: d | user: e"},
		{"blank turns", []gemini.Turn{user("a"), assistant(" \n"), user("b", ""), {Role: gemini.Assistant}}, "user: a+b"},
		{"last turn over the limit", []gemini.Turn{user("a"), assistant("b"), user(full + "c")}, "user: " + full + "c"},
		{"last turn at the limit", []gemini.Turn{user("a"), assistant("b"), user(full)}, "user: " + full},
		{"oldest does not fit", []gemini.Turn{user(full), assistant("b"), user("c"), assistant("d"), user("e")},
			"user: c | assistant: d | user: e"},
		{"a question does not fit and takes its answer along", []gemini.Turn{user(full), assistant("b"), user("c")}, "user: c"},
		{"nothing older than a turn that does not fit", []gemini.Turn{user("a"), assistant(full), user("c"), assistant("d"), user("e")},
			"user: c | assistant: d | user: e"},
		{"exactly full", []gemini.Turn{user(third), assistant(third[:len(third)-2]), user(third[:len(third)-2])},
			"user: " + third + " | assistant: " + third[:len(third)-2] + " | user: " + third[:len(third)-2]},
		{"pictures", []gemini.Turn{user("a"), assistant("b"), file(gemini.User, "image/jpeg", 5<<20), assistant("c"), user("d")},
			"user: a | assistant: b | user: image/jpeg | assistant: c | user: d"},
		{"a long sound", []gemini.Turn{user("a"), assistant("b"), file(gemini.User, "audio/ogg", 50*gemini.MaxHistoryTokens), assistant("c"), user("d")},
			"user: d"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := show(test.turns)
			model := &fakeModel{}
			_, err := gemini.New(model).Converse(t.Context(), gemini.Request{Instructions: "be kind", Turns: test.turns}).Get()
			if err != nil {
				t.Fatal(err)
			}
			if got := show(model.asked[0].Turns); got != test.want {
				t.Errorf("got  %.200s\nwant %.200s", got, test.want)
			}
			if model.asked[0].Instructions != "be kind" {
				t.Errorf("instructions %q", model.asked[0].Instructions)
			}
			if show(test.turns) != before {
				t.Error("the caller's turns were changed")
			}
		})
	}
}

func TestConverseRefusesAConversationWithoutAQuestion(t *testing.T) {
	t.Parallel()
	for name, turns := range map[string][]gemini.Turn{
		"no turns":       nil,
		"only blanks":    {user(" ")},
		"assistant last": {user("a"), assistant("b")},
		"blank last":     {user("a"), assistant("b"), user("")},
	} {
		model := &fakeModel{}
		_, err := gemini.New(model).Converse(t.Context(), gemini.Request{Turns: turns}).Get()
		if !fault.Is(err, fault.Invalid) || len(model.asked) != 0 {
			t.Errorf("%s: error %v, asked %d times", name, err, len(model.asked))
		}
	}
}
