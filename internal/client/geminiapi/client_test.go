package geminiapi

import (
	"crypto/tls"
	"crypto/x509"
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
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		respondOK(goodStream)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newTestClient(t, server.URL, nil)
	client.base.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	client.base.TLSClientConfig.RootCAs.AddCert(server.Certificate())

	_, err := client.Generate(t.Context(), question())

	if err != nil || protocol != "HTTP/2.0" {
		t.Errorf("protocol = %q, error %v; want HTTP/2.0", protocol, err)
	}
}
