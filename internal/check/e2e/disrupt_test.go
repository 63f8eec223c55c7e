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

// refuseEach lets one person write per code. The Graph API refuses the sends to
// that person with the code, the given number of times in a row.
func refuseEach(codes []int, times int) func(*testing.T, *faultRun) {
	return func(t *testing.T, r *faultRun) {
		for i, code := range codes {
			r.sim.SetFaults(refuseNext(code, times))
			r.sim.Say(person(i), token(i, 0))
			waitFor(t, r.sim, func(l simulator.Ledger) bool { return l.Counts.GraphErrors >= (i+1)*times })
		}
	}
}

// unreachableGraph configures an address where nothing listens. The port is
// reserved.
const unreachableGraph = "WHATSAPP_BASE_URL=http://127.0.0.1:1"

// restoreGraphURL restarts the service with the correct address after a while, as
// an operator would.
func restoreGraphURL(t *testing.T, r *faultRun) {
	r.pause(t.Context(), defaultWritingTime/2+faultTime)
	if err := r.service.terminate(); err != nil {
		t.Errorf("stop the service: %v", err)
	}
	r.env = withEnv(r.env, "WHATSAPP_BASE_URL="+r.simURL)
	r.startService(t)
}

// killRepeatedly kills the service with SIGKILL at random moments. The service is
// restarted before RESEND_AFTER has passed for a send with an unknown outcome.
func killRepeatedly(t *testing.T, r *faultRun) {
	for range shortOrLong(3, 30) {
		r.pause(t.Context(), r.randomDuration(200*time.Millisecond, time.Second))
		r.service.kill()
		r.startService(t)
	}
}

// killOneOfTwoInstances starts a second instance and kills the first one while both
// receive webhooks.
func killOneOfTwoInstances(t *testing.T, r *faultRun) {
	first := r.service
	r.startService(t)
	r.alternateWebhooks(t, first, r.service)
	first.kill()
}

// freezeOneOfTwoInstances suspends one of two instances, with all its connections
// open, and resumes it later, as a suspended virtual machine. The last suspension
// lasts until the end of the test.
func freezeOneOfTwoInstances(t *testing.T, r *faultRun) {
	first := r.service
	r.startService(t)
	for range shortOrLong(1, 3) {
		r.alternateWebhooks(t, first, r.service)
		first.freeze()
		r.sim.SetWebhookURL(r.service.url + "/webhook/whatsapp")
		r.pause(t.Context(), r.randomDuration(time.Second, shortOrLong(2*time.Second, 30*time.Second)))
		first.signal(syscall.SIGCONT)
	}
	r.alternateWebhooks(t, first, r.service)
	first.freeze()
	r.sim.SetWebhookURL(r.service.url + "/webhook/whatsapp")
}

// alternateWebhooks switches the webhooks between the instances for about a
// second, as a load balancer does.
func (r *faultRun) alternateWebhooks(t *testing.T, instances ...*process) {
	for range 10 {
		for _, p := range instances {
			r.sim.SetWebhookURL(p.url + "/webhook/whatsapp")
			r.pause(t.Context(), r.randomDuration(10*time.Millisecond, 100*time.Millisecond))
		}
	}
}

// cluster is a PostgreSQL server that one scenario uses alone.
type cluster struct {
	*localpg.Cluster
	options localpg.Options
}

// startOwnCluster gives the scenario its own PostgreSQL server. The server keeps
// its port when it is restarted.
func startOwnCluster(t *testing.T, r *faultRun) {
	t.Helper()
	dir, err := os.MkdirTemp("", "aisha-faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cluster{options: localpg.Options{
		Dir: dir, DownloadDir: "../../../.aisha", Durable: true, Port: fixedPort(t, r), Log: slog.New(slog.DiscardHandler),
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

// killAndStopDatabase alternately kills and stops the database at random moments
// and starts it again.
func killAndStopDatabase(t *testing.T, r *faultRun) {
	for round := range shortOrLong(2, 10) {
		r.pause(t.Context(), r.randomDuration(300*time.Millisecond, 1500*time.Millisecond))
		stop := r.cluster.Kill
		if round%2 == 1 {
			stop = r.cluster.Stop
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		r.pause(t.Context(), r.randomDuration(0, time.Second))
		r.cluster.start(t)
	}
}

// fixedPort returns a free port below the ephemeral range, so that no other program
// is assigned the port while the database is down.
func fixedPort(t *testing.T, r *faultRun) int {
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
