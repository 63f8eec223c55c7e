package e2e

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"aisha/internal/dev/localpg"
	"aisha/internal/dev/simulator"
)

// refuseEach has one person after the other write, each of them refused with
// the code that is theirs, that many times in a row.
func refuseEach(codes []int, times int) func(*testing.T, *faultRun) {
	return func(t *testing.T, r *faultRun) {
		for i, code := range codes {
			r.sim.SetFaults(refusing(code, times))
			r.sim.Say(person(i), token(i, 0))
			waitFor(t, r.sim, func(l simulator.Ledger) bool { return l.Counts.GraphRefused >= (i+1)*times })
		}
	}
}

// nobody is where no Graph API is: the port is a reserved one.
const nobody = "WHATSAPP_BASE_URL=http://127.0.0.1:1"

// bringGraphBack has the operator correct the address after a while.
func bringGraphBack(t *testing.T, r *faultRun) {
	r.await(t.Context(), writing/2+faultsLast)
	if err := r.service.terminate(); err != nil {
		t.Errorf("the service stopped with %v", err)
	}
	r.env = with(r.env, "WHATSAPP_BASE_URL="+r.simURL)
	r.serve(t)
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
	r.balance(t, first, r.service)
	first.kill()
}

// freezeOneOfTwo is a machine that stands still, with all its connections, and
// goes on later as if nothing had happened; in the end it never does.
func freezeOneOfTwo(t *testing.T, r *faultRun) {
	first := r.service
	r.serve(t)
	for range choose(1, 3) {
		r.balance(t, first, r.service)
		first.signal(syscall.SIGSTOP)
		r.sim.SetWebhookURL(r.service.url + "/webhook/whatsapp")
		r.await(t.Context(), r.between(time.Second, choose(2*time.Second, 30*time.Second)))
		first.signal(syscall.SIGCONT)
	}
	r.balance(t, first, r.service)
	first.signal(syscall.SIGSTOP)
	r.sim.SetWebhookURL(r.service.url + "/webhook/whatsapp")
}

// balance is a load balancer's work for a second.
func (r *faultRun) balance(t *testing.T, instances ...*process) {
	for range 10 {
		for _, p := range instances {
			r.sim.SetWebhookURL(p.url + "/webhook/whatsapp")
			r.await(t.Context(), r.between(10*time.Millisecond, 100*time.Millisecond))
		}
	}
}

// cluster is a PostgreSQL server of a scenario's own.
type cluster struct {
	*localpg.Cluster
	options localpg.Options
}

func ownDatabase(t *testing.T, r *faultRun) {
	t.Helper()
	dir, err := os.MkdirTemp("", "aisha-faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cluster{options: localpg.Options{
		Dir: dir, DownloadDir: "../../../.aisha", Durable: true, Port: lastingPort(t, r), Log: slog.New(slog.DiscardHandler),
	}}
	c.start(t)
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	r.cluster, r.database = c, c.URL("postgres")
}

func (c *cluster) start(t *testing.T) {
	t.Helper()
	started, err := localpg.Start(t.Context(), c.options)
	if err != nil {
		t.Fatal(err)
	}
	c.Cluster = started
}

// killDatabase kills the database at random moments, and stops it at others.
func killDatabase(t *testing.T, r *faultRun) {
	for round := range choose(2, 10) {
		r.await(t.Context(), r.between(300*time.Millisecond, 1500*time.Millisecond))
		end := r.cluster.Kill
		if round%2 == 1 {
			end = r.cluster.Stop
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		r.await(t.Context(), r.between(0, time.Second))
		r.cluster.start(t)
	}
}

// lastingPort is a port that is free now and stays so while the database is
// away: it is below those that systems hand out by themselves.
func lastingPort(t *testing.T, r *faultRun) int {
	t.Helper()
	const first, after = 15_000, 30_000
	for {
		port := first + r.random.IntN(after-first)
		listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			continue
		case err != nil:
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
}
