package gemini_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

// fakeModel returns the same result for every request and records the requests.
type fakeModel struct {
	completion gemini.Completion
	err        error
	requests   []gemini.Request
}

func (m *fakeModel) Generate(_ context.Context, request gemini.Request) (gemini.Completion, error) {
	m.requests = append(m.requests, request)
	return m.completion, m.err
}

func TestService_Ask(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("ñ", gemini.MaxPromptCharacters)
	for _, test := range []struct{ name, prompt, want string }{
		{"without_spaces", "hi", "hi"},
		{"unicode_spaces_around", " \t\n\u00a0\u2003hi \u3000\r\n", "hi"},
		{"longest", longest, longest},
		{"longest_with_spaces_around", "  " + longest + "  ", longest},
		{"inner_spaces_are_kept", "  " + "a  b", "a  b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			model := &fakeModel{completion: gemini.Completion{Text: sensitive.NewText("hello"), Model: "m"}}
			got, err := gemini.New(model).Ask(t.Context(), test.prompt).Get()
			if err != nil || got != model.completion {
				t.Errorf("Ask(%.20q) = %+v, error %v; want %+v", test.prompt, got, err, model.completion)
			}
			if len(model.requests) != 1 {
				t.Fatalf("model received %d requests, want 1", len(model.requests))
			}
			if got, want := format(model.requests[0].Contents), "user: "+test.want; got != want {
				t.Errorf("model received %.100q, want %.100q", got, want)
			}
		})
	}
}

func TestService_Ask_invalid_prompt(t *testing.T) {
	t.Parallel()
	for name, prompt := range map[string]string{
		"empty":          "",
		"blank":          " \n\u2003",
		"too_long":       strings.Repeat("a", gemini.MaxPromptCharacters+1),
		"not_utf8":       "a\xff",
		"half_character": "\xc3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := &fakeModel{}
			_, err := gemini.New(model).Ask(t.Context(), prompt).Get()
			e := fault.Of(err)
			if e == nil || e.Kind != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != "prompt" {
				t.Errorf("error = %v, want fault.Invalid for the field prompt", err)
			}
			if len(model.requests) != 0 {
				t.Errorf("model received %d requests, want none", len(model.requests))
			}
		})
	}
}

func TestService_output_tokens(t *testing.T) {
	t.Parallel()
	model := &fakeModel{}
	_, ask := gemini.New(model).Ask(t.Context(), "hi").Get()
	_, converse := gemini.New(model).Converse(t.Context(), gemini.Request{Contents: []gemini.Content{user("hi")}}).Get()
	if ask != nil || converse != nil || len(model.requests) != 2 {
		t.Fatalf("errors = %v and %v after %d requests, want none after 2", ask, converse, len(model.requests))
	}
	if got, want := model.requests[0].MaxOutputTokens, int32(8192); got != want {
		t.Errorf("MaxOutputTokens of Ask = %d, want %d", got, want)
	}
	if got, want := model.requests[1].MaxOutputTokens, int32(2048); got != want {
		t.Errorf("MaxOutputTokens of Converse = %d, want %d", got, want)
	}
}

func TestService_without_model(t *testing.T) {
	t.Parallel()
	service := gemini.New(nil)
	_, ask := service.Ask(t.Context(), "hi").Get()
	_, askBlank := service.Ask(t.Context(), "").Get()
	_, converse := service.Converse(t.Context(), gemini.Request{Contents: []gemini.Content{user("hi")}}).Get()
	for name, err := range map[string]error{"Ask": ask, "Ask with a blank prompt": askBlank, "Converse": converse} {
		if !fault.Is(err, fault.NotConfigured) {
			t.Errorf("%s: error = %v, want fault.NotConfigured", name, err)
		}
	}
}

func TestService_model_fails(t *testing.T) {
	t.Parallel()
	model := &fakeModel{err: fault.New(fault.Blocked, "no")}
	_, ask := gemini.New(model).Ask(t.Context(), "hi").Get()
	_, converse := gemini.New(model).Converse(t.Context(), gemini.Request{Contents: []gemini.Content{user("hi")}}).Get()
	for name, err := range map[string]error{"Ask": ask, "Converse": converse} {
		if !errors.Is(err, model.err) {
			t.Errorf("%s: error = %v, want the model's error %v", name, err, model.err)
		}
	}
}
