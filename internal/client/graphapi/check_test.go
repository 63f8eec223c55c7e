package graphapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestClient_CheckToken(t *testing.T) {
	t.Parallel()
	const accepted, rejected, unknown = "accepted", "rejected", "unknown"
	for name, tt := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"phone_number":         {200, `{"id":"1234567890"}`, accepted},
		"id_as_number":         {200, `{"id":1234567890}`, accepted},
		"id_is_null":           {200, `{"id":null}`, unknown},
		"invalid_token":        {401, `{"error":{"message":"Malformed access token EAAGhunter2token","code":190}}`, rejected},
		"invalid_token_as_400": {400, `{"error":{"message":"Invalid OAuth access token","code":190}}`, rejected},
		"no_permission":        {403, `{"error":{"message":"(#200) Permissions error","code":200}}`, rejected},
		"other_phone_number":   {400, `{"error":{"message":"Unsupported get request.","code":100,"error_subcode":33}}`, rejected},
		"401_without_body":     {401, ``, rejected},
		"rate_limited":         {400, `{"error":{"message":"(#4) limit","code":4}}`, unknown},
		"parameter":            {400, `{"error":{"message":"(#100) Tried accessing nonexisting field","code":100}}`, unknown},
		"outage":               {500, `{"error":{"message":"unknown","code":2}}`, unknown},
		"403_of_a_proxy":       {403, `<html>blocked</html>`, unknown},
		"no_such_route":        {404, `404 page not found`, unknown},
		"200_html_page":        {200, `<html>welcome</html>`, unknown},
		"200_without_id":       {200, `{"success":true}`, unknown},
		"redirect":             {302, ``, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				const wantURI, wantToken = "/v25.0/" + testPhoneNumberID + "?fields=id", "Bearer " + testToken
				if r.Method != http.MethodGet || r.URL.RequestURI() != wantURI || r.Header.Get("Authorization") != wantToken {
					t.Errorf("request = %s %s with Authorization %q, want GET %s with %q",
						r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), wantURI, wantToken)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})

			err := newTestClient(server.URL).CheckToken(t.Context(), testPhoneNumberID)

			got := unknown
			switch {
			case err == nil:
				got = accepted
			case errors.Is(err, ErrTokenRejected):
				got = rejected
			}
			if got != tt.want {
				t.Errorf("the token is %s (%v), want %s", got, err, tt.want)
			}
			if err != nil {
				checkNothingPrivate(t, err)
			}
		})
	}
}

func TestClient_CheckToken_without_phone_number_id(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.RequestURI(), "/v25.0/me?fields=id"; got != want {
			t.Errorf("request URI = %q, want %q", got, want)
		}
		_, _ = io.WriteString(w, `{"id":"1"}`)
	})
	if err := newTestClient(server.URL).CheckToken(t.Context(), ""); err != nil {
		t.Errorf("error = %v, want none", err)
	}
}

func TestClient_CheckToken_not_reached(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, url := range map[string]string{
		"connection_refused": closedPort(t),
		"timeout":            serve(t, hang).URL,
		"invalid_base_url":   "http://%zz",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(url)
			c.options.Timeout = 50 * time.Millisecond
			err := c.CheckToken(t.Context(), testPhoneNumberID)
			if err == nil || errors.Is(err, ErrTokenRejected) {
				t.Fatalf("error = %v, want one that is not ErrTokenRejected", err)
			}
			checkNothingPrivate(t, err)
			if strings.Contains(err.Error(), "http://") {
				t.Errorf("error = %q, want it without the URL", err)
			}
		})
	}
}
