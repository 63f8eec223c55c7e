package repository_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"aisha/internal/check/testdb"
	"aisha/internal/job"
	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func TestAQueuedReplyIsWhatTheQueueItselfWouldInsert(t *testing.T) {
	t.Parallel()
	pool := open(t)
	store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "", "a")}})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	person := int64(count(t, pool, `SELECT id FROM person`))
	if _, err := client.Insert(t.Context(), job.Reply{PersonID: person}, nil); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `
		SELECT to_jsonb(river_job) - ARRAY ['id', 'created_at', 'scheduled_at'] FROM river_job ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	queued, err := pgx.CollectRows(rows, pgx.RowTo[map[string]any])
	if err != nil || len(queued) != 2 {
		t.Fatalf("got %v, %v", queued, err)
	}
	if !reflect.DeepEqual(queued[0], queued[1]) {
		t.Errorf("ours:    %v\ntheirs:  %v", queued[0], queued[1])
	}
}

func TestTheWorkersAreWokenForNewWorkAlone(t *testing.T) {
	t.Parallel()
	pool := open(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil {
		t.Fatal(err)
	}
	inbox := repository.NewInbox(pool)
	batch := whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "", "a")}}
	store(t, inbox, batch)
	woken, err := conn.Conn().WaitForNotification(t.Context())
	if err != nil || woken.Payload != `{"queue": "default"}` {
		t.Fatalf("got %+v, %v", woken, err)
	}
	store(t, inbox, batch) // nothing in it is new
	if _, err := conn.Exec(t.Context(), `SELECT pg_notify('public.river_insert', 'the end')`); err != nil {
		t.Fatal(err)
	}
	if woken, err = conn.Conn().WaitForNotification(t.Context()); err != nil || woken.Payload != "the end" {
		t.Errorf("what is known already woke the workers: %+v, %v", woken, err)
	}
}

// What is acknowledged is on the disk by then; what the queue notes of its own
// jobs may follow. Whether all else waits is the server's to say.
func TestOnlyTheQueueDoesNotWaitForTheDisk(t *testing.T) {
	t.Parallel()
	url := sensitive.NewSecret(testdb.New(t))
	for name, tt := range map[string]struct {
		open func(context.Context, sensitive.Secret) (*pgxpool.Pool, error)
		want int
	}{"the queue's": {repository.OpenForQueue, 1}, "all else's": {repository.Open, 0}} {
		pool, err := tt.open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if n := count(t, pool, `
			SELECT count(*) FROM pg_settings
			WHERE name = 'synchronous_commit' AND source = 'client' AND setting = 'off'`); n != tt.want {
			t.Errorf("%s connections are told %d times not to wait", name, n)
		}
	}
}
