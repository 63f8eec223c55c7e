package graphapi

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func TestMedia(t *testing.T) {
	t.Parallel()
	content := []byte("a picture")
	sum := sha256.Sum256(content)
	digest := base64.StdEncoding.EncodeToString(sum[:])

	tests := map[string]struct {
		digest  string
		about   string // what the API says of the file; %s is our own address
		status  int    // of the file itself
		limit   int
		lost    bool // ErrNoMedia
		passing bool // a fault that may pass
	}{
		"is fetched and verified":          {digest, `{"url":"%s/file","file_size":9}`, 200, 100, false, false},
		"is fetched without a digest":      {"", `{"url":"%s/file","file_size":"9"}`, 200, 100, false, false},
		"with other bytes is refused":      {"AAAA", `{"url":"%s/file"}`, 200, 100, true, false},
		"said to be too large is refused":  {digest, `{"url":"%s/file","file_size":900}`, 200, 100, true, false},
		"found to be too large is refused": {digest, `{"url":"%s/file"}`, 200, 5, true, false},
		"on another host is left there":    {digest, `{"url":"http://127.0.0.2:1/file?%s"}`, 200, 100, true, false},
		"that is gone is given up":         {digest, `{"url":"%s/file"}`, 404, 100, true, false},
		"may come later":                   {digest, `{"url":"%s/file"}`, 503, 100, false, true},
		"described in an odd way":          {digest, `[%s]`, 200, 100, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer T" {
					t.Error("the token is missing")
				}
				if r.URL.Path == "/file" {
					w.WriteHeader(tt.status)
					_, _ = w.Write(content)
					return
				}
				if r.URL.Path != "/v25.0/M1" || r.URL.Query().Get("phone_number_id") != "N" {
					t.Errorf("asked for %s", r.URL)
				}
				_, _ = fmt.Fprintf(w, tt.about, server.URL)
			}))
			defer server.Close()
			client := New(Options{Token: sensitive.NewSecret("T"), BaseURL: server.URL, Version: "v25.0", Timeout: time.Minute, Log: slog.New(slog.DiscardHandler)})
			data, err := client.Media(t.Context(), "N", whatsapp.Media{ID: "M1", SHA256: tt.digest}, tt.limit)
			switch {
			case tt.lost && !errors.Is(err, whatsapp.ErrNoMedia):
				t.Errorf("got %v, want ErrNoMedia", err)
			case tt.passing && (err == nil || !fault.Of(err).Transient):
				t.Errorf("got %v, want a fault that may pass", err)
			case name == "described in an odd way" && !fault.Is(err, fault.Upstream):
				t.Errorf("got %v, want an upstream error", err)
			case name == "is fetched and verified" && string(data) != string(content):
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

func TestMediaIsFetchedFromMetaAlone(t *testing.T) {
	t.Parallel()
	client := New(Options{Token: sensitive.NewSecret("T"), Version: "v25.0", Timeout: time.Minute, Log: slog.New(slog.DiscardHandler)})
	for address, want := range map[string]bool{
		"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1": true,
		"https://scontent.xx.fbcdn.net/v/x":                                true,
		"http://lookaside.fbsbx.com/x":                                     false,
		"https://fbsbx.com.example.org/x":                                  false,
		"https://notfbsbx.com/x":                                           false,
		"https://lookaside.fbsbx.com:8443/x":                               false,
		"https://lookaside.fbsbx.com@example.org/x":                        false,
		"file:///etc/passwd":                                               false,
		"":                                                                 false,
	} {
		if got := client.trusted(address) == nil; got != want {
			t.Errorf("%q: trusted %v, want %v", address, got, want)
		}
	}
}
