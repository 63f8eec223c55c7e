//go:build faults

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/localpg"
	"aisha/internal/simulator"
	"aisha/internal/testdb"
)

// Two variables of the environment choose what the fault tests do:
// AISHA_FAULTS=long makes them long, AISHA_SEED=7 repeats a run.
var (
	long       = os.Getenv("AISHA_FAULTS") == "long"
	chosen, _  = strconv.ParseUint(os.Getenv("AISHA_SEED"), 10, 64)
	atOnce     = 3 // faults; most of their time is spent waiting
	faultsLast = choose(4*time.Second, 20*time.Second)
)

// resendSoon is for faults after which only sending again brings the answer. In
// all others a status settles what became of a send, however slow this machine
// is, and whoever sends again has made a mistake.
var resendSoon = []string{"RESEND_AFTER=6s"}

func choose[T any](short, longer T) T {
	if long {
		return longer
	}
	return short
}

// scenario is people who write while something goes wrong.
type scenario struct {
	name          string
	persons, each int // zero: 40 persons with 2 messages
	env           []string
	faults        simulator.Faults
	stay          bool                        // the faults are not lifted
	disturb       func(*testing.T, *faultRun) // what goes wrong besides, while they write
	lost          int                         // so many messages, which Meta refuses for good
	apologies     bool                        // the answers are apologies, which repeat no words
}

// faultRun is a scenario that runs.
type faultRun struct {
	scenario
	sim      *simulator.Simulator
	random   *rand.Rand
	env      []string
	database string
	service  *process
	began    time.Time
}

func TestFaults(t *testing.T) {
	t.Parallel()
	queue := make(chan scenario)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for s := range queue {
				t.Run(s.name, func(t *testing.T) { runScenario(t, s) })
			}
		})
	}
	for _, s := range scenarios() {
		queue <- s
	}
	close(queue)
	workers.Wait()
}

// The slow ones come first, so that they do not run alone in the end.
func scenarios() []scenario {
	all := []scenario{
		{name: "token invalid", faults: graph(simulator.GraphFault{Kind: simulator.GraphToken})},
		{name: "database killed", disturb: killDatabase, env: resendSoon},
		{name: "service killed", disturb: killRounds, env: resendSoon},
		{name: "one of two killed", disturb: killOneOfTwo, env: resendSoon},

		{name: "graph refuses some", faults: refusing(131000, 10)},
		{name: "graph refuses one person", faults: refusing(131056, 20)},
		{name: "graph refuses for good", each: 1, faults: refusing(131026, 5), lost: 5},
		{name: "graph cuts before acting", faults: graph(simulator.GraphFault{Kind: simulator.GraphCutsBefore, Share: .3}), env: resendSoon},
		{name: "graph cuts after acting", faults: graph(simulator.GraphFault{Kind: simulator.GraphCutsAfter, Share: .5})},
		{name: "graph hangs", faults: graph(simulator.GraphFault{Kind: simulator.GraphHangs, Share: .3}), env: resendSoon},
		{name: "graph is slow", stay: true, faults: graph(simulator.GraphFault{Slow: simulator.Range{Max: time.Second}})},

		{name: "gemini 429", faults: gemini(simulator.GeminiTooMany)},
		{name: "gemini 500", faults: gemini(simulator.GeminiBreaks)},
		{name: "gemini 503", faults: gemini(simulator.GeminiUnavailable)},
		{name: "gemini hangs", faults: gemini(simulator.GeminiHangs)},
		{name: "gemini empty", faults: gemini(simulator.GeminiEmpty)},
		{name: "gemini truncated", faults: gemini(simulator.GeminiTruncates)},
		{name: "gemini blocks", each: 1, stay: true, apologies: true,
			faults: simulator.Faults{Gemini: simulator.GeminiFault{Kind: simulator.GeminiBlocks, Share: 1}}},

		{name: "webhooks multiplied", stay: true, faults: webhooks(simulator.WebhookFaults{Copies: 5})},
		{name: "webhooks multiplied and shuffled", stay: true,
			faults: webhooks(simulator.WebhookFaults{Copies: 5, Shuffle: 500 * time.Millisecond})},
		{name: "statuses late", stay: true, faults: webhooks(simulator.WebhookFaults{StatusDelay: simulator.Range{Max: 2 * time.Second}})},
		{name: "statuses before the answer", stay: true, faults: webhooks(simulator.WebhookFaults{StatusFirst: true})},
		{name: "statuses without our id", stay: true, faults: webhooks(simulator.WebhookFaults{NoCallback: true, Copies: 3})},
		{name: "clock ten years ahead", stay: true, faults: webhooks(simulator.WebhookFaults{Clock: 10 * 365 * 24 * time.Hour})},
		{name: "clock ten years behind", stay: true, faults: webhooks(simulator.WebhookFaults{Clock: -10 * 365 * 24 * time.Hour})},

		{name: "everything at once", faults: simulator.Faults{
			Graph:    simulator.GraphFault{Kind: simulator.GraphCutsAfter, Share: .3, Slow: simulator.Range{Max: 200 * time.Millisecond}},
			Gemini:   simulator.GeminiFault{Kind: simulator.GeminiTruncates, Share: .3},
			Webhooks: simulator.WebhookFaults{Copies: 5, Shuffle: 300 * time.Millisecond, StatusFirst: true},
		}},
	}
	for _, code := range choose([]int{130429}, []int{1, 2, 4, 80007, 130429, 131016, 131057}) {
		all = append([]scenario{{name: fmt.Sprint("graph answers everybody ", code), faults: refusing(code, 10)}}, all...)
	}
	for _, code := range choose([]int{}, []int{100, 131021, 131030, 131047, 131048, 131049, 131051}) {
		all = append(all, scenario{name: fmt.Sprint("graph refuses for good ", code), each: 1, faults: refusing(code, 5), lost: 5})
	}
	return all
}

func graph(f simulator.GraphFault) simulator.Faults { return simulator.Faults{Graph: f} }

func refusing(code, times int) simulator.Faults {
	return graph(simulator.GraphFault{Kind: simulator.GraphRefuses, Code: code, Next: times})
}

func gemini(kind simulator.GeminiFaultKind) simulator.Faults {
	return simulator.Faults{Gemini: simulator.GeminiFault{Kind: kind, Share: .7}}
}

func webhooks(f simulator.WebhookFaults) simulator.Faults { return simulator.Faults{Webhooks: f} }

func runScenario(t *testing.T, s scenario) {
	r := newRun(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	r.sim.SetFaults(s.faults)
	disturbed := make(chan struct{})
	go func() {
		defer close(disturbed)
		r.write(t)
	}()
	if s.disturb != nil {
		s.disturb(t, r)
	}
	<-disturbed
	if !s.stay {
		r.await(ctx, faultsLast)
		r.sim.SetFaults(simulator.Faults{})
	}
	if err := r.sim.WaitFor(ctx, r.over); err != nil {
		t.Errorf("%v\n%s", err, r.troubles())
	}
	r.settle(ctx, t)
	r.check(t)
}

func newRun(t *testing.T, s scenario) *faultRun {
	t.Helper()
	s.persons, s.each = cmp.Or(s.persons, 40), cmp.Or(s.each, 2)
	seed := cmp.Or(chosen, uint64(time.Now().UnixNano()))
	r := &faultRun{scenario: s, began: time.Now(), random: rand.New(rand.NewPCG(seed, 0))}
	r.sim = simulator.New(simulator.Options{
		AppSecret: appSecret, VerifyToken: verifyToken, AccessToken: accessToken, GeminiKey: geminiKey,
		PhoneNumberID: phoneNumberID, DisplayNumber: "254700000000", Seed: seed,
		Timing: simulator.Timing{Model: simulator.Range{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}},
	})
	server := httptest.NewServer(r.sim.Handler())
	t.Cleanup(func() {
		r.sim.Close()
		server.CloseClientConnections()
		server.Close()
	})
	r.database = testdb.Empty(t)
	r.env = environment(r.database, server.URL, append([]string{"RESEND_AFTER=30s", "GEMINI_TIMEOUT=2s"}, s.env...)...)
	r.serve(t)
	return r
}

// serve starts an instance that webhooks go to from now on.
func (r *faultRun) serve(t *testing.T) {
	t.Helper()
	r.service = start(t, r.env, "serve")
	r.sim.SetWebhookURL(r.service.url + "/webhook/whatsapp")
}

// write has people write for about three seconds.
func (r *faultRun) write(t *testing.T) {
	pause := 3 * time.Second / time.Duration(r.persons*r.each)
	for n := range r.each {
		for i := range r.persons {
			r.sim.Say(person(i), token(i, n))
			r.await(t.Context(), pause)
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

// over reports whether everything was acknowledged, and answered as far as it
// can be.
func (r *faultRun) over(l simulator.Ledger) bool {
	if l.Counts.Acknowledged < r.persons*r.each || l.Counts.Pending > 0 {
		return false
	}
	if r.apologies {
		return len(l.Outbound) >= r.persons
	}
	return len(missing(l, r.persons, r.each)) <= r.lost
}

// settle waits until the service has nothing left that it could send. Only then
// is it certain that nothing comes twice.
func (r *faultRun) settle(ctx context.Context, t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(ctx, r.database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for left := 1; left > 0; r.await(ctx, 50*time.Millisecond) {
		if err := conn.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM part WHERE delivery IN ('unsent', 'sending'))
			     + (SELECT count(*) FROM message WHERE answer_id IS NULL)`).Scan(&left); err != nil {
			t.Errorf("%d messages and parts are left: %v\n%s", left, err, r.troubles())
			return
		}
	}
	if err := r.sim.WaitFor(ctx, func(l simulator.Ledger) bool { return l.Counts.Pending == 0 }); err != nil {
		t.Error(err)
	}
}

// check holds the ledger to the promise and prints what came of it.
func (r *faultRun) check(t *testing.T) {
	t.Helper()
	l := r.sim.Ledger()
	lost, twice, disorder := r.reckon(t, l)
	fmt.Printf("%-34s acknowledged %3d  answers %3d  lost %d  twice %d  out of order %d  took %2.0fs  seed %d\n",
		r.name, l.Counts.Acknowledged, l.Counts.Outbound, lost, twice, disorder, time.Since(r.began).Seconds(), r.sim.Seed())
	if l.Counts.Acknowledged != r.persons*r.each || lost != r.lost || twice > 0 || disorder > 0 {
		t.Errorf("the promise is broken: of %d messages, %d were lost where %d had to be, %d answered twice, %d out of order; AISHA_SEED=%d\n%s",
			r.persons*r.each, lost, r.lost, twice, disorder, r.sim.Seed(), r.troubles())
	}
}

// reckon counts over all persons. Where the answers are apologies, one message
// each and one answer each is all there is to know.
func (r *faultRun) reckon(t *testing.T, l simulator.Ledger) (lost, twice, disorder int) {
	t.Helper()
	said := map[string]simulator.Inbound{}
	for _, in := range l.Inbound {
		said[in.Text] = in
	}
	for i := range r.persons {
		sent, last := l.SentTo(person(i)), -1
		var acknowledged time.Time // the one before
		if r.apologies {
			lost += max(0, 1-len(sent))
			twice += max(0, len(sent)-1)
			continue
		}
		for n := range r.each {
			count := 0
			for at, out := range sent {
				if !strings.Contains(out.Body, token(i, n)) {
					continue
				}
				// The order is known where one was acknowledged before the next
				// was written. Otherwise webhooks may have overtaken each other.
				if count++; at < last && acknowledged.Before(said[token(i, n)].At) {
					disorder++
				}
				last = at
			}
			acknowledged = said[token(i, n)].AcknowledgedAt
			switch {
			case count == 0:
				lost++
			case count > 1:
				twice++
				t.Logf("%s was answered %d times", token(i, n), count)
			}
		}
	}
	return lost, twice, disorder
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

// killRounds is kill -9 at random moments. The service is back before its
// patience with an unknown send ends.
func killRounds(t *testing.T, r *faultRun) {
	for range choose(3, 30) {
		r.await(t.Context(), r.between(200*time.Millisecond, time.Second))
		r.service.kill()
		r.serve(t)
	}
}

func killOneOfTwo(t *testing.T, r *faultRun) {
	first := r.service
	r.serve(t)
	second := r.service
	for range 10 { // a load balancer
		for _, p := range []*process{first, second} {
			r.sim.SetWebhookURL(p.url + "/webhook/whatsapp")
			r.await(t.Context(), r.between(10*time.Millisecond, 100*time.Millisecond))
		}
	}
	first.kill()
}

// killDatabase moves the service to a PostgreSQL of its own, which is then
// killed, and later stopped, at random moments.
func killDatabase(t *testing.T, r *faultRun) {
	r.service.kill()
	dir, err := os.MkdirTemp("", "aisha-faults-")
	if err != nil {
		t.Fatal(err)
	}
	options := localpg.Options{Dir: dir, DownloadDir: "../../.aisha", Durable: true, Log: slog.New(slog.DiscardHandler)}
	cluster, err := localpg.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	r.database = cluster.URL("postgres")
	if options.Port, err = portOf(r.database); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "DATABASE_URL="+r.database)
	r.serve(t)
	for round := range choose(2, 10) {
		r.await(t.Context(), r.between(300*time.Millisecond, 1500*time.Millisecond))
		end := cluster.Kill
		if round%2 == 1 {
			end = cluster.Stop
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		r.await(t.Context(), r.between(0, time.Second))
		if cluster, err = localpg.Start(t.Context(), options); err != nil {
			t.Fatal(err)
		}
	}
}

func portOf(database string) (int, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		return 0, err
	}
	return int(config.Port), nil
}
