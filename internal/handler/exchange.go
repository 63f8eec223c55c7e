package handler

import (
	"context"
	"crypto/rand"
	"net/http"
)

// exchange is what the parts of one request's way tell each other.
type exchange struct {
	requestID string
	failure   error // why the answer is a failure; nil for a success
}

type exchangeKey struct{}

// begin starts the record of a request.
func begin(r *http.Request) (*exchange, *http.Request) {
	e := &exchange{requestID: r.Header.Get("X-Request-Id")}
	if !sane(e.requestID) {
		e.requestID = rand.Text()
	}
	return e, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
}

func exchangeOf(ctx context.Context) *exchange {
	if e, there := ctx.Value(exchangeKey{}).(*exchange); there {
		return e
	}
	return &exchange{}
}

// sane tells ids that can go into a header and a log line unchanged.
func sane(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
