package handler

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed" // for signUpTemplate
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/service/waitlist"
)

//go:embed signup.html
var signUpTemplate string

// signUpForm answers sign-ups by HTML form, which browsers send without a
// script. It shows a page: the form again with the errors, or that the person is
// on the list.
type signUpForm struct {
	page        *template.Template
	policy      string // the Content-Security-Policy of the page
	redirectURL string // where a success is redirected to; empty: to the page
}

// newSignUpForm panics if the embedded template is invalid, which only a broken
// build can cause.
func newSignUpForm(redirectURL string) *signUpForm {
	return &signUpForm{
		page:        template.Must(template.New("signup").Parse(signUpTemplate)),
		policy:      signUpPolicy(redirectURL),
		redirectURL: redirectURL,
	}
}

// signUpPolicy allows the page its own style sheet and its form. Browsers apply
// form-action to the redirect that follows a form too.
func signUpPolicy(redirectURL string) string {
	_, rest, _ := strings.Cut(signUpTemplate, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	hash := sha256.Sum256([]byte(style))
	formAction := "'self'"
	if u, err := url.Parse(redirectURL); err == nil && u.Host != "" {
		formAction += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; img-src data:; " +
		"form-action " + formAction + "; base-uri 'none'; frame-ancestors 'none'"
}

// submission is the form of a request. It is read once, by the handler or by the
// failure page.
type submission func() (url.Values, error)

type submissionKey struct{}

// showFailures is middleware that renders the failures of form requests as a
// page, also those of the middleware inside it. It passes other requests
// through.
func (f *signUpForm) showFailures(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !wire.IsForm(r) {
			next.ServeHTTP(w, r)
			return
		}
		var submitted submission = sync.OnceValues(func() (url.Values, error) { return wire.DecodeForm(r) })
		ctx := context.WithValue(r.Context(), submissionKey{}, submitted)
		ctx = wire.WithFailurePage(ctx, func(failure *fault.Error) (wire.Response, bool) {
			if failure.Kind == fault.UnsupportedMediaType {
				return wire.Response{}, false // sent by a program, because browsers declare forms correctly
			}
			values, _ := submitted() // an unreadable form is shown empty
			return f.render(newSignUpPage(values, failure)), true
		})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// submittedSignUp returns the sign-up of a form request.
func submittedSignUp(ctx context.Context) (waitlist.SignUp, error) {
	values, err := ctx.Value(submissionKey{}).(submission)()
	if err != nil {
		return waitlist.SignUp{}, err
	}
	in := waitlist.SignUp{
		Username:     values.Get("username"),
		PhoneNumber:  values.Get("phone_number"),
		Source:       values.Get("source"),
		ReferralCode: values.Get("referral_code"),
	}
	if version := cmp.Or(values.Get("consent_version"), values.Get("consent")); version != "" { // an unchecked box is not sent
		in.ConsentVersion = &version
	}
	return in, nil
}

// joined returns the response to a sign-up that succeeded. code is the person's own
// referral code.
func (f *signUpForm) joined(code string) wire.Response {
	if f.redirectURL != "" {
		return wire.Response{Status: http.StatusSeeOther, Header: http.Header{"Location": {f.redirectURL}}}
	}
	return f.render(signUpPage{Joined: true, OwnCode: code})
}

// render panics if the template fails, which only a broken build can cause.
func (f *signUpForm) render(page signUpPage) wire.Response {
	var body bytes.Buffer
	if err := f.page.Execute(&body, page); err != nil {
		panic(err)
	}
	return wire.Response{
		Status:      http.StatusOK,
		Header:      http.Header{"Content-Security-Policy": {f.policy}},
		ContentType: "text/html; charset=utf-8",
		Body:        body.Bytes(),
	}
}
