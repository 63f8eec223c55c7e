package guard_test

import (
	"net/http"
	"testing"

	"aisha/internal/handler/guard"
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
			if got := send(guard.RequireKey(tt.keys)(http.HandlerFunc(ok)), r); got.Code != tt.status {
				t.Errorf("Authorization %q: got %d, want %d", tt.authorization, got.Code, tt.status)
			}
		})
	}
}

func TestRequireOperator(t *testing.T) {
	t.Parallel()
	r := newRequest()
	r.Header.Set("Authorization", "Bearer T")
	if got := send(guard.RequireOperator(sensitive.NewSecret("T"))(http.HandlerFunc(ok)), r); got.Code != http.StatusOK {
		t.Errorf("the right token: got %d, want 200", got.Code)
	}
	wantFailure(t, send(guard.RequireOperator(sensitive.NewSecret("U"))(http.HandlerFunc(ok)), r), http.StatusUnauthorized, "unauthenticated")
	wantFailure(t, send(guard.RequireOperator(sensitive.Secret{})(http.HandlerFunc(ok)), r), http.StatusServiceUnavailable, "not_configured")
}
