package handler_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"aisha/internal/handler"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

func TestAskGemini(t *testing.T) {
	t.Parallel()
	var asked string
	working := workingOptions().Gemini
	api := newAPI(func(o *handler.Options) {
		o.Gemini = askFunc(func(ctx context.Context, prompt string) (gemini.Completion, error) {
			asked = prompt
			return working.Ask(ctx, prompt).Get()
		})
	})
	got := call(t, api, post("/gemini", `{"prompt":" What is <b>?\u0000 "}`))
	if want := " What is <b>?\x00 "; asked != want {
		t.Errorf("the service got the prompt %q, want %q", asked, want)
	}
	for name, want := range map[string]string{
		"Aisha-Model": "gemini-test", "Aisha-Finish-Reason": "STOP", "Aisha-Prompt-Tokens": "5", "Aisha-Response-Tokens": "7",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
}

func TestAskGemini_UnknownMembers(t *testing.T) {
	t.Parallel()
	for body, fields := range map[string]string{
		`{"prompt":"x","stream":true}`:                                      "stream",
		`{"prompt":"x","model":"gemini-pro"}`:                               "model",
		`{"prompt":"x","system":"be brief","max_tokens":5,"temperature":0}`: "system max_tokens temperature",
		`{"messages":[{"role":"user","content":"x"}]}`:                      "messages prompt",
		`{"prompt":"x","anything":null}`:                                    "anything",
		`{"Prompt":"x"}`:                                                    "Prompt prompt",
	} {
		api := newAPI(func(o *handler.Options) {
			o.Gemini = askFunc(func(context.Context, string) (gemini.Completion, error) {
				t.Errorf("%s: the service was called, want the request rejected before", body)
				return gemini.Completion{}, nil
			})
		})
		got := call(t, api, post("/gemini", body))
		wantFailure(t, got, http.StatusUnprocessableEntity, "invalid")
		if names := strings.Join(fieldsOf(t, got), " "); names != fields {
			t.Errorf("%s: details name %q, want %q", body, names, fields)
		}
		if !strings.Contains(got.body, `"code":"unknown_member"`) {
			t.Errorf("%s: got %s, want the code unknown_member", body, got.body)
		}
	}
	if got := call(t, newAPI(), post("/waiting-list/", `{"username":"A","phone_number":"1","source":"web"}`)); got.status != http.StatusOK {
		t.Errorf("sign-up with an unknown member: got %d, want 200", got.status)
	}
}

func TestAskGemini_SurrogatePairs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body   string
		status int
	}{
		"lone_first_half":              {`{"prompt":"a\ud800b"}`, http.StatusUnprocessableEntity},
		"lone_second_half":             {`{"prompt":"a\udc00"}`, http.StatusUnprocessableEntity},
		"pair":                         {`{"prompt":"\ud83d\ude00"}`, http.StatusOK},
		"replacement_character":        {"{\"prompt\":\"\uFFFD\"}", http.StatusOK},
		"escaped_replacement":          {`{"prompt":"\uFFFD"}`, http.StatusOK},
		"lone_half_after_replacements": {`{"prompt":"\uFFFD \ud800 "}`, http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := call(t, newAPI(), post("/gemini", tt.body)); got.status != tt.status {
				t.Errorf("%s: got %d %s, want %d", tt.body, got.status, got.body, tt.status)
			}
		})
	}
}

func TestAskGemini_Keys(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.APIKeys = []sensitive.Secret{sensitive.NewSecret("first-key"), sensitive.NewSecret("second-key")}
	})
	for header, want := range map[string]int{
		"Bearer first-key":            200,
		"bearer second-key":           200,
		"Bearer  first-key ":          200,
		"":                            401,
		"Bearer":                      401,
		"Bearer ":                     401,
		"Bearer first-ke":             401,
		"Bearer first-keyy":           401,
		"Bearer FIRST-KEY":            401,
		"Bearer first-key,second-key": 401,
		"Basic first-key":             401,
		"first-key":                   401,
	} {
		r := post("/gemini", `{"prompt":"x"}`)
		r.Header.Set("Authorization", header)
		got := call(t, api, r)
		if got.status != want {
			t.Errorf("Authorization %q: got %d, want %d", header, got.status, want)
		}
		if want == http.StatusUnauthorized {
			wantFailure(t, got, want, "unauthenticated")
			if !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(got.body, "first") {
				t.Errorf("Authorization %q: got %v %s, want WWW-Authenticate: Bearer and a body without keys", header, got.header, got.body)
			}
		}
	}
	if got := call(t, api, post("/waiting-list/", signUp)); got.status != http.StatusOK {
		t.Errorf("sign-up without a key: got %d, want 200", got.status)
	}
}
