package e2e

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// Two environment variables control the fault tests: AISHA_FAULTS=long runs their
// long form, and AISHA_SEED=7 repeats the random choices of a run.
//
// A scenario spends most of its time waiting, so several run in parallel. The
// result does not depend on the speed of the machine: the durations below limit how
// long a fault lasts, not how long the service may take.
var (
	longRun            = os.Getenv("AISHA_FAULTS") == "long"
	fixedSeed, _       = strconv.ParseUint(os.Getenv("AISHA_SEED"), 10, 64)
	parallelScenarios  = 8
	defaultPersons     = shortOrLong(12, 40)
	defaultWritingTime = shortOrLong(2*time.Second, 3*time.Second)
	faultTime          = shortOrLong(2*time.Second, 20*time.Second) // time the faults continue after the last message
)

// shortOrLong returns the value for the short or the long form.
func shortOrLong[T any](short, long T) T {
	if longRun {
		return long
	}
	return short
}

// faultRun is one run of a scenario.
type faultRun struct {
	scenario
	sim       *simulator.Simulator
	simURL    string
	random    *rand.Rand
	env       []string
	database  string
	cluster   *cluster // nil if the scenario shares the server of the other tests
	service   *process
	startedAt time.Time
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var results []scenarioResult
	queue := make(chan scenario)
	var workers sync.WaitGroup
	for range parallelScenarios {
		workers.Go(func() {
			for s := range queue {
				t.Run(s.name, func(t *testing.T) {
					r := runScenario(t, s)
					mu.Lock()
					defer mu.Unlock()
					results = append(results, r)
				})
			}
		})
	}
	for _, s := range scenarios() {
		queue <- s
	}
	close(queue)
	workers.Wait()
	t.Log(formatResults(results))
}

func runScenario(t *testing.T, s scenario) scenarioResult {
	r := newFaultRun(t, s)
	ctx, cancel := contextWithTimeout(t)
	defer cancel()

	r.sim.SetFaults(s.faults)
	var writer sync.WaitGroup
	if !s.onlyDisruptWrites {
		writer.Go(func() { r.write(t.Context()) })
	}
	if s.disrupt != nil {
		s.disrupt(t, r)
	}
	writer.Wait()
	if !s.keepFaults {
		r.pause(ctx, faultTime)
		if s.sendingStops {
			r.checkStopped(ctx, t)
		}
		r.sim.SetFaults(simulator.Faults{})
	}
	if err := r.sim.WaitFor(ctx, r.complete); err != nil {
		t.Errorf("%v\n%s", err, r.warnings())
	}
	r.waitUntilIdle(t)
	return r.check(t)
}

func newFaultRun(t *testing.T, s scenario) *faultRun {
	t.Helper()
	s.persons, s.perPerson, s.writingTime = cmp.Or(s.persons, defaultPersons), cmp.Or(s.perPerson, 2), cmp.Or(s.writingTime, defaultWritingTime)
	seed := cmp.Or(fixedSeed, uint64(time.Now().UnixNano()))
	r := &faultRun{scenario: s, startedAt: time.Now(), random: rand.New(rand.NewPCG(seed, 0))}
	options := simulatorOptions
	options.Seed = seed
	options.Timing.Model = simulator.Range{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}
	r.sim = simulator.New(options)
	r.simURL = serveSimulator(t, r.sim, s.middleware)
	if s.prepare != nil {
		s.prepare(t, r)
	}
	if r.database == "" {
		r.database = testdb.New(t)
	}
	// A status always arrives and decides the outcome of a send, even on a slow
	// machine. RESEND_AFTER is so long that the service must not send again without
	// one.
	r.env = environment(r.database, r.simURL, withEnv([]string{"RESEND_AFTER=2m"}, s.env...)...)
	r.startService(t)
	return r
}

// startService starts an instance and directs all further webhooks to it.
func (r *faultRun) startService(t *testing.T) {
	t.Helper()
	r.service = start(t, r.env, "serve")
	r.sim.SetWebhookURL(r.service.url + "/webhook/whatsapp")
}

// write sends the messages of all people, evenly distributed over writingTime.
func (r *faultRun) write(ctx context.Context) {
	pause := r.writingTime / time.Duration(r.persons*r.perPerson)
	for n := range r.perPerson {
		for i := range r.persons {
			r.sim.Say(person(i), token(i, n))
			r.pause(ctx, pause)
		}
	}
}

// pause waits for d. A scenario uses it to define when faults happen, not to wait
// for the service.
func (r *faultRun) pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (r *faultRun) randomDuration(shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(r.random.Int64N(int64(longest-shortest)))
}

func (r *faultRun) indexAnswers(l simulator.Ledger) answerIndex {
	if r.apologies {
		return indexByPerson(l)
	}
	return indexByToken(l)
}

// complete reports whether all messages were acknowledged and all but wantLost
// were answered.
func (r *faultRun) complete(l simulator.Ledger) bool {
	return l.Counts.Acknowledged == r.persons*r.perPerson && l.Counts.Pending == 0 &&
		len(r.indexAnswers(l)) >= r.persons*r.perPerson-r.wantLost
}

// waitUntilIdle waits until the service has nothing left to send and the simulator
// has nothing left to deliver.
func (r *faultRun) waitUntilIdle(t *testing.T) {
	t.Helper()
	if err := waitUntilIdle(t, r.database); err != nil {
		t.Errorf("%v\n%s", err, r.warnings())
		return
	}
	waitFor(t, r.sim, func(l simulator.Ledger) bool { return l.Counts.Pending == 0 })
}

// check compares the ledger of the simulator with the guarantee of the service.
func (r *faultRun) check(t *testing.T) scenarioResult {
	t.Helper()
	l := r.sim.Ledger()
	result := scenarioResult{
		tally: newTally(l, r.indexAnswers(l), r.persons, r.perPerson),
		name:  r.name, took: time.Since(r.startedAt), seed: r.sim.Seed(),
	}
	t.Log(result)
	problem := result.violation(r.wantLost)
	if result.acknowledged != r.persons*r.perPerson {
		problem += fmt.Sprintf("\n%d of %d messages were acknowledged", result.acknowledged, r.persons*r.perPerson)
	}
	if problem != "" {
		t.Errorf("%s\nAISHA_SEED=%d\n%s", problem, result.seed, r.warnings())
	}
	return result
}

// checkStopped checks a send hold that needs an operator: messages are still
// stored, nothing is sent, the service stays healthy, and the metrics show the hold.
func (r *faultRun) checkStopped(ctx context.Context, t *testing.T) {
	t.Helper()
	if err := r.sim.WaitFor(ctx, func(l simulator.Ledger) bool { return l.Counts.Acknowledged == r.persons*r.perPerson }); err != nil {
		t.Errorf("not all messages were acknowledged during the send hold: %v\n%s", err, r.warnings())
	}
	if sent := len(r.sim.Ledger().Outbound); sent > 0 {
		t.Errorf("%d answers were sent during the send hold, want 0", sent)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, answer := request(t, http.MethodGet, r.service.url+path, ""); status != http.StatusOK {
			t.Errorf("%s: got %d %s, want %d", path, status, answer, http.StatusOK)
		}
	}
	const stopped = `aisha_send_holds{needs_operator="true"} 1`
	if _, metrics := request(t, http.MethodGet, r.service.url+"/metrics", ""); !strings.Contains(metrics, stopped) {
		t.Errorf("the metrics do not contain %s", stopped)
	}
}

// warnings returns the last log lines of the service above level INFO.
func (r *faultRun) warnings() string {
	const maxLines = 30
	var lines []string
	for line := range strings.Lines(r.service.output()) {
		if !strings.Contains(line, `"level":"INFO"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-maxLines):], "")
}

// withEnv returns a copy of env with more variables. Later variables win.
func withEnv(env []string, more ...string) []string { return append(slices.Clone(env), more...) }
