package simulator

import (
	"crypto/sha256"
	_ "embed" // for signUpPage
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// signUpPage is a sign-up form to copy. It posts to exampleAPI.
//
//go:embed signup.html
var signUpPage string

const exampleAPI = "http://localhost:8000"

// serveSignUp serves the form, which posts to the service under test. Another
// port is another origin, as on a company's website.
func (s *Simulator) serveSignUp(w http.ResponseWriter, _ *http.Request) {
	api := s.serviceOrigin()
	page := strings.ReplaceAll(signUpPage, exampleAPI, html.EscapeString(api))
	h := w.Header()
	// Browsers apply form-action to the page that the service redirects to as well.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src "+inlineHash(page, "script")+"; style-src "+inlineHash(page, "style")+
		"; connect-src "+api+"; form-action http: https:; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(page))
}

// serviceOrigin returns the scheme and the host of the webhook URL, which are
// those of the API.
func (s *Simulator) serviceOrigin() string {
	u, err := url.Parse(s.currentWebhookURL())
	if err != nil || u.Host == "" {
		return exampleAPI
	}
	return u.Scheme + "://" + u.Host
}

// inlineHash returns the source expression that allows the inline element of the
// page in a Content-Security-Policy.
func inlineHash(page, element string) string {
	_, rest, _ := strings.Cut(page, "<"+element+">")
	content, _, _ := strings.Cut(rest, "</"+element+">")
	hash := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
}
