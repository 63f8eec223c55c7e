package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// routes is everything that is served.
func (s *Simulator) routes() http.Handler {
	r := chi.NewRouter()
	r.Group(func(r chi.Router) {
		r.Use(s.recordAs(kindGraph))
		r.Post("/{version:v[0-9]+\\.[0-9]+}/{number}/messages", s.graphMessages)
		r.Get("/{version:v[0-9]+\\.[0-9]+}/{media}", s.graphMedia)
		r.Get(filePath, s.graphFile)
	})
	r.Group(func(r chi.Router) {
		r.Use(s.recordAs(kindGemini))
		r.Post("/v1beta/models/{model}:{method}", s.geminiGenerate)
	})
	r.Group(s.phoneRoutes)
	return r
}

// Limits of what the service may send us.
const maxCallBody = 24 << 20

// recordAs shows each call and its answer in the traffic. It stands around the
// handlers, so that what they do to an answer on its way is seen too.
func (s *Simulator) recordAs(kind exchangeKind) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallBody))
			if err != nil {
				http.Error(w, "request entity too large", http.StatusRequestEntityTooLarge)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))

			x := s.store.begin(exchange{Kind: kind, Method: r.Method, URL: r.URL.Path, Attempts: 1, request: body})
			rec := &recorder{ResponseWriter: w, status: http.StatusOK}
			start := time.Now()
			defer func() {
				s.store.finish(x, rec, time.Since(start))
				if rec.status >= http.StatusBadRequest {
					s.store.refused(kind)
				}
			}()
			next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), recorderKey{}, rec)))
		})
	}
}

// recorder keeps what is answered, up to the bound of the traffic.
type recorder struct {
	http.ResponseWriter
	summary string
	mishap  string // why the answer was not given, or not wholly
	status  int
	body    bytes.Buffer
}

type recorderKey struct{}

// describe names a call in the traffic by what it asks for.
func describe(r *http.Request, summary string) {
	if rec, ok := r.Context().Value(recorderKey{}).(*recorder); ok {
		rec.summary = summary
	}
}

// cut breaks the connection, which ends the handler.
func cut(r *http.Request) {
	if rec, ok := r.Context().Value(recorderKey{}).(*recorder); ok {
		rec.mishap, rec.status = "the connection was cut", 0
	}
	panic(http.ErrAbortHandler)
}

// hang waits until the caller gives up, or until the fault is lifted, and then
// breaks the connection.
func (s *Simulator) hang(r *http.Request, lifted <-chan struct{}) {
	select {
	case <-lifted:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	cut(r)
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

// writeJSON answers with a body that is complete before the status goes out.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, errors.New("answer cannot be encoded").Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
