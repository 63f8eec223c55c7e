package guard

import (
	"net/http"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/sensitive"
)

// RequireKey rejects requests without one of the keys in "Authorization: Bearer
// KEY". Wrong keys count against failures; a missing one does not. If keys is
// empty, RequireKey accepts every request.
func RequireKey(keys []sensitive.Secret, failures *AddressLimit) Middleware {
	if len(keys) == 0 {
		return passThrough
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hasKey(r, keys) {
				next.ServeHTTP(w, r)
				return
			}
			var err error = fault.New(fault.Unauthenticated, "send a valid key as Authorization: Bearer KEY")
			if r.Header.Get("Authorization") != "" {
				err = failures.Failure(r, err)
			}
			wire.WriteFailure(w, r, err)
		})
	}
}

// RequireOperator rejects requests without the operator's token. If token is
// empty, it rejects every request as not configured.
func RequireOperator(token sensitive.Secret, failures *AddressLimit) Middleware {
	if !token.IsZero() {
		return RequireKey([]sensitive.Secret{token}, failures)
	}
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			wire.WriteFailure(w, r, fault.New(fault.NotConfigured, "operator routes are not configured: ADMIN_TOKEN is not set"))
		})
	}
}

// hasKey compares with every key, even after a match, so that the duration does
// not reveal which key matched.
func hasKey(r *http.Request, keys []sensitive.Secret) bool {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	candidate, matched := strings.TrimSpace(credentials), false
	for _, key := range keys {
		if key.Equal(candidate) {
			matched = true
		}
	}
	return matched
}
