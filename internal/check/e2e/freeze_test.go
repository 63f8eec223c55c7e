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

// An instance is suspended while its transaction that records the start of a send
// commits. Another instance treats the send as lost and sends the part again. When
// the first instance resumes, it must not send the part.
func TestFreeze_ResumedInstanceSendsNothingTwice(t *testing.T) {
	t.Parallel()
	const persons, perPerson = 12, 2
	sim, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	// RESEND_AFTER ends before the locks of the frozen instance are released, which
	// takes 30 s. It is long enough for a status to arrive on a busy machine.
	env := environment(database, simURL, "RESEND_AFTER=25s")
	frozen := start(t, env, "serve")
	sim.SetWebhookURL(frozen.url + "/webhook/whatsapp")
	allPeopleWrite := func(n int) {
		for i := range persons {
			sim.Say(person(i), token(i, n))
		}
		waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Acknowledged == (n+1)*persons })
	}
	allPeopleWrite(0)
	waitFor(t, sim, func(l simulator.Ledger) bool { return allAnswered(l, persons, 1) })
	if err := waitUntilIdle(t, database); err != nil {
		t.Fatal(err)
	}

	holder, beside := connect(t, database), connect(t, database)
	run := func(conn *pgx.Conn, sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	// A second part, as a long answer has. Recording the start of its send also
	// updates the person's quota row, so it waits for the lock on that row. The lock
	// is taken before the part is inserted, because a worker that is still running
	// sends the part as soon as it finds it.
	const second = "the second part of answer "
	run(holder, `BEGIN`)
	run(holder, `SELECT FROM person_send_quota FOR NO KEY UPDATE`)
	run(beside, `INSERT INTO answer_part (answer_id, person_id, position, body, quoted_wamid) SELECT id, person_id, 1, '`+second+`' || id, '' FROM answer`)
	allPeopleWrite(1)
	waitForLockWaiters(t, database, persons)
	frozen.freeze()
	run(holder, `ROLLBACK`)

	other := start(t, env, "serve")
	sim.SetWebhookURL(other.url + "/webhook/whatsapp")
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Outbound >= (perPerson+1)*persons })
	frozen.signal(syscall.SIGCONT)
	if err := frozen.terminate(); err != nil { // waits for its current work
		t.Errorf("stop the resumed instance: %v\n%s", err, tail(frozen.output()))
	}
	if err := waitUntilIdle(t, database); err != nil {
		t.Error(err)
	}
	ledger := sim.Ledger()
	checkAnsweredOnce(t, ledger, persons, perPerson)
	sent := map[string]int{}
	for _, out := range ledger.Outbound {
		if strings.HasPrefix(out.Body, second) {
			sent[out.Body]++
		}
	}
	for body, times := range sent {
		if times != 1 {
			t.Errorf("%q was sent %d times, want 1", body, times)
		}
	}
	if len(sent) != persons {
		t.Errorf("%d second parts were sent, want %d", len(sent), persons)
	}
}

// connect opens a connection that is closed when the test ends.
func connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}
