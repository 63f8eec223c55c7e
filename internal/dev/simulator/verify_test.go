package simulator

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestSimulator_Verify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		respond http.HandlerFunc // nil means the fake service
		fails   bool
	}{
		{name: "challenge"},
		{name: "wrong_challenge", respond: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }, fails: true},
		{name: "status_403", respond: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, fails: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t, &fakeService{})
			if test.respond != nil {
				other := httptest.NewServer(test.respond)
				t.Cleanup(other.Close)
				r.SetWebhookURL(other.URL)
			}
			if err := r.Verify(t.Context()); (err != nil) != test.fails {
				t.Errorf("error is %v, want one: %t", err, test.fails)
			}
		})
	}
}
