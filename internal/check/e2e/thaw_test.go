package e2e

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// An instance notes that it sends something, and stands still before it has
// learned that this is noted. So another instance takes the send for lost and
// sends it again. When the first one goes on, it must not send any more.
func TestAnInstanceThatWasFrozenSendsNothingTwice(t *testing.T) {
	t.Parallel()
	const persons, each = 12, 2
	sim, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	// Over when the frozen one's locks are free, which takes 30 s, and not so soon
	// that a busy machine is taken for a silent Meta.
	env := environment(database, simURL, "RESEND_AFTER=25s")
	frozen := start(t, env, "serve")
	sim.SetWebhookURL(frozen.url + "/webhook/whatsapp")
	everybodySays := func(n int) {
		for i := range persons {
			sim.Say(person(i), token(i, n))
		}
		waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Acknowledged == (n+1)*persons })
	}
	everybodySays(0)
	waitFor(t, sim, func(l simulator.Ledger) bool { return allAnswered(l, persons, 1) })
	if err := settled(t, database); err != nil {
		t.Fatal(err)
	}

	holder, beside := connect(t, database), connect(t, database)
	run := func(conn *pgx.Conn, sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	// A second part, as a long answer has. Its send is noted along with the
	// person's quota, so it waits for the quota's row; which is held before,
	// because a worker who is just about to leave sends what they find.
	const second = "the second part of answer "
	run(holder, `BEGIN`)
	run(holder, `SELECT FROM quota FOR NO KEY UPDATE`)
	run(beside, `INSERT INTO part (answer_id, person_id, position, body, reply_to) SELECT id, person_id, 1, '`+second+`' || id, '' FROM answer`)
	everybodySays(1)
	awaitLocked(t, database, persons)
	frozen.signal(syscall.SIGSTOP)
	run(holder, `ROLLBACK`)

	other := start(t, env, "serve")
	sim.SetWebhookURL(other.url + "/webhook/whatsapp")
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Outbound >= (each+1)*persons })
	frozen.signal(syscall.SIGCONT)
	if err := frozen.terminate(); err != nil { // which ends what it was doing
		t.Errorf("%v\n%s", err, tail(frozen.output()))
	}
	if err := settled(t, database); err != nil {
		t.Error(err)
	}
	ledger := sim.Ledger()
	checkOnce(t, ledger, persons, each)
	sent := map[string]int{}
	for _, out := range ledger.Outbound {
		if strings.HasPrefix(out.Body, second) {
			sent[out.Body]++
		}
	}
	for body, times := range sent {
		if times != 1 {
			t.Errorf("%s was sent %d times", body, times)
		}
	}
	if len(sent) != persons {
		t.Errorf("%d second parts were sent, want %d", len(sent), persons)
	}
}

// connect is a connection of its own, until the test ends.
func connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}
