package main

import (
	"bytes"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// acceptWarningInterval is the shortest time between two warnings about
// connections that could not be accepted. net/http retries once a second or more
// often.
const acceptWarningInterval = 10 * time.Second

// serverLog writes the errors of net/http's server, which are lines of text, to
// the log with a level that fits. Most of them are caused by clients.
type serverLog struct {
	log *slog.Logger

	mu          sync.Mutex
	lastWarning time.Time // about a connection that could not be accepted
}

// newServerLog returns a logger for http.Server.ErrorLog.
func newServerLog(out *slog.Logger) *log.Logger { return log.New(&serverLog{log: out}, "", 0) }

// Write implements io.Writer.
func (s *serverLog) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	switch {
	case bytes.HasPrefix(line, []byte("http: Accept error: ")):
		if s.mayWarn() {
			s.log.Warn("could not accept a connection", slog.String("error", text))
		}
	case bytes.HasPrefix(line, []byte("http: panic serving ")):
		s.log.Error("request panicked", slog.String("error", withoutClient(text)))
	default:
		s.log.Debug("http server", slog.String("error", text))
	}
	return len(line), nil
}

func (s *serverLog) mayWarn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.lastWarning) < acceptWarningInterval {
		return false
	}
	s.lastWarning = time.Now()
	return true
}

// withoutClient removes the client's address, which is personal data, from
// "http: panic serving 192.0.2.1:1234: …".
func withoutClient(line string) string {
	_, cause, found := strings.Cut(line, ": panic serving ")
	if !found {
		return line
	}
	_, cause, _ = strings.Cut(cause, ": ")
	return cause
}
