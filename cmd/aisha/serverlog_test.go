package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestServerLog(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		line, level, message string
	}{
		"accept_error": {"http: Accept error: accept tcp [::]:8000: accept4: too many open files; retrying in 1s", "WARN", "could not accept a connection"},
		"panic":        {"http: panic serving 192.0.2.1:1234: out of luck\nstack", "ERROR", "request panicked"},
		"panic_ipv6":   {"http: panic serving [2001:db8::1]:1234: out of luck\nstack", "ERROR", "request panicked"},
		"tls_noise":    {"http: TLS handshake error from 192.0.2.1:1234: EOF", "DEBUG", "http server"},
		"other":        {"http: URL query contains semicolon", "DEBUG", "http server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &bytes.Buffer{}
			newServerLog(slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))).Print(tt.line)
			var got struct{ Level, Msg, Error string }
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatalf("parse the log %q: %v", out, err)
			}
			if got.Level != tt.level || got.Msg != tt.message || got.Error == "" {
				t.Errorf("got %+v, want level %s, message %q and an error", got, tt.level, tt.message)
			}
			if tt.level == "ERROR" && (!strings.HasPrefix(got.Error, "out of luck") || strings.Contains(got.Error, "1234")) {
				t.Errorf("got error %q, want the panic's value without the client's address", got.Error)
			}
		})
	}
}

// failingListener fails to accept a number of times, and then is closed.
type failingListener struct {
	net.Listener // nil: Serve calls only the methods below
	failures     int
}

func (l *failingListener) Close() error { return nil }

type temporaryError struct{ error }

func (temporaryError) Timeout() bool   { return false }
func (temporaryError) Temporary() bool { return true }

func (l *failingListener) Accept() (net.Conn, error) {
	l.failures--
	if l.failures < 0 {
		return nil, net.ErrClosed
	}
	return nil, temporaryError{errors.New("too many open files")}
}

func TestServerLog_OneWarningForManyAcceptErrors(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	server := &http.Server{ErrorLog: newServerLog(slog.New(slog.NewJSONHandler(out, nil))), ReadHeaderTimeout: time.Second}
	if err := server.Serve(&failingListener{failures: 4}); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("Serve returned %v, want net.ErrClosed", err)
	}
	if got := strings.Count(out.String(), `"level":"WARN"`); got != 1 || !strings.Contains(out.String(), "too many open files") {
		t.Errorf("logged %d warnings, want 1 with the error: %s", got, out)
	}
}
