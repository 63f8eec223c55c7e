package guard_test

import (
	"net/http"
	"testing"

	"aisha/internal/handler/guard"
)

func TestCORS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		origins []string
		want    string // Access-Control-Allow-Origin
	}{
		"no_origins":     {nil, ""},
		"allowed_origin": {[]string{"https://app.example"}, "https://app.example"},
		"other_origin":   {[]string{"https://other.example"}, ""},
		"every_origin":   {[]string{"*"}, "*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRequest()
			r.Header.Set("Origin", "https://app.example")
			got := send(guard.CORS(tt.origins)(http.HandlerFunc(ok)), r)
			if allowed := got.Header().Get("Access-Control-Allow-Origin"); allowed != tt.want {
				t.Errorf("allowed %q, want %q", allowed, tt.want)
			}
		})
	}
}
