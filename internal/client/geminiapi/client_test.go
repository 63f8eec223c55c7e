package geminiapi

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aisha/internal/sensitive"
)

func TestNew_missing_option(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, "http://127.0.0.1:1", nil)
	for name, remove := range map[string]func(*Options){
		"key":     func(o *Options) { o.APIKey = sensitive.Secret{} },
		"model":   func(o *Options) { o.Model = "models/" },
		"timeout": func(o *Options) { o.Timeout = 0 },
		"log":     func(o *Options) { o.Log = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := client.options
			options.Timeout = time.Second
			remove(&options)
			if _, err := New(t.Context(), options); err == nil {
				t.Error("New succeeded, want an error")
			}
		})
	}
}

func TestClient_Generate_http2(t *testing.T) {
	t.Parallel()
	var protocol string
	request := fileQuestion(1 << 20)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		if body, err := io.ReadAll(r.Body); err != nil || r.ContentLength != int64(len(body)) {
			t.Errorf("body has %d bytes, error %v, announced are %d", len(body), err, r.ContentLength)
		} else {
			checkParts(t, body, request.Contents)
		}
		respondOK(goodStream)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newTestClient(t, server.URL, nil)
	client.base.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	client.base.TLSClientConfig.RootCAs.AddCert(server.Certificate())

	_, err := client.Generate(t.Context(), request)

	if err != nil || protocol != "HTTP/2.0" {
		t.Errorf("protocol = %q, error %v; want HTTP/2.0", protocol, err)
	}
}
