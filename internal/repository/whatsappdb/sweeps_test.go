package whatsappdb_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/retention"
	"aisha/internal/repository/whatsappdb"
)

func noPause(context.Context, time.Duration) {}

// usualPeriods are the retention periods of most tests.
func usualPeriods() whatsappdb.RetentionPeriods {
	return whatsappdb.RetentionPeriods{Messages: 90 * day, UnhandledItems: 30 * day}
}

func newRetention(pool *pgxpool.Pool, periods whatsappdb.RetentionPeriods) *retention.Retention {
	return retention.New(pool, whatsappdb.Sweeps(periods))
}

// sweepTest fills a database with old rows and runs the sweeps.
type sweepTest struct {
	t    *testing.T
	pool *pgxpool.Pool
}

func newSweepTest(t *testing.T) sweepTest {
	t.Helper()
	return sweepTest{t: t, pool: testdb.Open(t)}
}

func (s sweepTest) exec(sql string, args ...any) {
	s.t.Helper()
	testdb.Exec(s.t, s.pool, sql, args...)
}

// sweep runs all sweeps with the usual periods and returns the number of deleted
// rows of each table.
func (s sweepTest) sweep() map[string]int64 {
	s.t.Helper()
	return s.sweepWith(usualPeriods())
}

func (s sweepTest) sweepWith(periods whatsappdb.RetentionPeriods) map[string]int64 {
	s.t.Helper()
	deleted, err := newRetention(s.pool, periods).DeleteExpired(s.t.Context(), noPause)
	if err != nil {
		s.t.Errorf("DeleteExpired: got error %v, want nil", err)
	}
	return deleted
}

// addAnswered stores a new person and a message that was answered so many days
// ago. The answer has two parts, one of which was sent twice. The name is the
// person's user id and the wamid of the message.
func (s sweepTest) addAnswered(name string, days int) {
	s.t.Helper()
	s.exec(`
		WITH person AS (
			INSERT INTO person (bsuid, created_at) VALUES ($1, now() - make_interval(days => $2)) RETURNING id, created_at
		), answer AS (
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
			SELECT id, 'N', 'x', 'm', 1, 1, created_at FROM person
			RETURNING id, person_id, created_at
		), message AS (
			INSERT INTO message (wamid, person_id, phone_number_id, type, body, sent_at, received_at, answer_id)
			SELECT $1, person_id, 'N', 'text', 'x', created_at, created_at, id FROM answer
		), part AS (
			INSERT INTO answer_part (answer_id, person_id, position, body, quoted_wamid, delivery, wamid)
			SELECT id, person_id, position, 'x', '', 'read', 'out-' || $1 || position FROM answer, generate_series(0, 1) AS position
			RETURNING id, position
		)
		INSERT INTO former_wamid SELECT 'former-' || $1, id FROM part WHERE position = 0`, name, days)
}

// addUnsent stores n answers of a year ago that have an unsent part.
func (s sweepTest) addUnsent(n int) {
	s.t.Helper()
	s.exec(`
		WITH person AS (
			INSERT INTO person (bsuid, created_at) VALUES ('unsent', now() - interval '1 year') RETURNING id, created_at
		), answer AS (
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
			SELECT id, 'N', 'x', 'm', 1, 1, created_at FROM person, generate_series(1, $1)
			RETURNING id, person_id
		)
		INSERT INTO answer_part (answer_id, person_id, position, body, quoted_wamid) SELECT id, person_id, 0, 'x', '' FROM answer`, n)
}

// addUnhandled stores n unhandled items of so many days ago.
func (s sweepTest) addUnhandled(n, days int) {
	s.t.Helper()
	s.exec(`
		INSERT INTO unhandled_item (field, reason, raw, received_at)
		SELECT '', '', '', now() - make_interval(days => $2) FROM generate_series(1, $1)`, n, days)
}

// rows counts the rows of one call of addAnswered.
type rows struct{ Answers, FormerWAMIDs, Messages, Parts, Persons int }

// allRows are the rows of addAnswered.
func allRows() rows { return rows{Answers: 1, FormerWAMIDs: 1, Messages: 1, Parts: 2, Persons: 1} }

// personRow is only the person of addAnswered.
func personRow() rows { return rows{Persons: 1} }

// left returns the rows of addAnswered that are still there.
func (s sweepTest) left(name string) rows {
	s.t.Helper()
	n := func(from string) int { return testdb.QueryInt(s.t, s.pool, `SELECT count(*) FROM `+from, name) }
	return rows{
		Answers:      n(`answer JOIN person ON person.id = person_id WHERE bsuid = $1`),
		FormerWAMIDs: n(`former_wamid WHERE wamid = 'former-' || $1`),
		Messages:     n(`message WHERE wamid = $1`),
		Parts:        n(`answer_part WHERE wamid LIKE 'out-' || $1 || '%'`),
		Persons:      n(`person WHERE bsuid = $1`),
	}
}

func (s sweepTest) wantLeft(name string, want rows) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.left(name)); diff != "" {
		s.t.Errorf("rows of %s (-want +got):\n%s", name, diff)
	}
}

func TestSweeps_Answers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		days   int
		change string // of the only person
		want   rows
	}{
		"old":                  {91, ``, rows{}},
		"young":                {89, ``, allRows()},
		"part_is_given_up":     {91, `UPDATE answer_part SET delivery = 'failed'`, rows{}},
		"part_is_unsent":       {91, `UPDATE answer_part SET delivery = 'unsent' WHERE position = 1`, allRows()},
		"part_is_sending":      {91, `UPDATE answer_part SET delivery = 'sending' WHERE position = 1`, allRows()},
		"person_opted_out":     {91, `UPDATE person SET opted_out_at = now() - interval '1 year'`, personRow()},
		"assistant_is_paused":  {91, `UPDATE person SET paused_until = now() + interval '1 hour'`, personRow()},
		"assistant_was_paused": {91, `UPDATE person SET paused_until = now() - interval '1 hour'`, rows{}},
		"person_is_young":      {91, `UPDATE person SET created_at = now()`, personRow()},
		"person_has_new_answer": {91, `
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens)
			SELECT id, 'N', '', '', 0, 0 FROM person`, rows{Answers: 1, Persons: 1}},
		"message_is_unanswered": {91, `UPDATE message SET answer_id = NULL`, rows{Messages: 1, Persons: 1}},
		"person_has_unanswered_message": {91, `
			INSERT INTO message (wamid, person_id, phone_number_id, type, body, sent_at)
			SELECT 'y', id, 'N', 'text', '', now() FROM person`, personRow()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSweepTest(t)
			s.addAnswered("x", tt.days)
			s.exec(tt.change)
			s.sweep()
			s.wantLeft("x", tt.want)
		})
	}
}

// A page of answers that cannot be deleted does not stop the sweep.
func TestSweeps_UnsentAnswersAreSkipped(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.addUnsent(300) // more than a page
	s.addAnswered("old", 100)
	s.addAnswered("young", 1)
	got := s.sweep()
	maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
	want := map[string]int64{"answer": 1, "former_wamid": 1, "message": 1, "answer_part": 2, "person": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	s.wantLeft("old", rows{})
	s.wantLeft("young", allRows())
}

func TestSweeps_ZeroPeriodKeepsForEver(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.addAnswered("x", 4000)
	s.addUnhandled(1, 3650)
	s.sweepWith(whatsappdb.RetentionPeriods{})
	s.wantLeft("x", allRows())
	if got := testdb.QueryInt(t, s.pool, `SELECT count(*) FROM unhandled_item`); got != 1 {
		t.Errorf("unhandled items: got %d, want 1", got)
	}
}

func TestSweeps_OtherTables(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.exec(`
		INSERT INTO unhandled_item (field, reason, raw, received_at)
		SELECT '', '', '', now() - make_interval(days => d) FROM unnest(ARRAY[40, 31, 29, 0]) AS d`)
	s.exec(`
		INSERT INTO pending_status (wamid, delivery, max_resends, received_at)
		SELECT h, 'sent', 0, now() - make_interval(hours => h) FROM unnest(ARRAY[23, 25]) AS h`)
	s.exec(`
		INSERT INTO pending_change (wamid, body, revoked, received_at)
		SELECT d, '', false, now() - make_interval(days => d) FROM unnest(ARRAY[7, 9]) AS d`)
	s.exec(`INSERT INTO waitlist_entry (username, phone_number, created_at) VALUES ('A', '+254712345678', now() - interval '10 years')`)
	s.sweep()
	for table, want := range map[string]int{"unhandled_item": 2, "pending_status": 1, "pending_change": 1, "waitlist_entry": 1} {
		if got := testdb.QueryInt(t, s.pool, `SELECT count(*) FROM `+table); got != want {
			t.Errorf("rows of %s: got %d, want %d", table, got, want)
		}
	}
}

func TestSweeps_SendQuota(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.exec(`INSERT INTO person_send_quota SELECT g, now() - interval '1 second' FROM generate_series(1, 1001) AS g`)
	s.exec(`INSERT INTO person_send_quota VALUES (1002, now() + interval '1 minute')`)
	if got := s.sweepWith(whatsappdb.RetentionPeriods{})["person_send_quota"]; got != 1001 {
		t.Errorf("deleted quotas: got %d, want the 1001 that are replenished", got)
	}
	if got := testdb.QueryInt(t, s.pool, `SELECT count(*) FROM person_send_quota`); got != 1 {
		t.Errorf("quotas: got %d, want the 1 that is not replenished", got)
	}
}

func TestSweeps_SeveralPages(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.exec(`INSERT INTO person (bsuid, created_at) SELECT g, now() - interval '91 days' FROM generate_series(1, 2001) AS g`)
	s.exec(`
		INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
		SELECT id, 'N', '', '', 0, 0, created_at FROM person ORDER BY id LIMIT 500`)
	s.addUnhandled(1000, 31)
	s.exec(`
		INSERT INTO pending_status (wamid, delivery, max_resends, received_at)
		SELECT 'a' || g, 'sent', 0, now() FROM generate_series(1, 1000) AS g`)
	s.exec(`INSERT INTO pending_status (wamid, delivery, max_resends, received_at) VALUES ('b', 'sent', 0, now() - interval '2 days')`)
	s.addAnswered("young", 1)
	pauses := 0
	deleted, err := newRetention(s.pool, usualPeriods()).
		DeleteExpired(t.Context(), func(context.Context, time.Duration) { pauses++ })
	if err != nil {
		t.Errorf("DeleteExpired: got error %v, want nil", err)
	}
	for table, want := range map[string]int64{"person": 2001, "answer": 500, "unhandled_item": 1000, "pending_status": 1} {
		if deleted[table] != want {
			t.Errorf("deleted rows of %s: got %d, want %d", table, deleted[table], want)
		}
	}
	s.wantLeft("young", allRows())
	// Two pages of pending statuses and of answers, three of persons and one of
	// unhandled items.
	if want := 2 + 2 + 3 + 1; pauses != want {
		t.Errorf("pauses: got %d, want %d", pauses, want)
	}
}

func TestSweeps_LockedRowsAreSkipped(t *testing.T) {
	t.Parallel()
	for table, lock := range map[string]string{
		"answer":      `SELECT FROM answer FOR KEY SHARE`,
		"message":     `SELECT FROM message FOR UPDATE`,
		"answer_part": `UPDATE answer_part SET attempts = 1 WHERE position = 1`,
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			s := newSweepTest(t)
			s.addAnswered("locked", 100)
			tx, err := s.pool.Begin(t.Context())
			if err != nil {
				t.Fatalf("begin: %v", err)
			}
			if _, err := tx.Exec(t.Context(), lock); err != nil {
				t.Fatalf("lock: %v", err)
			}
			s.addAnswered("free", 100)
			s.sweep()
			s.wantLeft("locked", allRows())
			s.wantLeft("free", rows{})
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatalf("rollback: %v", err)
			}
			s.sweep()
			s.wantLeft("locked", rows{})
		})
	}
}

// A transaction that stores a message shares LockPersons, so the sweep of persons
// cannot delete its sender.
func TestSweeps_PersonIsNotDeletedDuringStore(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.addAnswered("x", 100)
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared($1, 0)`, postgres.LockPersons); err != nil {
		t.Fatalf("lock: %v", err)
	}
	if _, err := tx.Exec(t.Context(), `
		INSERT INTO message (wamid, person_id, phone_number_id, type, body, sent_at)
		SELECT 'new', id, 'N', 'text', '', now() FROM person`); err != nil {
		t.Fatalf("insert a message: %v", err)
	}
	periods := whatsappdb.RetentionPeriods{Messages: 90 * day}
	if _, err := newRetention(s.pool, periods).DeleteExpired(t.Context(), noPause); !fault.Is(err, fault.Unavailable) {
		t.Errorf("DeleteExpired: got error %v, want fault.Unavailable", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Errorf("commit: %v", err)
	}
	s.sweep()
	s.wantLeft("x", personRow())
	s.wantLeft("new", rows{Messages: 1})
}

func TestSweeps_DeletedPersonIsStoredAgain(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.addAnswered("KE.1", 100)
	s.sweep()
	s.wantLeft("KE.1", rows{})
	mustStore(t, whatsappdb.NewInbox(s.pool), messageBatch(textMessage("w1", identity("KE.1", ""), "a")))
	if got := testdb.QueryInt(t, s.pool, `SELECT count(*) FROM message JOIN person ON person.id = person_id WHERE bsuid = 'KE.1'`); got != 1 {
		t.Errorf("messages of the person: got %d, want 1", got)
	}
}

// answerLongAgo makes a person old, and answers one of their messages 100 days
// ago.
func (s sweepTest) answerLongAgo(bsuid, wamid string) error {
	_, err := s.pool.Exec(s.t.Context(), `
		WITH old AS (
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
			SELECT id, 'N', '', '', 0, 0, now() - interval '100 days' FROM person WHERE bsuid = $1
			RETURNING id, person_id
		), answered AS (
			UPDATE message SET answer_id = old.id FROM old WHERE message.person_id = old.person_id AND wamid = $2
		)
		UPDATE person SET created_at = now() - interval '100 days' WHERE bsuid = $1`, bsuid, wamid)
	return err
}

func TestSweeps_ConcurrentWebhooks(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	inbox := whatsappdb.NewInbox(s.pool)
	ctx, stop := context.WithCancel(t.Context())
	var sweepers, writers sync.WaitGroup
	for range 2 {
		runner := newRetention(s.pool, whatsappdb.RetentionPeriods{Messages: 90 * day})
		sweepers.Go(func() {
			for ctx.Err() == nil {
				if _, err := runner.DeleteExpired(t.Context(), noPause); err != nil {
					t.Errorf("DeleteExpired: got error %v, want nil", err)
				}
			}
		})
	}
	for writer := range 4 {
		writers.Go(func() {
			for n := range 25 {
				bsuid, wamid := fmt.Sprint("KE.", n%5), fmt.Sprint("w", writer, "-", n)
				if err := inbox.Store(t.Context(), messageBatch(textMessage(wamid, identity(bsuid, ""), "a"))); err != nil {
					t.Errorf("Store: got error %v, want nil", err)
				}
				if err := s.answerLongAgo(bsuid, wamid); err != nil {
					t.Errorf("answer %s: %v", wamid, err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	sweepers.Wait()
	s.sweep()
	if got := countPersons(t, s.pool); got != 0 {
		t.Errorf("persons: got %d, want 0", got)
	}
	if got := testdb.QueryInt(t, s.pool, `SELECT count(*) FROM message`); got != 0 {
		t.Errorf("messages: got %d, want 0", got)
	}
}

func TestSweeps_OneInstanceAtATime(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.addAnswered("x", 100)
	runner := newRetention(s.pool, whatsappdb.RetentionPeriods{Messages: 90 * day})
	pauses := 0
	deleted, err := runner.DeleteExpired(t.Context(), func(context.Context, time.Duration) {
		pauses++
		if other, err := runner.DeleteExpired(t.Context(), noPause); err != nil || len(other) != 0 {
			t.Errorf("second instance: got %v, %v, want that it deletes nothing", other, err)
		}
	})
	if err != nil {
		t.Errorf("DeleteExpired: got error %v, want nil", err)
	}
	if pauses == 0 {
		t.Error("pauses: got 0, want at least 1")
	}
	if deleted["answer"] != 1 {
		t.Errorf("deleted answers: got %d, want 1", deleted["answer"])
	}
	s.addAnswered("y", 100)
	if got := s.sweep()["answer"]; got != 1 {
		t.Errorf("deleted answers of the next run: got %d, want 1", got)
	}
}

func TestSweeps_Cancel(t *testing.T) {
	t.Parallel()
	s := newSweepTest(t)
	s.addUnhandled(3000, 31)
	ctx, cancel := context.WithCancel(t.Context())
	deleted, err := newRetention(s.pool, whatsappdb.RetentionPeriods{UnhandledItems: 30 * day}).
		DeleteExpired(ctx, func(context.Context, time.Duration) { cancel() })
	if err == nil {
		t.Error("DeleteExpired: got no error, want one")
	}
	if got := deleted["unhandled_item"]; got != 1000 {
		t.Errorf("deleted items: got %d, want one page of 1000", got)
	}
	if got := s.sweep()["unhandled_item"]; got != 2000 {
		t.Errorf("deleted items of the next run: got %d, want 2000", got)
	}
}
