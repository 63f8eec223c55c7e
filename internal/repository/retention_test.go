package repository_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/repository"
	"aisha/internal/service/whatsapp"
)

const day = 24 * time.Hour

func noPause(context.Context, time.Duration) {}

// prune deletes what is over 90 and 30 days old.
func prune(t *testing.T, pool *pgxpool.Pool) map[string]int64 {
	t.Helper()
	return pruneOver(t, pool, repository.Ages{Messages: 90 * day, Webhooks: 30 * day})
}

func pruneOver(t *testing.T, pool *pgxpool.Pool, ages repository.Ages) map[string]int64 {
	t.Helper()
	deleted, err := repository.NewRetention(pool, ages).Prune(t.Context(), noPause)
	if err != nil {
		t.Error(err)
	}
	return deleted
}

// past is a database with things of the past in it.
type past struct {
	*testing.T
	pool *pgxpool.Pool
}

func newPast(t *testing.T) past { return past{t, open(t)} }

func (p past) exec(sql string, args ...any) {
	p.Helper()
	if _, err := p.pool.Exec(p.Context(), sql, args...); err != nil {
		p.Fatal(err)
	}
}

// exchange is a person's message, named after them, that was answered so many
// days ago in two parts, one of which was sent twice.
func (p past) exchange(person string, days int) {
	p.Helper()
	p.exec(`
		WITH person AS (
			INSERT INTO person (user_id, created_at) VALUES ($1, now() - make_interval(days => $2)) RETURNING id, created_at
		), answer AS (
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
			SELECT id, 'N', 'x', 'm', 1, 1, created_at FROM person
			RETURNING id, person_id, created_at
		), message AS (
			INSERT INTO message (wamid, person_id, phone_number_id, kind, body, sent_at, received_at, answer_id)
			SELECT $1, person_id, 'N', 'text', 'x', created_at, created_at, id FROM answer
		), part AS (
			INSERT INTO part (answer_id, person_id, position, body, reply_to, delivery, wamid)
			SELECT id, person_id, position, 'x', '', 'read', 'out-' || $1 || position FROM answer, generate_series(0, 1) AS position
			RETURNING id, position
		)
		INSERT INTO former_wamid SELECT 'former-' || $1, id FROM part WHERE position = 0`, person, days)
}

// stuck is that many answers of a year ago with a part that waits to be sent.
func (p past) stuck(n int) {
	p.Helper()
	p.exec(`
		WITH person AS (
			INSERT INTO person (user_id, created_at) VALUES ('stuck', now() - interval '1 year') RETURNING id, created_at
		), answer AS (
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
			SELECT id, 'N', 'x', 'm', 1, 1, created_at FROM person, generate_series(1, $1)
			RETURNING id, person_id
		)
		INSERT INTO part (answer_id, person_id, position, body, reply_to) SELECT id, person_id, 0, 'x', '' FROM answer`, n)
}

// left is how many rows there still are of an exchange, in the order of the
// constants below.
func (p past) left(person string) string {
	p.Helper()
	n := func(from string) int { return count(p.T, p.pool, `SELECT count(*) FROM `+from, person) }
	return fmt.Sprint(
		n(`answer JOIN person ON person.id = person_id WHERE user_id = $1`),
		n(`former_wamid WHERE wamid = 'former-' || $1`),
		n(`message WHERE wamid = $1`),
		n(`part WHERE wamid LIKE 'out-' || $1 || '%'`),
		n(`person WHERE user_id = $1`))
}

const (
	whole      = "1 1 1 2 1"
	nothing    = "0 0 0 0 0"
	personOnly = "0 0 0 0 1"
)

func TestOldFinishedExchangesGoAndTheirPersons(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		days   int
		change string // of what is called x
		want   string
	}{
		"old":                   {91, ``, nothing},
		"young":                 {89, ``, whole},
		"given up":              {91, `UPDATE part SET delivery = 'failed'`, nothing},
		"a part is unsent":      {91, `UPDATE part SET delivery = 'unsent' WHERE position = 1`, whole},
		"a part is being sent":  {91, `UPDATE part SET delivery = 'sending' WHERE position = 1`, whole},
		"who opted out":         {91, `UPDATE person SET opted_out_at = now() - interval '1 year'`, personOnly},
		"who is paused":         {91, `UPDATE person SET paused_until = now() + interval '1 hour'`, personOnly},
		"who was paused":        {91, `UPDATE person SET paused_until = now() - interval '1 hour'`, nothing},
		"a young person's":      {91, `UPDATE person SET created_at = now()`, personOnly},
		"who has a young one":   {91, `INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens) SELECT id, 'N', '', '', 0, 0 FROM person`, "1 0 0 0 1"},
		"an old message waits":  {91, `UPDATE message SET answer_id = NULL`, "0 0 1 0 1"},
		"a message waits as it": {91, `INSERT INTO message (wamid, person_id, phone_number_id, kind, body, sent_at) SELECT 'y', id, 'N', 'text', '', now() FROM person`, personOnly},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPast(t)
			p.exchange("x", tt.days)
			p.exec(tt.change)
			prune(t, p.pool)
			if got := p.left("x"); got != tt.want {
				t.Errorf("left are %s answers, former ids, messages, parts, persons; want %s", got, tt.want)
			}
		})
	}
}

func TestWhatWaitsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.stuck(300) // more than a page
	p.exchange("done", 100)
	p.exchange("young", 1)
	want := map[string]int64{"answer": 1, "former_wamid": 1, "message": 1, "part": 2, "person": 1}
	got := prune(t, p.pool)
	maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
	if !maps.Equal(got, want) {
		t.Errorf("deleted %v, want %v", got, want)
	}
	if p.left("done") != nothing || p.left("young") != whole {
		t.Errorf("left are %s of what is done and %s of what is young", p.left("done"), p.left("young"))
	}
}

func TestZeroKeepsForEver(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exchange("x", 4000)
	p.exec(`INSERT INTO kept_item (field, reason, raw, received_at) VALUES ('', '', '', now() - interval '10 years')`)
	pruneOver(t, p.pool, repository.Ages{})
	if p.left("x") != whole || count(t, p.pool, `SELECT count(*) FROM kept_item`) != 1 {
		t.Error("something was deleted")
	}
}

func TestWhatNobodyTookUpGoes(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exec(`INSERT INTO kept_item (field, reason, raw, received_at)
		SELECT '', '', '', now() - make_interval(days => d) FROM unnest(ARRAY[40, 31, 29, 0]) AS d`)
	p.exec(`INSERT INTO early_status (wamid, delivery, retries, received_at)
		SELECT h, 'sent', 0, now() - make_interval(hours => h) FROM unnest(ARRAY[23, 25]) AS h`)
	p.exec(`INSERT INTO early_change (wamid, body, revoked, received_at)
		SELECT d, '', false, now() - make_interval(days => d) FROM unnest(ARRAY[7, 9]) AS d`)
	p.exec(`INSERT INTO waiting_list (username, phone_number, created_at) VALUES ('A', '+254712345678', now() - interval '10 years')`)
	prune(t, p.pool)
	for table, want := range map[string]int{"kept_item": 2, "early_status": 1, "early_change": 1, "waiting_list": 1} {
		if n := count(t, p.pool, `SELECT count(*) FROM `+table); n != want {
			t.Errorf("%s: %d rows are left, want %d", table, n, want)
		}
	}
}

func TestMoreThanOnePageGoes(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exec(`INSERT INTO person (user_id, created_at) SELECT g, now() - interval '91 days' FROM generate_series(1, 2001) AS g`)
	p.exec(`INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
		SELECT id, 'N', '', '', 0, 0, created_at FROM person ORDER BY id LIMIT 500`)
	p.exec(`INSERT INTO kept_item (field, reason, raw, received_at) SELECT '', '', '', now() - interval '31 days' FROM generate_series(1, 1000)`)
	p.exec(`INSERT INTO early_status (wamid, delivery, retries, received_at) SELECT 'a' || g, 'sent', 0, now() FROM generate_series(1, 1000) AS g`)
	p.exec(`INSERT INTO early_status (wamid, delivery, retries, received_at) VALUES ('b', 'sent', 0, now() - interval '2 days')`)
	p.exchange("young", 1)
	pauses := 0
	deleted, err := repository.NewRetention(p.pool, repository.Ages{Messages: 90 * day, Webhooks: 30 * day}).
		Prune(t.Context(), func(context.Context, time.Duration) { pauses++ })
	if err != nil || deleted["person"] != 2001 || deleted["answer"] != 500 || deleted["kept_item"] != 1000 || deleted["early_status"] != 1 {
		t.Errorf("deleted %v, %v", deleted, err)
	}
	if p.left("young") != whole {
		t.Errorf("of a young one %s is left", p.left("young"))
	}
	// Two pages each of two tables, three of persons and one of items.
	if pauses != 2+2+3+1 {
		t.Errorf("paused %d times", pauses)
	}
}

func TestAQuotaThatIsFullAgainGoes(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exec(`INSERT INTO quota SELECT g, now() - interval '1 second' FROM generate_series(1, 1001) AS g`)
	p.exec(`INSERT INTO quota VALUES (1002, now() + interval '1 minute')`)
	if deleted := pruneOver(t, p.pool, repository.Ages{}); deleted["quota"] != 1001 {
		t.Errorf("deleted %v", deleted)
	}
	if n := count(t, p.pool, `SELECT count(*) FROM quota`); n != 1 {
		t.Errorf("%d are left", n)
	}
}

func TestWhatSomebodyHasLockedStaysForTheNextTime(t *testing.T) {
	t.Parallel()
	for name, lock := range map[string]string{
		"answer":  `SELECT FROM answer FOR KEY SHARE`,
		"message": `SELECT FROM message FOR UPDATE`,
		"part":    `UPDATE part SET attempts = 1 WHERE position = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPast(t)
			p.exchange("locked", 100)
			tx, err := p.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), lock); err != nil {
				t.Fatal(err)
			}
			p.exchange("free", 100)
			prune(t, p.pool)
			if p.left("locked") != whole || p.left("free") != nothing {
				t.Errorf("left are %s of what is locked and %s of what is not", p.left("locked"), p.left("free"))
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if prune(t, p.pool); p.left("locked") != nothing {
				t.Errorf("left are %s once it is free", p.left("locked"))
			}
		})
	}
}

// Nobody is deleted while a message is being stored: see keepPeople.
func TestAPersonWhoWritesAtThisMomentStays(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exchange("x", 100)
	tx, err := p.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared($1, 0)`, repository.PeopleLocks); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `
		INSERT INTO message (wamid, person_id, phone_number_id, kind, body, sent_at)
		SELECT 'new', id, 'N', 'text', '', now() FROM person`); err != nil {
		t.Fatal(err)
	}
	if _, err := repository.NewRetention(p.pool, repository.Ages{Messages: 90 * day}).Prune(t.Context(), noPause); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want it to give up for now", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	if prune(t, p.pool); p.left("x") != personOnly || p.left("new") != "0 0 1 0 0" {
		t.Errorf("left are %s and %s", p.left("x"), p.left("new"))
	}
}

func TestAPersonWhoIsGoneIsStoredAnew(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exchange("KE.1", 100)
	prune(t, p.pool)
	store(t, repository.NewInbox(p.pool), whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "", "a")}})
	if n := count(t, p.pool, `SELECT count(*) FROM message JOIN person ON person.id = person_id WHERE user_id = 'KE.1'`); n != 1 {
		t.Errorf("%d messages are theirs, want 1", n)
	}
}

// age lets a person be old, and a message of theirs be answered long ago.
func (p past) age(person, wamid string) error {
	_, err := p.pool.Exec(p.Context(), `
		WITH old AS (
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
			SELECT id, 'N', '', '', 0, 0, now() - interval '100 days' FROM person WHERE user_id = $1
			RETURNING id, person_id
		), answered AS (
			UPDATE message SET answer_id = old.id FROM old WHERE message.person_id = old.person_id AND wamid = $2
		)
		UPDATE person SET created_at = now() - interval '100 days' WHERE user_id = $1`, person, wamid)
	return err
}

// While persons come and go, every webhook is stored and no round fails.
func TestDeletionAndWebhooksDoNotFailEachOther(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	inbox := repository.NewInbox(p.pool)
	ctx, stop := context.WithCancel(t.Context())
	var pruning, writing sync.WaitGroup
	for range 2 {
		retention := repository.NewRetention(p.pool, repository.Ages{Messages: 90 * day})
		pruning.Go(func() {
			for ctx.Err() == nil {
				if _, err := retention.Prune(t.Context(), noPause); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for writer := range 4 {
		writing.Go(func() {
			for n := range 25 {
				person, wamid := fmt.Sprint("KE.", n%5), fmt.Sprint("w", writer, "-", n)
				if err := inbox.Store(t.Context(), whatsapp.Batch{Messages: []whatsapp.Message{text(wamid, person, "", "a")}}); err != nil {
					t.Error(err)
				}
				if err := p.age(person, wamid); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	stop()
	pruning.Wait()
	prune(t, p.pool)
	if n := count(t, p.pool, `SELECT (SELECT count(*) FROM person) + (SELECT count(*) FROM message)`); n != 0 {
		t.Errorf("%d persons and messages are left", n)
	}
}

func TestOneInstanceAtATimeDeletes(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exchange("x", 100)
	retention := repository.NewRetention(p.pool, repository.Ages{Messages: 90 * day})
	rounds := 0
	deleted, err := retention.Prune(t.Context(), func(context.Context, time.Duration) {
		rounds++
		if other, err := retention.Prune(t.Context(), noPause); err != nil || len(other) != 0 {
			t.Errorf("another instance deleted %v, %v", other, err)
		}
	})
	if err != nil || rounds == 0 || deleted["answer"] != 1 {
		t.Errorf("deleted %v in %d rounds, %v", deleted, rounds, err)
	}
	p.exchange("y", 100)
	if deleted := prune(t, p.pool); deleted["answer"] != 1 {
		t.Errorf("after it, another deleted %v", deleted)
	}
}

func TestAStopEndsADeletionAndGivesItsTurnBack(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.exec(`INSERT INTO kept_item (field, reason, raw, received_at) SELECT '', '', '', now() - interval '31 days' FROM generate_series(1, 3000)`)
	ctx, cancel := context.WithCancel(t.Context())
	deleted, err := repository.NewRetention(p.pool, repository.Ages{Webhooks: 30 * day}).
		Prune(ctx, func(context.Context, time.Duration) { cancel() })
	if err == nil || deleted["kept_item"] != 1000 {
		t.Errorf("deleted %v, %v, want one page", deleted, err)
	}
	if deleted := prune(t, p.pool); deleted["kept_item"] != 2000 {
		t.Errorf("the next round deleted %v", deleted)
	}
}
