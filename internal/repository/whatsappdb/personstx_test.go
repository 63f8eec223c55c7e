package whatsappdb_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/service/whatsapp/webhook"
)

// What a suspended instance may hold. $1 is postgres.LockPersons.
const (
	holdSharedLock = `SELECT pg_advisory_xact_lock_shared($1::int, 0)`
	holdPersonRow  = `SELECT $1::int FROM person WHERE wa_id = '254700000001' FOR UPDATE`
)

// beginSuspended begins a transaction of an instance that is suspended with a
// lock. PostgreSQL would end such a transaction after a while; the test rolls it
// back before that.
func beginSuspended(t *testing.T, pool *pgxpool.Pool, lock string) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if _, err := tx.Exec(t.Context(), lock, postgres.LockPersons); err != nil {
		t.Fatalf("lock: %v", err)
	}
	return tx
}

// A merge has to wait for a suspended instance. The messages of other persons are
// stored in that time, by every instance.
func TestInbox_Store_DuringSuspendedInstance(t *testing.T) {
	t.Parallel()
	merging := messageBatch(textMessage("c", identity("KE.A", "254700000001"), "c"))
	for name, tt := range map[string]struct {
		lock  string
		event webhook.Batch
	}{
		"identity_change_waits_for_shared_lock": {holdSharedLock, webhook.Batch{
			IdentityChanges: []webhook.IdentityChange{{From: identity("KE.A", ""), To: identity("KE.B", "")}}}},
		"merge_waits_for_shared_lock": {holdSharedLock, merging},
		"merge_waits_for_person_row":  {holdPersonRow, merging},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			first, second := whatsappdb.NewInbox(pool), whatsappdb.NewInbox(pool)
			mustStore(t, first, messageBatch(textMessage("a", identity("KE.A", ""), "a")))
			mustStore(t, first, messageBatch(textMessage("b", identity("", "254700000001"), "b")))
			suspended := beginSuspended(t, pool, tt.lock)
			stored := make(chan error, 1)
			timeEvents(tt.event)
			go func() { stored <- first.Store(context.WithoutCancel(t.Context()), tt.event) }()
			for k := range 20 {
				for i, inbox := range []*whatsappdb.Inbox{first, second} {
					id := fmt.Sprint(k, "-", i)
					mustStore(t, inbox, messageBatch(textMessage(id, identity("KE."+id, ""), "x")))
				}
			}
			if err := suspended.Rollback(t.Context()); err != nil {
				t.Fatalf("rollback: %v", err)
			}
			if err := <-stored; err != nil {
				t.Errorf("Store of the waiting webhook: got error %v, want nil", err)
			}
		})
	}
}
