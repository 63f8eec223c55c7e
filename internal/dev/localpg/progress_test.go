package localpg

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowBody returns a hundred thousand bytes each second, ten times.
type slowBody struct{ reads int }

func (b *slowBody) Read(p []byte) (int, error) {
	if b.reads == 10 {
		return 0, io.EOF
	}
	b.reads++
	time.Sleep(time.Second)
	return min(len(p), 100_000), nil
}

func TestProgressReader(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		length int64
		size   string
	}{"known_size": {1_000_000, `"1.0 MB"`}, "unknown_size": {-1, "unknown"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				response := &http.Response{ContentLength: tt.length, Body: io.NopCloser(&slowBody{})}
				reader := newProgressReader(response, slog.New(slog.NewTextHandler(&out, nil)))
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, reader, make([]byte, 100_000)); err != nil {
					t.Fatal(err)
				}
				for _, want := range []string{
					`msg="download of postgresql started" size=` + tt.size,
					`msg="downloading postgresql" done="0.4 MB"`, `msg="downloading postgresql" done="0.8 MB"`,
					`msg="download of postgresql finished, unpacking it" size="1.0 MB"`,
				} {
					if !strings.Contains(out.String(), want) {
						t.Errorf("got %s\nwant a line with %s", out.String(), want)
					}
				}
				if got := strings.Count(out.String(), "\n"); got != 4 {
					t.Errorf("got %d lines, want 4:\n%s", got, out.String())
				}
			})
		})
	}
}

func TestDownload_unreachable_repository(t *testing.T) {
	t.Parallel()
	repository := httptest.NewServer(http.NotFoundHandler())
	repository.Close()
	err := download(t.Context(), downloadOptions{
		folder: filepath.Join(t.TempDir(), "postgresql"), repository: repository.URL, log: slog.New(slog.DiscardHandler),
	})
	checkError(t, err, "connect to the repository", "refused")
}

func TestDownload_broken_connection(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]string{"with_length": "1000", "without_length": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				_, _ = w.Write([]byte("half"))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}))
			t.Cleanup(repository.Close)
			err := download(t.Context(), downloadOptions{
				folder: filepath.Join(t.TempDir(), "postgresql"), repository: repository.URL, log: slog.New(slog.DiscardHandler),
			})
			checkError(t, err, "read from the repository")
		})
	}
}

// The download ends with its context, although the library cannot be interrupted.
func TestDownload_cancelled(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	repository := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	t.Cleanup(repository.Close)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	err := download(ctx, downloadOptions{
		folder: filepath.Join(t.TempDir(), "postgresql"), repository: repository.URL, log: slog.New(slog.DiscardHandler),
	})
	checkError(t, err, "context canceled")
}
