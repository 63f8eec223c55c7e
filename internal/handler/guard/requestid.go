package guard

import (
	"crypto/rand"
	"net/http"

	"aisha/internal/handler/wire"
)

const (
	requestIDHeader    = "X-Request-Id"
	maxRequestIDLength = 64
)

// RequestID starts the request's log with the id that the client sent, or with
// a random id if the client sent none that is valid. It adds the id to the
// response.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !validRequestID(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		ctx := wire.WithRequestLog(r.Context(), &wire.RequestLog{RequestID: id})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// validRequestID accepts ids that need no escaping in a header or a log line.
func validRequestID(id string) bool {
	if id == "" || len(id) > maxRequestIDLength {
		return false
	}
	for _, c := range []byte(id) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
