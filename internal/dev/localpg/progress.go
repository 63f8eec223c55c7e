package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// publicRepository is the Maven repository of the library.
	publicRepository = "https://repo1.maven.org/maven2"
	progressInterval = 3 * time.Second
)

// progressProxy forwards the library's requests to the repository and logs how much
// of the archive has arrived. The library itself reports nothing and cannot be
// interrupted, but its requests fail when the context of the proxy ends.
type progressProxy struct {
	url        string // the repository for the library
	repository string
	log        *slog.Logger
	server     *http.Server

	mu  sync.Mutex
	err error // of the last request without a complete response
}

// startProgressProxy returns a proxy on a loopback port. Close it after the download.
func startProgressProxy(ctx context.Context, repository string, log *slog.Logger) (*progressProxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the download: %w", err)
	}
	if repository == "" {
		repository = publicRepository
	}
	p := &progressProxy{url: "http://" + listener.Addr().String(), repository: repository, log: log}
	p.server = &http.Server{
		Handler:           p,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = p.server.Serve(listener) }() // ends by Close
	return p, nil
}

// Close stops the proxy and returns why a request got no complete response, if one
// did not.
func (p *progressProxy) Close() error {
	_ = p.server.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// ServeHTTP implements http.Handler.
func (p *progressProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := p.fetch(r)
	if err != nil {
		p.setError(err)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	if length := response.Header.Get("Content-Length"); length != "" {
		w.Header().Set("Content-Length", length)
	}
	w.WriteHeader(response.StatusCode)
	body := io.Reader(response.Body)
	if response.StatusCode == http.StatusOK && strings.HasSuffix(r.URL.Path, ".jar") {
		body = newProgressReader(response, p.log)
	}
	if _, err := io.Copy(w, body); err != nil {
		p.setError(fmt.Errorf("read from the repository: %w", err))
		panic(http.ErrAbortHandler) // the library must not take a part for the whole
	}
}

func (p *progressProxy) setError(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *progressProxy) fetch(r *http.Request) (*http.Response, error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, p.repository+r.URL.Path, http.NoBody) //nolint:gosec // the repository is a setting, and only our own download calls this proxy
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	response, err := http.DefaultClient.Do(request) //nolint:gosec // only our own download calls this proxy
	if err != nil {
		return nil, fmt.Errorf("connect to the repository: %w", err)
	}
	return response, nil
}

// progressReader logs the size of a response, and every few seconds how much of it
// was read.
type progressReader struct {
	body io.Reader
	log  *slog.Logger
	size string
	read int64
	next time.Time // of the next line
}

func newProgressReader(response *http.Response, log *slog.Logger) *progressReader {
	size := "unknown"
	if response.ContentLength >= 0 {
		size = megabytes(response.ContentLength)
	}
	log.Info("download of postgresql started", "size", size)
	return &progressReader{body: response.Body, log: log, size: size, next: time.Now().Add(progressInterval)}
}

// Read implements io.Reader.
func (r *progressReader) Read(buffer []byte) (int, error) {
	n, err := r.body.Read(buffer)
	r.read += int64(n)
	switch now := time.Now(); {
	case errors.Is(err, io.EOF):
		r.log.Info("download of postgresql finished, unpacking it", "size", megabytes(r.read))
	case now.After(r.next):
		r.log.Info("downloading postgresql", "done", megabytes(r.read), "size", r.size)
		r.next = now.Add(progressInterval)
	}
	return n, err
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
