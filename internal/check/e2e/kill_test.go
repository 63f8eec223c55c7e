package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// The service is killed while it processes 500 messages: some webhooks are being
// delivered, some prompts are at the model, some answers are being sent. After a
// restart the service must answer every acknowledged message exactly once.
func TestKill_WithMessagesInFlight(t *testing.T) {
	t.Parallel()
	const persons, perPerson = 250, 2
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	sim, simURL := newSimulator(t, simulator.Timing{
		Model: simulator.Range{Min: 50 * time.Millisecond, Max: 500 * time.Millisecond}, Delivered: phoneOff,
	})
	database := testdb.New(t)
	env := environment(database, simURL, resendSoon)
	service := start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	for n := range perPerson {
		for i := range persons {
			sim.Say(person(i), token(i, n))
		}
	}
	killAt := 50 + random.IntN(150)
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Outbound >= killAt })
	service.kill()
	before := sim.Ledger().Counts
	t.Logf("killed with %d of %d messages acknowledged and %d answers received", before.Acknowledged, persons*perPerson, before.Outbound)

	service = start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	ctx, cancel := contextWithTimeout(t)
	defer cancel()
	if err := sim.WaitFor(ctx, func(l simulator.Ledger) bool {
		return l.Counts.Acknowledged == persons*perPerson && len(indexByToken(l)) == persons*perPerson
	}); err != nil {
		t.Errorf("%v\n%s", err, tail(service.output()))
	}
	if err := waitUntilIdle(t, database); err != nil {
		t.Error(err)
	}
	checkAnsweredOnce(t, sim.Ledger(), persons, perPerson)
}

// tail returns the end of a log.
func tail(s string) string {
	const n = 4000
	if len(s) > n {
		s = s[len(s)-n:]
	}
	return s
}
