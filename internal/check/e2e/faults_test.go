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

// Two variables of the environment choose what the fault tests do:
// AISHA_FAULTS=long makes them long, AISHA_SEED=7 repeats a run.
//
// Most of a scenario's time is spent waiting, so several run at once. Nothing
// here depends on how fast the machine is: times bound how long a fault lasts,
// never how long the service may take.
var (
	long       = os.Getenv("AISHA_FAULTS") == "long"
	chosen, _  = strconv.ParseUint(os.Getenv("AISHA_SEED"), 10, 64)
	atOnce     = 8 // scenarios
	many       = choose(12, 40)
	writing    = choose(2*time.Second, 3*time.Second)
	faultsLast = choose(2*time.Second, 20*time.Second) // after everybody has written
)

func choose[T any](short, longer T) T {
	if long {
		return longer
	}
	return short
}

// faultRun is a scenario that runs.
type faultRun struct {
	scenario
	sim      *simulator.Simulator
	simURL   string
	random   *rand.Rand
	env      []string
	database string
	cluster  *cluster // where the database is a server of its own
	service  *process
	began    time.Time
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var rows []row
	queue := make(chan scenario)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for s := range queue {
				t.Run(s.name, func(t *testing.T) {
					r := runScenario(t, s)
					mu.Lock()
					defer mu.Unlock()
					rows = append(rows, r)
				})
			}
		})
	}
	for _, s := range scenarios() {
		queue <- s
	}
	close(queue)
	workers.Wait()
	t.Log(table(rows))
}

func runScenario(t *testing.T, s scenario) row {
	r := newRun(t, s)
	ctx, cancel := contextWithPatience(t)
	defer cancel()

	r.sim.SetFaults(s.faults)
	var writer sync.WaitGroup
	if !s.quiet {
		writer.Go(func() { r.write(t.Context()) })
	}
	if s.disturb != nil {
		s.disturb(t, r)
	}
	writer.Wait()
	if !s.stay {
		r.await(ctx, faultsLast)
		if s.stops {
			r.checkStopped(ctx, t)
		}
		r.sim.SetFaults(simulator.Faults{})
	}
	if err := r.sim.WaitFor(ctx, r.over); err != nil {
		t.Errorf("%v\n%s", err, r.troubles())
	}
	r.settle(t)
	return r.check(t)
}

func newRun(t *testing.T, s scenario) *faultRun {
	t.Helper()
	s.persons, s.each, s.writing = cmp.Or(s.persons, many), cmp.Or(s.each, 2), cmp.Or(s.writing, writing)
	seed := cmp.Or(chosen, uint64(time.Now().UnixNano()))
	r := &faultRun{scenario: s, began: time.Now(), random: rand.New(rand.NewPCG(seed, 0))}
	options := agreed
	options.Seed = seed
	options.Timing.Model = simulator.Range{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}
	r.sim = simulator.New(options)
	r.simURL = serveSimulator(t, r.sim, s.front)
	if s.prepare != nil {
		s.prepare(t, r)
	}
	if r.database == "" {
		r.database = testdb.New(t)
	}
	// A status settles what became of a send, however slow this machine is.
	// Whoever sends again because none has come has made a mistake.
	r.env = environment(r.database, r.simURL, with([]string{"RESEND_AFTER=2m"}, s.env...)...)
	r.serve(t)
	return r
}

// serve starts an instance that webhooks go to from now on.
func (r *faultRun) serve(t *testing.T) {
	t.Helper()
	r.service = start(t, r.env, "serve")
	r.sim.SetWebhookURL(r.service.url + "/webhook/whatsapp")
}

// write has the persons write, evenly over the time.
func (r *faultRun) write(ctx context.Context) {
	pause := r.writing / time.Duration(r.persons*r.each)
	for n := range r.each {
		for i := range r.persons {
			r.sim.Say(person(i), token(i, n))
			r.await(ctx, pause)
		}
	}
}

// await lets time pass: it is what the scenario is made of.
func (r *faultRun) await(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (r *faultRun) between(least, most time.Duration) time.Duration {
	return least + time.Duration(r.random.Int64N(int64(most-least)))
}

func (r *faultRun) answers(l simulator.Ledger) answers {
	if r.apologies {
		return byPerson(l)
	}
	return byToken(l)
}

// over reports whether everything was acknowledged, and answered as far as it
// can be.
func (r *faultRun) over(l simulator.Ledger) bool {
	return l.Counts.Acknowledged == r.persons*r.each && l.Counts.Pending == 0 &&
		len(r.answers(l)) >= r.persons*r.each-r.lost
}

// settle waits until nothing more can come or go.
func (r *faultRun) settle(t *testing.T) {
	t.Helper()
	if err := settled(t, r.database); err != nil {
		t.Errorf("%v\n%s", err, r.troubles())
		return
	}
	waitFor(t, r.sim, func(l simulator.Ledger) bool { return l.Counts.Pending == 0 })
}

// check holds the ledger to the promise and returns what came of it.
func (r *faultRun) check(t *testing.T) row {
	t.Helper()
	l := r.sim.Ledger()
	result := row{reckon(l, r.answers(l), r.persons, r.each), r.name, time.Since(r.began), r.sim.Seed()}
	t.Log(result)
	problem := result.broken(r.lost)
	if result.acknowledged != r.persons*r.each {
		problem += fmt.Sprintf("\nof %d messages not all were acknowledged", r.persons*r.each)
	}
	if problem != "" {
		t.Errorf("%s\nAISHA_SEED=%d\n%s", problem, result.seed, r.troubles())
	}
	return result
}

// checkStopped is for a number that nothing can be sent from: what people write
// is stored all the same, and whoever operates the service can see it.
func (r *faultRun) checkStopped(ctx context.Context, t *testing.T) {
	t.Helper()
	if err := r.sim.WaitFor(ctx, func(l simulator.Ledger) bool { return l.Counts.Acknowledged == r.persons*r.each }); err != nil {
		t.Errorf("what comes in is not stored: %v\n%s", err, r.troubles())
	}
	if sent := len(r.sim.Ledger().Outbound); sent > 0 {
		t.Errorf("%d answers were sent", sent)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, answer := request(t, http.MethodGet, r.service.url+path, ""); status != http.StatusOK {
			t.Errorf("%s: got %d %s", path, status, answer)
		}
	}
	const stopped = `aisha_sending_gates_closed{state="stopped"} 1`
	if _, metrics := request(t, http.MethodGet, r.service.url+"/metrics", ""); !strings.Contains(metrics, stopped) {
		t.Errorf("the metrics do not say %s", stopped)
	}
}

// troubles is what the service complained of, the newest last.
func (r *faultRun) troubles() string {
	const most = 30
	var lines []string
	for line := range strings.Lines(r.service.output()) {
		if !strings.Contains(line, `"level":"INFO"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "")
}

// with is an environment in which some variables are others.
func with(env []string, more ...string) []string { return append(slices.Clone(env), more...) }
