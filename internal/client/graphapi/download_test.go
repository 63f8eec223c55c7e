package graphapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func TestClient_Download(t *testing.T) {
	t.Parallel()
	const content = "a picture"
	sum := sha256.Sum256([]byte(content))
	digest := base64.StdEncoding.EncodeToString(sum[:])
	success := func(err error) bool { return err == nil }
	noMedia := func(err error) bool { return errors.Is(err, whatsapp.ErrNoMedia) }
	transient := func(err error) bool { return err != nil && fault.Of(err).Transient }
	upstream := func(err error) bool { return fault.Is(err, fault.Upstream) }

	tests := map[string]struct {
		digest      string
		description string // response about the file; %s is the server's URL
		status      int    // of the response with the file
		limit       int
		isWanted    func(error) bool
	}{
		"success":                  {digest: digest, description: `{"url":"%s/file","file_size":9}`, status: 200, limit: 100, isWanted: success},
		"hex_digest":               {digest: hex.EncodeToString(sum[:]), description: `{"url":"%s/file"}`, status: 200, limit: 100, isWanted: success},
		"no_digest":                {description: `{"url":"%s/file","file_size":"9"}`, status: 200, limit: 100, isWanted: success},
		"wrong_digest":             {digest: "AAAA", description: `{"url":"%s/file"}`, status: 200, limit: 100, isWanted: noMedia},
		"described_as_too_large":   {digest: digest, description: `{"url":"%s/file","file_size":900}`, status: 200, limit: 100, isWanted: noMedia},
		"too_large":                {digest: digest, description: `{"url":"%s/file"}`, status: 200, limit: 5, isWanted: noMedia},
		"url_on_another_host":      {digest: digest, description: `{"url":"http://127.0.0.2:1/file?%s"}`, status: 200, limit: 100, isWanted: noMedia},
		"not_found":                {digest: digest, description: `{"url":"%s/file"}`, status: 404, limit: 100, isWanted: noMedia},
		"service_unavailable":      {digest: digest, description: `{"url":"%s/file"}`, status: 503, limit: 100, isWanted: transient},
		"description_not_readable": {digest: digest, description: `[%s]`, status: 200, limit: 100, isWanted: upstream},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server *httptest.Server
			server = serve(t, func(w http.ResponseWriter, r *http.Request) {
				if got, want := r.Header.Get("Authorization"), "Bearer "+testToken; got != want {
					t.Errorf("Authorization = %q, want %q", got, want)
				}
				if r.URL.Path == "/file" {
					w.WriteHeader(tt.status)
					_, _ = w.Write([]byte(content))
					return
				}
				if got, want := r.URL.RequestURI(), "/v25.0/M1?phone_number_id=N"; got != want {
					t.Errorf("request URI = %q, want %q", got, want)
				}
				_, _ = fmt.Fprintf(w, tt.description, server.URL)
			})
			media := webhook.Media{ID: "M1", SHA256: tt.digest}
			data, err := newTestClient(server.URL).Download(t.Context(), "N", media, tt.limit)
			if !tt.isWanted(err) {
				t.Errorf("error = %v, not the one of %s", err, name)
			}
			if err == nil && string(data) != content {
				t.Errorf("data = %q, want %q", data, content)
			}
			if err != nil && data != nil {
				t.Errorf("data = %q, want none with an error", data)
			}
		})
	}
}

func TestClient_checkFileURL(t *testing.T) {
	t.Parallel()
	c := newTestClient("") // Meta's base URL
	for address, want := range map[string]bool{
		"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1": true,
		"https://scontent.xx.fbcdn.net/v/x":                                true,
		"http://lookaside.fbsbx.com/x":                                     false,
		"https://fbsbx.com.example.org/x":                                  false,
		"https://notfbsbx.com/x":                                           false,
		"https://lookaside.fbsbx.com:8443/x":                               false,
		"https://lookaside.fbsbx.com@example.org/x":                        false,
		"https://[fe80::1%25.fbsbx.com]/":                                  false,
		"https://[::1]:443/":                                               false,
		"https://fbsbx.com:/x":                                             false,
		"https://lookaside.fbsbx.com:443/x":                                false,
		"https://user@lookaside.fbsbx.com/x":                               false,
		"https://user:pass@lookaside.fbsbx.com/x":                          false,
		"https://evil%2e.fbsbx.com/x":                                      false,
		"https://1.1.1.1/x":                                                false,
		"https://0x7f.1/x":                                                 false,
		"https://evil\\.fbsbx.com/x":                                       false,
		"https://LOOKASIDE.FBSBX.COM/x":                                    true,
		"https://user@graph.facebook.com/x":                                false,
		"file:///etc/passwd":                                               false,
		"":                                                                 false,
	} {
		if got := c.checkFileURL(address) == nil; got != want {
			t.Errorf("checkFileURL(%q) accepted = %v, want %v", address, got, want)
		}
	}
}
