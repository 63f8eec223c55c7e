package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aisha/internal/simulator"
	"aisha/internal/testdb"
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

	sim, simURL := newSimulator(t, simulator.Timing{Model: simulator.Range{Min: 50 * time.Millisecond, Max: 500 * time.Millisecond}})
	env := environment(testdb.Empty(t), simURL)
	service := start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	for n := range each {
		for i := range persons {
			sim.Say(person(i), token(i, n))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	killAt := 50 + random.IntN(150)
	if err := sim.WaitFor(ctx, func(l simulator.Ledger) bool { return l.Counts.Outbound >= killAt }); err != nil {
		t.Fatal(err)
	}
	service.kill()
	before := sim.Ledger().Counts
	t.Logf("killed with %d of %d messages acknowledged and %d answers received", before.Acknowledged, persons*each, before.Outbound)

	service = start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	if err := sim.WaitFor(ctx, func(l simulator.Ledger) bool {
		return l.Counts.Acknowledged == persons*each && l.Counts.Pending == 0 && everyTokenAnswered(l, persons, each)
	}); err != nil {
		t.Errorf("%v\n%s", err, tail(service.output()))
	}
	checkOnce(t, sim.Ledger(), persons, each)
}

func person(i int) simulator.Person {
	return simulator.Person{Phone: fmt.Sprintf("2547120%05d", i), Name: fmt.Sprint("Person ", i)}
}

func token(i, n int) string { return fmt.Sprintf("token-%d-%d-end", i, n) }

func everyTokenAnswered(l simulator.Ledger, persons, each int) bool {
	return len(missing(l, persons, each)) == 0
}

// missing lists the messages that nobody answered.
func missing(l simulator.Ledger, persons, each int) []string {
	answered := map[string]bool{}
	for _, out := range l.Outbound {
		for n := range each {
			var i int
			if _, err := fmt.Sscanf(out.Person.Phone, "2547120%05d", &i); err == nil && strings.Contains(out.Body, token(i, n)) {
				answered[token(i, n)] = true
			}
		}
	}
	var lost []string
	for i := range persons {
		for n := range each {
			if !answered[token(i, n)] {
				lost = append(lost, token(i, n))
			}
		}
	}
	return lost
}

// checkOnce holds the ledger to the promise: each message is in one answer, to
// the person who sent it, and a person's answers keep the order of messages.
func checkOnce(t *testing.T, l simulator.Ledger, persons, each int) {
	t.Helper()
	twice, strays, disorder := 0, 0, 0
	for i := range persons {
		last := -1
		for n := range each {
			count := 0
			for at, out := range l.Outbound {
				if !strings.Contains(out.Body, token(i, n)) {
					continue
				}
				count++
				if out.Person.Phone != person(i).Phone {
					strays++
				}
				if at < last {
					disorder++
				}
				last = at
			}
			if count > 1 {
				twice++
				t.Logf("%s was answered %d times", token(i, n), count)
			}
		}
	}
	lost := missing(l, persons, each)
	t.Logf("messages acknowledged %d, answers received %d, lost %d, twice %d, out of order %d, to the wrong person %d",
		l.Counts.Acknowledged, l.Counts.Outbound, len(lost), twice, disorder, strays)
	if len(lost)+twice+disorder+strays > 0 {
		t.Errorf("the promise is broken; lost: %v", lost)
	}
}

func tail(s string) string {
	const n = 4000
	if len(s) > n {
		s = s[len(s)-n:]
	}
	return s
}
