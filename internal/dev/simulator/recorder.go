package simulator

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
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

			x := s.store.beginExchange(exchange{
				Kind: kind, Method: r.Method, URL: urlWithoutKey(r), Attempts: 1, request: body,
			})
			rec := &recorder{ResponseWriter: w, status: http.StatusOK, label: func(label exchangeLabel) {
				s.store.labelExchange(x, label)
			}}
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
	label   func(exchangeLabel)
	failure string // why the response is missing or incomplete; empty if it is complete
	status  int
	body    bytes.Buffer
}

type recorderKey struct{}

// setLabel sets how the traffic list describes a call.
func setLabel(r *http.Request, label exchangeLabel) {
	if rec, ok := r.Context().Value(recorderKey{}).(*recorder); ok {
		rec.label(label)
	}
}

// urlWithoutKey returns the URL that the service called. It leaves out the key,
// which a client of Gemini may put into the query.
func urlWithoutKey(r *http.Request) string {
	address := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if query := address.Query(); query.Has("key") {
		query.Del("key")
		address.RawQuery = query.Encode()
	}
	return address.String()
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
