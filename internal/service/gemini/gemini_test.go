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

// fakeModel answers every request alike and keeps what it was asked.
type fakeModel struct {
	answer gemini.Answer
	err    error
	asked  []gemini.Request
}

func (m *fakeModel) Generate(_ context.Context, request gemini.Request) (gemini.Answer, error) {
	m.asked = append(m.asked, request)
	return m.answer, m.err
}

func TestAskPassesThePromptOnTrimmed(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("ñ", gemini.MaxPromptCharacters)
	for given, want := range map[string]string{
		"hi":                             "hi",
		" \t\n\u00a0\u2003hi \u3000\r\n": "hi",
		longest:                          longest,
		"  " + longest + "  ":            longest,
		"  " + "a  b":                    "a  b",
	} {
		model := &fakeModel{answer: gemini.Answer{Text: sensitive.NewText("hello"), Model: "m"}}
		answer, err := gemini.New(model).Ask(t.Context(), given).Get()
		if err != nil || answer != model.answer {
			t.Errorf("answer %+v, error %v", answer, err)
		}
		if len(model.asked) != 1 || show(model.asked[0].Turns) != "user: "+want {
			t.Errorf("asked %s", show(model.asked[0].Turns))
		}
	}
}

func TestAskRefusesAPromptThatIsNotValid(t *testing.T) {
	t.Parallel()
	for name, prompt := range map[string]string{
		"empty":      "",
		"blank":      " \n\u2003",
		"too long":   strings.Repeat("a", gemini.MaxPromptCharacters+1),
		"not UTF-8":  "a\xff",
		"cut letter": "\xc3",
	} {
		model := &fakeModel{}
		_, err := gemini.New(model).Ask(t.Context(), prompt).Get()
		e := fault.Of(err)
		if e == nil || e.Kind != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != "prompt" {
			t.Errorf("%s: got %v", name, err)
		}
		if len(model.asked) != 0 {
			t.Errorf("%s: the model was asked", name)
		}
	}
}

func TestWithoutAModelEveryQuestionIsNotConfigured(t *testing.T) {
	t.Parallel()
	service := gemini.New(nil)
	_, asked := service.Ask(t.Context(), "hi").Get()
	_, blank := service.Ask(t.Context(), "").Get()
	_, conversed := service.Converse(t.Context(), gemini.Request{Turns: []gemini.Turn{user("hi")}}).Get()
	for _, err := range []error{asked, blank, conversed} {
		if !fault.Is(err, fault.NotConfigured) {
			t.Errorf("got %v", err)
		}
	}
}

func TestTheModelsErrorIsTheAnswersError(t *testing.T) {
	t.Parallel()
	model := &fakeModel{err: fault.New(fault.Blocked, "no")}
	_, asked := gemini.New(model).Ask(t.Context(), "hi").Get()
	_, conversed := gemini.New(model).Converse(t.Context(), gemini.Request{Turns: []gemini.Turn{user("hi")}}).Get()
	for _, err := range []error{asked, conversed} {
		if !errors.Is(err, model.err) {
			t.Errorf("got %v", err)
		}
	}
}
