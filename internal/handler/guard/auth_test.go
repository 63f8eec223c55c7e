package guard_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/handler/guard"
	"aisha/internal/operator"
	"aisha/internal/ratelimit"
	"aisha/internal/sensitive"
)

func TestRequireKey(t *testing.T) {
	t.Parallel()
	keys := []sensitive.Secret{sensitive.NewSecret("first-key"), sensitive.NewSecret("second-key")}
	for name, tt := range map[string]struct {
		keys          []sensitive.Secret
		authorization string
		status        int
	}{
		"first_key":         {keys, "Bearer first-key", http.StatusOK},
		"second_key":        {keys, "Bearer second-key", http.StatusOK},
		"wrong_key":         {keys, "Bearer third-key", http.StatusUnauthorized},
		"no_key":            {keys, "", http.StatusUnauthorized},
		"empty_key":         {keys, "Bearer ", http.StatusUnauthorized},
		"another_scheme":    {keys, "Basic first-key", http.StatusUnauthorized},
		"no_keys_are_set":   {nil, "", http.StatusOK},
		"only_empty_secret": {[]sensitive.Secret{sensitive.NewSecret("")}, "Bearer ", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRequest()
			r.Header.Set("Authorization", tt.authorization)
			if got := send(guard.RequireKey(tt.keys, noLimit())(http.HandlerFunc(ok)), r); got.Code != tt.status {
				t.Errorf("Authorization %q: got %d, want %d", tt.authorization, got.Code, tt.status)
			}
		})
	}
}

func TestAuthenticateOperator(t *testing.T) {
	t.Parallel()
	r := newRequest()
	r.Header.Set("Authorization", "Bearer T")
	var action operator.Action
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { action = operator.ActionOf(r.Context()) })
	h := guard.RequestID(guard.AuthenticateOperator(sensitive.NewSecret("T"), noLimit())(next))
	got := send(h, r)
	if got.Code != http.StatusOK {
		t.Errorf("the right token: got %d, want 200", got.Code)
	}
	want := operator.Action{Caller: operator.Caller{Name: "admin", All: true}, RequestID: got.Header().Get("X-Request-Id")}
	if diff := cmp.Diff(want, action); diff != "" || action.RequestID == "" {
		t.Errorf("the action of the context, with a request id (-want +got):\n%s", diff)
	}
	wantFailure(t, send(guard.AuthenticateOperator(sensitive.NewSecret("U"), noLimit())(http.HandlerFunc(ok)), r), http.StatusUnauthorized, "unauthenticated")
	wantFailure(t, send(guard.AuthenticateOperator(sensitive.Secret{}, noLimit())(http.HandlerFunc(ok)), r), http.StatusServiceUnavailable, "not_configured")
}

func TestRequireRight(t *testing.T) {
	t.Parallel()
	h := guard.RequireRight(operator.WriteList)(http.HandlerFunc(ok))
	for name, tt := range map[string]struct {
		caller operator.Caller
		status int
	}{
		"all_rights":     {operator.Caller{All: true}, http.StatusOK},
		"the_right":      {operator.Caller{Rights: []operator.Right{operator.ReadList, operator.WriteList}}, http.StatusOK},
		"another_right":  {operator.Caller{Rights: []operator.Right{operator.ReadList}}, http.StatusForbidden},
		"no_rights":      {operator.Caller{Name: "someone"}, http.StatusForbidden},
		"not_authorized": {operator.Caller{}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRequest()
			r = r.WithContext(operator.WithAction(r.Context(), operator.Action{Caller: tt.caller}))
			got := send(h, r)
			if got.Code != tt.status {
				t.Errorf("%+v: got %d, want %d", tt.caller, got.Code, tt.status)
			}
			if tt.status == http.StatusForbidden {
				wantFailure(t, got, tt.status, "forbidden")
			}
		})
	}
}

// withAuthorization returns a request from the address.
func withAuthorization(address, authorization string) *http.Request {
	r := newRequest()
	r.RemoteAddr = address
	r.Header.Set("Authorization", authorization)
	return r
}

func TestRequireKey_LimitsWrongKeys(t *testing.T) {
	t.Parallel()
	h := guard.RequireKey([]sensitive.Secret{sensitive.NewSecret("right")}, limitOf(ratelimit.Rate{Requests: 2, Window: time.Minute}))(http.HandlerFunc(ok))
	for i, tt := range []struct {
		address, authorization string
		want                   int
	}{
		{"192.0.2.1:1", "", http.StatusUnauthorized}, // no key is no guess
		{"192.0.2.1:1", "", http.StatusUnauthorized},
		{"192.0.2.1:1", "", http.StatusUnauthorized},
		{"192.0.2.1:1", "Bearer wrong", http.StatusUnauthorized},
		{"192.0.2.1:2", "Bearer right", http.StatusOK}, // right keys do not count
		{"192.0.2.1:2", "Basic right", http.StatusUnauthorized},
		{"192.0.2.1:3", "Bearer wrong", http.StatusTooManyRequests},
		{"192.0.2.1:3", "Bearer right", http.StatusOK},
		{"192.0.2.2:3", "Bearer wrong", http.StatusUnauthorized},
	} {
		got := send(h, withAuthorization(tt.address, tt.authorization))
		if got.Code != tt.want {
			t.Errorf("request %d, %q from %s: got %d, want %d", i, tt.authorization, tt.address, got.Code, tt.want)
		}
		if tt.want == http.StatusTooManyRequests && got.Header().Get("Retry-After") != "60" {
			t.Errorf("request %d: Retry-After is %q, want 60", i, got.Header().Get("Retry-After"))
		}
	}
}
