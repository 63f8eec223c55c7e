package simulator

import (
	"net/http"
	"testing"
)

func TestSimulator_Close(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{respond: func(int, receivedWebhook) int { return http.StatusServiceUnavailable }})
	r.Say(wanjiru, "anybody there?")
	r.waitFor(t, func(l Ledger) bool { return l.Counts.WebhookAttempts >= 2 })
	r.Close()
	if l := r.Ledger(); l.Counts.Pending != 0 || l.Counts.Acknowledged != 0 {
		t.Errorf("counts after Close are %+v, want nothing pending or acknowledged", l.Counts)
	}
	r.Say(wanjiru, "too late") // must neither start a delivery nor panic
	if l := r.Ledger(); l.Counts.Pending != 0 {
		t.Errorf("counts are %+v, want no delivery after Close", l.Counts)
	}
}
