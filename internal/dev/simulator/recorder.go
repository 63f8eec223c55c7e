package simulator

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// maxCallBody is the largest request body of the service that is accepted.
const maxCallBody = 24 << 20

// recordTraffic is middleware that adds each call of the service with its
// response to the traffic list. It wraps the handlers, so it also records what
// a fault did to the response.
func (s *Simulator) recordTraffic(kind exchangeKind) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallBody))
			if err != nil {
				http.Error(w, "request entity too large", http.StatusRequestEntityTooLarge)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))

			x := s.store.beginExchange(exchange{Kind: kind, Method: r.Method, URL: r.URL.Path, Attempts: 1, request: body})
			rec := &recorder{ResponseWriter: w, status: http.StatusOK}
			start := time.Now()
			defer func() {
				s.store.finishExchange(x, rec, time.Since(start))
				if rec.status >= http.StatusBadRequest {
					s.store.countError(kind)
				}
			}()
			next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), recorderKey{}, rec)))
		})
	}
}

// recorder keeps the response, up to the limit of the traffic list.
type recorder struct {
	http.ResponseWriter
	summary string
	failure string // why the response is missing or incomplete; empty if it is complete
	status  int
	body    bytes.Buffer
}

type recorderKey struct{}

// setSummary sets the text that names a call in the traffic list.
func setSummary(r *http.Request, summary string) {
	if rec, ok := r.Context().Value(recorderKey{}).(*recorder); ok {
		rec.summary = summary
	}
}

// dropConnection breaks the connection. It panics with http.ErrAbortHandler, so
// the handler ends.
func dropConnection(r *http.Request) {
	if rec, ok := r.Context().Value(recorderKey{}).(*recorder); ok {
		rec.failure, rec.status = "the connection was dropped", 0
	}
	panic(http.ErrAbortHandler)
}

// hangUntilCleared waits until the caller gives up or faultCleared is closed,
// and then breaks the connection.
func (s *Simulator) hangUntilCleared(r *http.Request, faultCleared <-chan struct{}) {
	select {
	case <-faultCleared:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	dropConnection(r)
}

// WriteHeader implements http.ResponseWriter.
func (rec *recorder) WriteHeader(status int) {
	rec.status = status
	rec.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (rec *recorder) Write(p []byte) (int, error) {
	if room := maxShownBody + 1 - rec.body.Len(); room > 0 {
		rec.body.Write(p[:min(room, len(p))])
	}
	return rec.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
