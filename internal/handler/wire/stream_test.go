package wire_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"aisha/internal/handler/wire"
)

// streamed returns a handler that streams what produce writes.
func streamed(compressed bool, produce func(io.Writer) (string, error)) http.Handler {
	return wire.Handler(func(*http.Request) (wire.Response, error) {
		return wire.Response{
			Status: http.StatusOK, Header: http.Header{"Vary": {"Accept-Encoding"}}, ContentType: "text/csv",
			Body: wire.Stream{Write: produce, Trailer: "Rows", Gzip: compressed},
		}, nil
	})
}

// writeLines writes n lines in pieces that are flushed in the middle of lines.
func writeLines(n int) func(io.Writer) (string, error) {
	return func(w io.Writer) (string, error) {
		for i := range n {
			if _, err := io.WriteString(w, strconv.Itoa(i)+"\n"); err != nil {
				return "", err
			}
		}
		return strconv.Itoa(n), nil
	}
}

func linesTo(n int) string {
	var out bytes.Buffer
	_, _ = writeLines(n)(&out)
	return out.String()
}

// serveStream starts a server whose write timeout is shorter than the streams of the tests.
func serveStream(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.WriteTimeout = 100 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func fetch(t *testing.T, method, url string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity") // no decompression by the transport
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestStream(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lines      int
		compressed bool
	}{
		"empty":           {0, false},
		"empty_gzip":      {0, true},
		"short":           {3, false},
		"short_gzip":      {3, true},
		"many_pieces":     {200_000, false},
		"many_pieces_too": {200_000, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body, err := fetch(t, http.MethodGet, serveStream(t, streamed(tt.compressed, writeLines(tt.lines))))
			if err != nil {
				t.Fatalf("read the body: got error %v, want none", err)
			}
			if tt.compressed {
				body = gunzip(t, body)
			}
			if body != linesTo(tt.lines) {
				t.Errorf("got a body of %d bytes, want the %d lines", len(body), tt.lines)
			}
			wantEncoding := ""
			if tt.compressed {
				wantEncoding = "gzip"
			}
			for header, want := range map[string]string{
				"Content-Type": "text/csv", "Cache-Control": "no-store", "Vary": "Accept-Encoding", "Content-Encoding": wantEncoding,
			} {
				if got := response.Header.Get(header); got != want {
					t.Errorf("got %s %q, want %q", header, got, want)
				}
			}
			if got := response.Trailer.Get("Rows"); got != strconv.Itoa(tt.lines) {
				t.Errorf("got the trailer %q, want %d", got, tt.lines)
			}
		})
	}
}

func gunzip(t *testing.T, body string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatalf("open the gzip body: %v", err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("read the gzip body: %v", err)
	}
	return string(plain)
}

func TestStream_HEAD(t *testing.T) {
	t.Parallel()
	response, body, err := fetch(t, http.MethodHead, serveStream(t, streamed(true, nil)))
	if err != nil || body != "" || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/csv" {
		t.Errorf("got %d %q %q, error %v; want 200, text/csv and no body", response.StatusCode, response.Header.Get("Content-Type"), body, err)
	}
}

// The write timeout of the server is shorter than the stream.
func TestStream_TakesLongerThanTheWriteTimeout(t *testing.T) {
	t.Parallel()
	url := serveStream(t, streamed(false, func(w io.Writer) (string, error) {
		piece := bytes.Repeat([]byte("x"), 128<<10)
		for range 4 {
			time.Sleep(60 * time.Millisecond)
			if _, err := w.Write(piece); err != nil {
				return "", err
			}
		}
		return "4", nil
	}))
	response, body, err := fetch(t, http.MethodGet, url)
	if err != nil || len(body) != 4*128<<10 || response.Trailer.Get("Rows") != "4" {
		t.Errorf("got %d bytes, the trailer %q and error %v, want all", len(body), response.Trailer.Get("Rows"), err)
	}
}

// A client must not take a part of the body for all of it.
func TestStream_FailureAborts(t *testing.T) {
	t.Parallel()
	errCause := errors.New("the cause")
	for name, tt := range map[string]struct {
		lines      int
		compressed bool
	}{
		"at_the_beginning":   {0, false},
		"within_first_piece": {3, false},
		"in_the_middle":      {100_000, false},
		"in_the_middle_gzip": {100_000, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failures := make(chan error, 1)
			h := streamed(tt.compressed, func(w io.Writer) (string, error) {
				_, _ = writeLines(tt.lines)(w)
				return "", errCause
			})
			url := serveStream(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				log := &wire.RequestLog{}
				defer func() { failures <- log.Failure }()
				h.ServeHTTP(w, r.WithContext(wire.WithRequestLog(r.Context(), log)))
			}))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(r)
			if err == nil {
				_, err = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			if err == nil {
				t.Error("the client read a complete response, want an error")
			}
			if failure := <-failures; !errors.Is(failure, errCause) || !errors.Is(failure, wire.ErrAborted) || errors.Is(failure, wire.ErrNotReceived) {
				t.Errorf("the failure is %v, want the cause, as aborted", failure)
			}
		})
	}
}

// stalled is a ResponseWriter of a client that receives only the first writes.
type stalled struct {
	header    http.Header
	writes    int // that succeed
	deadlines []time.Time
}

func (s *stalled) Header() http.Header { return s.header }
func (s *stalled) WriteHeader(int)     {}
func (s *stalled) Flush()              {}

func (s *stalled) Write(p []byte) (int, error) {
	if s.writes--; s.writes < 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return len(p), nil
}

func (s *stalled) SetWriteDeadline(at time.Time) error {
	s.deadlines = append(s.deadlines, at)
	return nil
}

func TestStream_ClientThatReceivesNothing(t *testing.T) {
	t.Parallel()
	client := &stalled{header: http.Header{}, writes: 3}
	log := &wire.RequestLog{}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r = r.WithContext(wire.WithRequestLog(r.Context(), log))
	started := time.Now()
	func() {
		defer func() {
			if value := recover(); value != http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
				t.Errorf("the panic's value is %v, want http.ErrAbortHandler", value)
			}
		}()
		streamed(false, writeLines(1_000_000)).ServeHTTP(client, r)
	}()
	if !errors.Is(log.Failure, wire.ErrNotReceived) || !errors.Is(log.Failure, wire.ErrAborted) || !errors.Is(log.Failure, os.ErrDeadlineExceeded) {
		t.Errorf("the failure is %v, want not received, aborted and the cause", log.Failure)
	}
	if len(client.deadlines) != 4 {
		t.Fatalf("the deadline was set %d times, want once before each of 4 writes", len(client.deadlines))
	}
	for _, at := range client.deadlines {
		if left := at.Sub(started); left < 30*time.Second || left > time.Minute {
			t.Errorf("a write has %v, want 30 s", left)
		}
	}
}
