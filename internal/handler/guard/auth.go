package guard

import (
	"net/http"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/operator"
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
			if !hasKey(r, keys) {
				wire.WriteFailure(w, r, unauthenticated(r, failures))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// adminName is the name of the owner of ADMIN_TOKEN in the audit.
const adminName = "admin"

// AuthenticateOperator rejects requests without the operator's token, and adds the
// caller to the context of the others. If token is empty, it rejects every request
// as not configured.
func AuthenticateOperator(token sensitive.Secret, failures *AddressLimit) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if token.IsZero() {
				wire.WriteFailure(w, r, fault.New(fault.NotConfigured, "operator routes are not configured: ADMIN_TOKEN is not set"))
				return
			}
			if !hasKey(r, []sensitive.Secret{token}) {
				wire.WriteFailure(w, r, unauthenticated(r, failures))
				return
			}
			ctx := operator.WithAction(r.Context(), operator.Action{
				Caller:    operator.Caller{Name: adminName, All: true},
				RequestID: wire.RequestLogOf(r.Context()).RequestID,
			})
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// RequireRight rejects authenticated operators who do not have the right.
func RequireRight(right operator.Right) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !operator.ActionOf(r.Context()).Caller.May(right) {
				wire.WriteFailure(w, r, fault.New(fault.Forbidden, "this needs the right "+string(right)))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func unauthenticated(r *http.Request, failures *AddressLimit) error {
	err := fault.New(fault.Unauthenticated, "send a valid key as Authorization: Bearer KEY")
	if r.Header.Get("Authorization") == "" {
		return err
	}
	return failures.Failure(r, err)
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
