package gemini_test

import (
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

func user(texts ...string) gemini.Content  { return content(gemini.RoleUser, texts...) }
func model(texts ...string) gemini.Content { return content(gemini.RoleModel, texts...) }

func content(role gemini.Role, texts ...string) gemini.Content {
	c := gemini.Content{Role: role}
	for _, text := range texts {
		c.Parts = append(c.Parts, gemini.Part{Text: sensitive.NewText(text)})
	}
	return c
}

func file(mimeType string, size int) gemini.Content {
	return gemini.Content{Role: gemini.RoleUser, Parts: []gemini.Part{{MIMEType: mimeType, Data: make([]byte, size)}}}
}

// format writes contents as "user: a+b | model: c". A file is represented by
// its MIME type.
func format(contents []gemini.Content) string {
	roles := map[gemini.Role]string{gemini.RoleUser: "user: ", gemini.RoleModel: "model: "}
	var formatted []string
	for _, content := range contents {
		var parts []string
		for _, part := range content.Parts {
			text := part.Text.Reveal()
			if part.MIMEType != "" {
				text = part.MIMEType
			}
			parts = append(parts, text)
		}
		formatted = append(formatted, roles[content.Role]+strings.Join(parts, "+"))
	}
	return strings.Join(formatted, " | ")
}

func TestService_Converse(t *testing.T) {
	t.Parallel()
	third := strings.Repeat("a", gemini.MaxHistoryTokens) // a third of the limit
	full := strings.Repeat(third, 3)
	tests := []struct {
		name     string
		contents []gemini.Content
		want     string
	}{
		{"one_content", []gemini.Content{user("a")}, "user: a"},
		{"alternating_roles", []gemini.Content{user("a"), model("b"), user("c")}, "user: a | model: b | user: c"},
		{"same_role_is_merged", []gemini.Content{user("a"), user("b", "c"), model("d"), model("e"), user("f"), user("g")},
			"user: a+b+c | model: d+e | user: f+g"},
		{"model_first_is_dropped", []gemini.Content{model("a"), model("b"), user("c"), model("d"), user("e")},
			"user: c | model: d | user: e"},
		{"blank_contents_are_dropped", []gemini.Content{user("a"), model(" \n"), user("b", ""), {Role: gemini.RoleModel}}, "user: a+b"},
		{"last_content_over_the_limit", []gemini.Content{user("a"), model("b"), user(full + "c")}, "user: " + full + "c"},
		{"last_content_at_the_limit", []gemini.Content{user("a"), model("b"), user(full)}, "user: " + full},
		{"oldest_does_not_fit", []gemini.Content{user(full), model("b"), user("c"), model("d"), user("e")},
			"user: c | model: d | user: e"},
		{"completion_is_dropped_with_its_question", []gemini.Content{user(full), model("b"), user("c")}, "user: c"},
		{"nothing_older_than_a_content_that_does_not_fit", []gemini.Content{user("a"), model(full), user("c"), model("d"), user("e")},
			"user: c | model: d | user: e"},
		{"exactly_at_the_limit", []gemini.Content{user(third), model(third[:len(third)-2]), user(third[:len(third)-2])},
			"user: " + third + " | model: " + third[:len(third)-2] + " | user: " + third[:len(third)-2]},
		{"picture", []gemini.Content{user("a"), model("b"), file("image/jpeg", 5<<20), model("c"), user("d")},
			"user: a | model: b | user: image/jpeg | model: c | user: d"},
		{"long_audio", []gemini.Content{user("a"), model("b"), file("audio/ogg", 50*gemini.MaxHistoryTokens), model("c"), user("d")},
			"user: d"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := format(test.contents)
			fake := &fakeModel{}
			_, err := gemini.New(fake).Converse(t.Context(), gemini.Request{Instructions: "be kind", Contents: test.contents}).Get()
			if err != nil {
				t.Fatalf("Converse: %v", err)
			}
			if got := format(fake.requests[0].Contents); got != test.want {
				t.Errorf("model received %.200s\nwant           %.200s", got, test.want)
			}
			if got := fake.requests[0].Instructions; got != "be kind" {
				t.Errorf("model received the instructions %q, want %q", got, "be kind")
			}
			if after := format(test.contents); after != before {
				t.Errorf("the caller's contents became %.200s, want %.200s", after, before)
			}
		})
	}
}

func TestService_Converse_without_question(t *testing.T) {
	t.Parallel()
	for name, contents := range map[string][]gemini.Content{
		"no_contents": nil,
		"only_blanks": {user(" ")},
		"model_last":  {user("a"), model("b")},
		"blank_last":  {user("a"), model("b"), user("")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeModel{}
			_, err := gemini.New(fake).Converse(t.Context(), gemini.Request{Contents: contents}).Get()
			if !fault.Is(err, fault.Invalid) || len(fake.requests) != 0 {
				t.Errorf("error = %v with %d requests to the model, want fault.Invalid with none", err, len(fake.requests))
			}
		})
	}
}
