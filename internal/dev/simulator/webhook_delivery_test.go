package simulator

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

func TestWebhookDelivery(t *testing.T) {
	t.Parallel()
	t.Run("retries_until_200", func(t *testing.T) {
		t.Parallel()
		for _, status := range []int{201, 204, 302, 403, 500, 503} {
			t.Run(strconv.Itoa(status), func(t *testing.T) {
				t.Parallel()
				r := newFixture(t, &fakeService{respond: func(attempt int, _ receivedWebhook) int {
					if attempt < 5 {
						return status
					}
					return http.StatusOK
				}})
				r.Say(wanjiru, "again and again")
				ledger := r.waitFor(t, idle)
				if in := ledger.Inbound[0]; in.Attempts != 5 || in.AcknowledgedAt.IsZero() {
					t.Errorf("%d attempts, acknowledged at %v; want 5 and a time", in.Attempts, in.AcknowledgedAt)
				}
				hooks := r.service.received()
				if string(hooks[0].body) != string(hooks[4].body) {
					t.Error("the last retry has another body than the first attempt")
				}
			})
		}
	})
	t.Run("retry_uses_new_webhook_url", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.SetWebhookURL("http://127.0.0.1:1/unreachable")
		r.Say(wanjiru, "are you there?")
		r.waitFor(t, func(l Ledger) bool { return l.Counts.WebhookAttempts >= 2 })

		another := httptest.NewServer(r.service)
		t.Cleanup(another.Close)
		r.SetWebhookURL(another.URL)
		if ledger := r.waitFor(t, idle); ledger.Counts.Acknowledged != 1 {
			t.Errorf("counts are %+v, want one acknowledged message", ledger.Counts)
		}
	})
}
