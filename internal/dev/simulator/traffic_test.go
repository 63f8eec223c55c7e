package simulator

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestPageExchange(t *testing.T) {
	t.Parallel()
	t.Run("shows_bodies_and_signature_without_secrets", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, "show me")
		r.waitFor(t, idle)
		r.postGraph(t, textRequest(`"to":"254712345678"`, "an answer"))
		r.postGemini(t, streamPath+intEnums, promptAfterTwoTurns("a question"))
		if err := r.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.waitFor(t, idle)

		r.store.mu.Lock()
		exchanges := slices.Clone(r.store.exchanges)
		r.store.mu.Unlock()
		seen := map[exchangeKind]bool{}
		for _, x := range exchanges {
			response := r.get(t, fmt.Sprintf("/api/traffic/%d", x.ID))
			body, _ := io.ReadAll(response.Body)
			detail := decode[map[string]any](t, body)
			if x.Method == http.MethodPost && (detail["request"] == "" || (x.Kind == kindWebhook) != (detail["signature"] != nil)) {
				t.Errorf("exchange is %s, want a request body, and a signature for webhooks only", body)
			}
			for _, secret := range []string{"Bearer " + testToken, testKey + `"`, "verify_token=verify"} {
				if strings.Contains(string(body), secret) {
					t.Errorf("exchange shows %q: %s", secret, body)
				}
			}
			seen[x.Kind] = true
		}
		if len(seen) != 3 {
			t.Errorf("kinds of traffic are %v, want all three", seen)
		}
		if status := r.get(t, "/api/traffic/999999").StatusCode; status != http.StatusNotFound {
			t.Errorf("unknown exchange: got status %d, want 404", status)
		}
	})
}
