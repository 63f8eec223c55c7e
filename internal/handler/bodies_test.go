package handler_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/handler"
	"aisha/internal/service/whatsapp"
)

// The tests of this file check package wire through the API's routes.

func TestBodies_MediaTypes(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for _, tt := range []struct {
		contentType, encoding string
		status                int
	}{
		{"application/json", "", 200},
		{"application/json; charset=utf-8", "", 200},
		{`application/json;charset="UTF-8"`, "", 200},
		{"Application/JSON", "identity", 200},
		{"application/json; charset=utf8", "", 200},
		{"application/json; charset=UTF8", "", 200},
		{`application/json; charset="utf8"`, "", 200},
		{"application/json; charset=us-ascii", "", 200},
		{"application/json ; CHARSET=Utf-8 ;", "", 200},
		{"application/json; charset=iso-8859-1", "", 415},
		{"application/json; charset=utf-8859", "", 415},
		{`application/json; charset=""`, "", 415},
		{"application/vnd.aisha+json", "", 200},
		{"", "", 415},
		{"text/plain", "", 415},
		{"text/json", "", 415},
		{"application/jsonp", "", 415},
		{"image/svg+json", "", 415},
		{"application/json; charset=utf-16", "", 415},
		{"application/json; charset", "", 415},
		{"application/json, text/plain", "", 415},
		{"application/json", "gzip", 415},
		{"application/json", "identity, br", 415},
	} {
		for path, body := range map[string]string{"/waiting-list/": signUp, "/gemini": `{"prompt":"x"}`} {
			r := post(path, body)
			r.Header.Set("Content-Type", tt.contentType)
			r.Header.Set("Content-Encoding", tt.encoding)
			got := callUndescribed(t, api, r)
			if got.status != tt.status {
				t.Errorf("%s as %q %q: got %d, want %d: %s", path, tt.contentType, tt.encoding, got.status, tt.status, got.body)
			}
			if tt.status == http.StatusUnsupportedMediaType {
				wantFailure(t, got, tt.status, "unsupported_media_type")
			}
		}
	}
}

func TestBodies_Limits(t *testing.T) {
	t.Parallel()
	api := newAPI()
	prompt := func(size int) string { return `{"prompt":"` + strings.Repeat("a", size-len(`{"prompt":""}`)) + `"}` }
	payload := func(size int) string { return strings.Repeat(" ", size-len("{}")) + "{}" }
	for _, tt := range []struct {
		path, body string
		status     int
	}{
		{"/gemini", prompt(64 << 10), 200},
		{"/gemini", prompt(64<<10 + 1), 413},
		{"/webhook/whatsapp", payload(4 << 20), 200},
		{"/webhook/whatsapp", payload(4<<20 + 1), 413},
	} {
		for _, contentLength := range []int64{int64(len(tt.body)), -1} { // -1 as in a chunked request
			r := signed(post(tt.path, tt.body))
			r.ContentLength = contentLength
			got := callUndescribed(t, api, r) // validating megabytes against the description takes seconds
			if got.status != tt.status {
				t.Errorf("%s with %d bytes and Content-Length %d: got %d, want %d", tt.path, len(tt.body), contentLength, got.status, tt.status)
			}
			if connection := got.header.Get("Connection"); got.status == http.StatusRequestEntityTooLarge && connection != "close" {
				t.Errorf("%s: Connection is %q, want close, because the rest of the body was not read", tt.path, connection)
			}
		}
	}
}

func TestBodies_Incomplete(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/waiting-list/", "/webhook/whatsapp"} {
		for _, end := range []bodyEnd{closes, stalls} {
			server := httptest.NewUnstartedServer(newAPI(failIfJoined(t)))
			if end == stalls {
				server.Config.ReadTimeout = 50 * time.Millisecond
			}
			server.Start()
			defer server.Close()
			res := sendIncomplete(t, server.Listener.Addr(), path, end)
			body, _ := io.ReadAll(res.Body)
			got := response{res.StatusCode, res.Header, string(body)}
			wantFailure(t, got, http.StatusBadRequest, "malformed")
			checkResponse(t, post(path, "{"), got, responseOnly)
			if !res.Close {
				t.Errorf("%s: the response keeps the connection open, want it closed", path)
			}
		}
	}
}

// bodyEnd is what a client does after the first byte of its body.
type bodyEnd int

const (
	closes bodyEnd = iota // closes its side of the connection
	stalls                // sends nothing more
)

// sendIncomplete sends the first byte of a body of 100 bytes.
func sendIncomplete(t *testing.T, to net.Addr, path string, end bodyEnd) *http.Response {
	t.Helper()
	connection, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatalf("connect to %s: %v", to, err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	_, _ = fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"X-Hub-Signature-256: sha256=%s\r\nContent-Length: 100\r\n\r\n{", path, strings.Repeat("0a", 32))
	if end == closes {
		if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatalf("close the write side: %v", err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatalf("read the response: %v", err)
	}
	return res
}

// While other bodies take up the memory for large ones, a large webhook is
// rejected at once, and small requests are served.
func TestBodies_Budget(t *testing.T) {
	t.Parallel()
	out, withLog := logTo(slog.LevelWarn)
	entered, leave := make(chan struct{}), make(chan struct{})
	api := newAPI(withLog, func(o *handler.Options) {
		o.WhatsApp = fakeWhatsApp{receive: func(_ context.Context, _ string, body []byte) (whatsapp.Receipt, error) {
			if len(body) > 64<<10 {
				entered <- struct{}{}
				<-leave
			}
			return whatsapp.Receipt{}, nil
		}}
	})
	var held sync.WaitGroup
	for range 8 {
		held.Go(func() { callUnchecked(api, signed(post("/webhook/whatsapp", strings.Repeat(" ", 4<<20)))) })
		<-entered
	}
	got := call(t, api, signed(post("/webhook/whatsapp", strings.Repeat(" ", 4<<20))))
	wantFailure(t, got, http.StatusServiceUnavailable, "unavailable")
	if got.header.Get("Retry-After") == "" || got.header.Get("Connection") != "close" {
		t.Errorf("got the headers %v, want Retry-After and Connection: close", got.header)
	}
	if got := call(t, api, signed(post("/webhook/whatsapp", "{}"))); got.status != http.StatusOK {
		t.Errorf("a small webhook: got %d, want 200", got.status)
	}
	if got := call(t, api, post("/waiting-list/", signUp)); got.status != http.StatusOK {
		t.Errorf("a sign-up: got %d, want 200", got.status)
	}
	close(leave)
	held.Wait()
	if got := callUnchecked(api, signed(post("/webhook/whatsapp", strings.Repeat(" ", 64<<10)))); got.status != http.StatusOK {
		t.Errorf("after the requests ended: got %d, want 200", got.status)
	}
	if lines := out.lines(t); len(lines) != 0 {
		t.Errorf("logged %v, want nothing above level INFO", lines)
	}
}
