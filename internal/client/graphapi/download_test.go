package graphapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
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
		limit       int64  // of the size; 0: the described one
		isWanted    func(error) bool
	}{
		"success":                  {digest: digest, description: `{"url":"%s/file","file_size":9}`, status: 200, limit: 100, isWanted: success},
		"hex_digest":               {digest: hex.EncodeToString(sum[:]), description: `{"url":"%s/file"}`, status: 200, limit: 100, isWanted: success},
		"no_digest":                {description: `{"url":"%s/file","file_size":"9"}`, status: 200, limit: 100, isWanted: success},
		"wrong_digest":             {digest: "AAAA", description: `{"url":"%s/file"}`, status: 200, limit: 100, isWanted: noMedia},
		"larger_than_described":    {digest: digest, description: `{"url":"%s/file","file_size":8}`, status: 200, isWanted: noMedia},
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
			client := newTestClient(server.URL)
			file, err := client.DescribeFile(t.Context(), "N", webhook.Media{ID: "M1", SHA256: tt.digest})
			var data []byte
			if err == nil {
				file.Size = cmp.Or(tt.limit, file.Size)
				data, err = client.Download(t.Context(), file)
			}
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

func TestClient_DescribeFile_Size(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		description string
		want        int64
	}{
		"number":  {`{"url":"u","file_size":900}`, 900},
		"string":  {`{"url":"u","file_size":"900"}`, 900},
		"missing": {`{"url":"u"}`, 0},
		"null":    {`{"url":"u","file_size":null}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(tt.description)) })
			file, err := newTestClient(server.URL).DescribeFile(t.Context(), "N", webhook.Media{ID: "M1"})
			if err != nil || file.Size != tt.want {
				t.Errorf("DescribeFile = size %d, %v; want %d", file.Size, err, tt.want)
			}
		})
	}
}

func TestClient_Download_TransportErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		cancel  bool // the caller cancels during the call
		want    func(error) bool
	}{
		"no_response_in_time": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false,
			func(err error) bool { return fault.Is(err, fault.UpstreamTimeout) && fault.Of(err).Transient }},
		"connection_is_closed": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false,
			func(err error) bool { return fault.Is(err, fault.Upstream) && fault.Of(err).Transient }},
		"connection_breaks_in_the_body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = w.Write([]byte("a pic"))
			panic(http.ErrAbortHandler)
		}, false, func(err error) bool { return fault.Is(err, fault.Upstream) && fault.Of(err).Transient }},
		"caller_cancels": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, true,
			func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.cancel {
					cancel()
				}
				tt.handler(w, r)
			})
			client := newTestClient(server.URL)
			client.options.Timeout = 200 * time.Millisecond
			file := whatsapp.RemoteFile{URL: sensitive.NewSecret(server.URL + "/file"), Size: 100}
			if _, err := client.Download(ctx, file); !tt.want(err) {
				t.Errorf("Download = %v, not the error of %s", err, name)
			}
		})
	}
}
