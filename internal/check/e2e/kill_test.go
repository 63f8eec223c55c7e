package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// Half a thousand messages are on their way when the service is killed: some
// webhooks are in the air, some messages are with the model, some answers are
// being sent. After a restart every acknowledged message is answered, once, as
// the simulator saw it.
func TestKillWhileMessagesAreInFlight(t *testing.T) {
	t.Parallel()
	const persons, each = 250, 2
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	sim, simURL := newSimulator(t, simulator.Timing{
		Model: simulator.Range{Min: 50 * time.Millisecond, Max: 500 * time.Millisecond}, Delivered: unread,
	})
	database := testdb.New(t)
	env := environment(database, simURL, resendSoon)
	service := start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	for n := range each {
		for i := range persons {
			sim.Say(person(i), token(i, n))
		}
	}
	killAt := 50 + random.IntN(150)
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Outbound >= killAt })
	service.kill()
	before := sim.Ledger().Counts
	t.Logf("killed with %d of %d messages acknowledged and %d answers received", before.Acknowledged, persons*each, before.Outbound)

	service = start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	ctx, cancel := contextWithPatience(t)
	defer cancel()
	if err := sim.WaitFor(ctx, func(l simulator.Ledger) bool {
		return l.Counts.Acknowledged == persons*each && len(byToken(l)) == persons*each
	}); err != nil {
		t.Errorf("%v\n%s", err, tail(service.output()))
	}
	if err := settled(t, database); err != nil {
		t.Error(err)
	}
	checkOnce(t, sim.Ledger(), persons, each)
}

func tail(s string) string {
	const n = 4000
	if len(s) > n {
		s = s[len(s)-n:]
	}
	return s
}
