package handler_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/ratelimit"
	"aisha/internal/service/waitlist"
)

// submit returns the request that a browser sends for an HTML form.
func submit(form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/waiting-list/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://another.example")
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	return r
}

const signUpForm = "username=John+Doe&phone_number=0712345678"

// storing makes the waiting list validate sign-ups as the real service does.
func storing(o *handler.Options) {
	o.Waitlist = waitlist.New(acceptingStore{}, waitlist.Options{Codes: waitlist.NewCoder(nil)})
}

type acceptingStore struct{ waitlist.Store }

func (acceptingStore) Add(context.Context, waitlist.NewEntry) (waitlist.Added, error) {
	return waitlist.Added{ID: 1}, nil
}

// wantPage checks that the response is a page with these parts.
func wantPage(t *testing.T, got response, status int, parts ...string) {
	t.Helper()
	if got.status != status || got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %d %q, want %d and a page: %s", got.status, got.header.Get("Content-Type"), status, got.body)
	}
	for _, part := range parts {
		if !strings.Contains(got.body, part) {
			t.Errorf("the page does not contain %q: %s", part, got.body)
		}
	}
}

func TestSignUpForm_Success(t *testing.T) {
	t.Parallel()
	var joined waitlist.SignUp
	recording := func(o *handler.Options) {
		o.Waitlist = joinFunc(func(_ context.Context, in waitlist.SignUp) (waitlist.Added, error) {
			joined = in
			return added(), nil
		})
	}
	t.Run("page", func(t *testing.T) {
		got := call(t, newAPI(recording), submit("username=Wanjir%C5%A9+%26+co&phone_number=%2B254+712+345+678&utm_source=x"))
		wantPage(t, got, http.StatusOK, "You are on the waiting list.", "Uko kwenye orodha ya kusubiri.")
		if want := (waitlist.SignUp{Username: "Wanjirũ & co", PhoneNumber: "+254 712 345 678"}); joined != want {
			t.Errorf("the service got %+v, want %+v", joined, want)
		}
	})
	t.Run("redirect", func(t *testing.T) {
		api := newAPI(recording, func(o *handler.Options) { o.SignupRedirectURL = "https://shop.example/thanks?a=b#top" })
		got := call(t, api, submit(signUpForm))
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "https://shop.example/thanks?a=b#top" || got.body != "" {
			t.Errorf("got %d to %q with %q, want 303 to the page and no body", got.status, got.header.Get("Location"), got.body)
		}
	})
	t.Run("json_is_not_redirected", func(t *testing.T) {
		api := newAPI(func(o *handler.Options) { o.SignupRedirectURL = "https://shop.example/thanks" })
		if got := call(t, api, post("/waiting-list/", signUp)); got.status != http.StatusOK || got.body != `{"message":"Added to waiting list","id":1}` {
			t.Errorf("got %d %s, want 200 and the JSON answer", got.status, got.body)
		}
	})
	t.Run("media_type_parameters", func(t *testing.T) {
		for _, contentType := range []string{"application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded;charset=utf8"} {
			r := submit(signUpForm)
			r.Header.Set("Content-Type", contentType)
			wantPage(t, callUndescribed(t, newAPI(), r), http.StatusOK)
		}
	})
}

func TestSignUpForm_FieldErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form  string
		parts []string
	}{
		"empty": {"username=&phone_number=", []string{
			`id="username-error"`, "Enter your name.", "Andika jina lako.", `id="phone_number-error"`, "Enter your phone number.",
		}},
		"no_fields":    {"", []string{"Enter your name.", "Enter your phone number."}},
		"foreign":      {"username=Amina&phone_number=%2B44+7911+123456", []string{`value="Amina"`, `value="&#43;44 7911 123456"`, "not Kenyan"}},
		"landline":     {"username=Amina&phone_number=020+201+2345", []string{"not a mobile number"}},
		"not_a_number": {"username=Amina&phone_number=abc", []string{"not a phone number"}},
		"invisible":    {"username=%E3%85%A4&phone_number=0712345678", []string{"at least one letter", `value="0712345678"`}},
		"too_long":     {"username=" + strings.Repeat("a", 101) + "&phone_number=0712345678", []string{"at most 100 characters"}},
		"line_break":   {"username=a%0Ab&phone_number=0712345678", []string{"cannot be used"}},
		"markup": {"username=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&phone_number=%22+onfocus%3D%22x", []string{
			`value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"`, `value="&#34; onfocus=&#34;x"`,
		}},
		"invalid_utf8": {"username=J%FF&phone_number=0712345678", []string{"cannot be used", "value=\"J\ufffd\""}},
		"nul":          {"username=J%00&phone_number=0712345678", []string{"cannot be used"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := callUndescribed(t, newAPI(storing), submit(tt.form))
			wantPage(t, got, http.StatusUnprocessableEntity, tt.parts...)
			wantPage(t, got, http.StatusUnprocessableEntity, `role="alert"`, "Please correct", `aria-invalid="true"`, "autofocus")
			if strings.Contains(got.body, "<script") {
				t.Errorf("the page contains a script: %s", got.body)
			}
		})
	}
}

func TestSignUpForm_Failures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err     error // of the service
		request *http.Request
		status  int
		text    string
	}{
		"unavailable":  {fault.New(fault.Unavailable, "later"), submit(signUpForm), 503, "cannot save"},
		"internal":     {errors.New("password=hunter2"), submit(signUpForm), 500, "Something went wrong"},
		"number_limit": {fault.New(fault.RateLimited, "later"), submit(signUpForm), 429, "too many"},
		"too_large":    {nil, submit("username=" + strings.Repeat("a", 64<<10)), 413, "Something went wrong"},
		"bad_escape":   {nil, submit("username=%zz"), 400, "Something went wrong"},
		"semicolon":    {nil, submit("username=a;phone_number=b"), 400, "Something went wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) {
				if tt.err != nil {
					o.Waitlist = joinFailing(tt.err)
				}
			})
			got := callUndescribed(t, api, tt.request)
			wantPage(t, got, tt.status, tt.text, `<form method="post"`)
			if tt.err != nil {
				wantPage(t, got, tt.status, `value="John Doe"`, `value="0712345678"`)
			}
			if strings.Contains(got.body, "hunter2") {
				t.Errorf("the page contains the cause: %s", got.body)
			}
			if retry := got.header.Get("Retry-After"); (retry != "") != (tt.status == 503 || tt.status == 429) {
				t.Errorf("Retry-After is %q, want it for 429 and 503 only", retry)
			}
		})
	}
	t.Run("unsupported_media_type", func(t *testing.T) {
		t.Parallel()
		for _, contentType := range []string{
			"multipart/form-data; boundary=x", "text/plain",
			"application/x-www-form-urlencoded; charset=utf-16", "application/x-www-form-urlencoded; charset",
		} {
			r := submit(signUpForm)
			r.Header.Set("Content-Type", contentType)
			wantFailure(t, callUndescribed(t, newAPI(), r), http.StatusUnsupportedMediaType, "unsupported_media_type")
		}
		compressed := submit(signUpForm)
		compressed.Header.Set("Content-Encoding", "gzip")
		wantFailure(t, callUndescribed(t, newAPI(), compressed), http.StatusUnsupportedMediaType, "unsupported_media_type")
	})
	t.Run("json_declared_as_a_form", func(t *testing.T) {
		t.Parallel()
		got := callUndescribed(t, newAPI(), submit(" "+signUp))
		wantFailure(t, got, http.StatusUnsupportedMediaType, "unsupported_media_type")
		if !strings.Contains(got.body, "send it with Content-Type: application/json") {
			t.Errorf("got %s, want the content type to send", got.body)
		}
	})
	t.Run("other_routes_take_no_form", func(t *testing.T) {
		t.Parallel()
		r := submit("prompt=x")
		r.URL.Path = "/gemini"
		wantFailure(t, call(t, newAPI(), r), http.StatusUnsupportedMediaType, "unsupported_media_type")
	})
}

func TestSignUpForm_RateLimit(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) { o.RateSignups = ratelimit.Rate{Requests: 1, Window: time.Minute} })
	wantPage(t, call(t, api, submit(signUpForm)), http.StatusOK)
	got := call(t, api, submit(signUpForm))
	wantPage(t, got, http.StatusTooManyRequests, "too many sign-ups", `value="John Doe"`, `value="0712345678"`)
	if got.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After is %q, want 60", got.header.Get("Retry-After"))
	}
	wantFailure(t, call(t, api, post("/waiting-list/", signUp)), http.StatusTooManyRequests, "rate_limited")
}

func TestSignUpForm_Policy(t *testing.T) {
	t.Parallel()
	for redirect, formAction := range map[string]string{
		"":                                   "form-action 'self';",
		"https://shop.example:8443/thanks?x": "form-action 'self' https://shop.example:8443;", // browsers check redirects too
	} {
		api := newAPI(storing, func(o *handler.Options) { o.SignupRedirectURL = redirect })
		got := call(t, api, submit("username=&phone_number=0"))
		_, rest, _ := strings.Cut(got.body, "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		hash := sha256.Sum256([]byte(style))
		policy := got.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'", formAction, "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("redirect %q: the policy is %q, want %q in it", redirect, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(got.body, "://") || strings.Contains(got.body, " style=") {
			t.Errorf("the page uses another host or an inline style, or its policy %q allows something unsafe", policy)
		}
		if got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control is %q, want no-store", got.header.Get("Cache-Control"))
		}
	}
}

func TestSignUpForm_LogHasNoValues(t *testing.T) {
	t.Parallel()
	out, withLog := logTo(-8)
	call(t, newAPI(storing, withLog), submit("username=Wanjiru%0A&phone_number=0712000"))
	callUndescribed(t, newAPI(storing, withLog), submit("username=Wanjiru%zz"))
	if lines := out.lines(t); len(lines) != 2 {
		t.Errorf("logged %d lines, want 2", len(lines))
	}
	if text := out.out.String(); strings.Contains(text, "Wanjiru") || strings.Contains(text, "0712") {
		t.Errorf("logged %s, want no submitted value", text)
	}
}
