package repository_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/migrations"
)

func TestSeveralInstancesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	var group sync.WaitGroup
	for range 4 {
		pool := connect(t, url)
		group.Go(func() {
			if err := repository.Migrate(t.Context(), pool); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count(t, connect(t, url), `SELECT count(*) FROM waiting_list`); n != 0 {
		t.Errorf("a new waiting list has %d entries", n)
	}
}

func TestNothingIsLostWhenTheLastMigrationsAreUndoneAndDoneAgain(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	s.sentOnce()
	copied := whatsapp.Batch{Messages: []whatsapp.Message{text("copied", "KE.2", "", "a")}}
	store(t, repository.NewInbox(s.pool), copied)
	db := stdlib.OpenDBFromPool(s.pool)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	store(t, repository.NewInbox(s.pool), copied)
	if n := count(t, s.pool, `SELECT count(*) FROM message WHERE wamid = 'copied'`); n != 1 {
		t.Errorf("a copy of a message is there %d times", n)
	}
	if n := count(t, s.pool, `SELECT count(*) FROM quota WHERE full_at > now()`); n != 1 {
		t.Errorf("%d persons have a quota", n)
	}
}

func TestADatabaseOutOfReachIsUnavailable(t *testing.T) {
	t.Parallel()
	// A port that was just free: nobody answers there.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	pool := connect(t, "postgres://x:secret-password@"+address+"/x?sslmode=disable")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, err := range map[string]error{
		"migrate": repository.Migrate(ctx, pool),
		"ready":   repository.Ready(ctx, pool),
		"locks":   repository.NewLocks(pool, "i").Announce(ctx),
	} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: got %v, want unavailable", name, err)
		}
	}
}

// A standby answers reads and grants advisory locks, so it must not be mistaken
// for the primary by any of the connections.
func TestAServerThatTakesNoWritesIsNotUsed(t *testing.T) {
	t.Parallel()
	pool := connect(t, testdb.New(t)+"&default_transaction_read_only=on")
	for name, err := range map[string]error{
		"ready": repository.Ready(t.Context(), pool),
		"locks": repository.NewLocks(pool, "i").Announce(t.Context()),
	} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: got %v, want unavailable", name, err)
		}
	}
}

func TestAWrongURLIsNotRepeated(t *testing.T) {
	t.Parallel()
	_, err := repository.Open(t.Context(), sensitive.NewSecret("postgres://user:hunter2@host:port/x"))
	if err == nil {
		t.Fatal("a wrong URL was taken")
	}
	if text := err.Error(); len(text) > 100 {
		t.Errorf("the error says too much: %s", text)
	}
}
