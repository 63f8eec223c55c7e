package waitlistdb

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// stored is what a sign-up has left in the tables.
type stored struct {
	ID       int64
	Source   *string
	Referrer *int64
	State    *string // of the referral
	Consent  *string // purpose, version, channel and source of the only consent
}

func readStored(t *testing.T, pool *pgxpool.Pool) []stored {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT entry.id, entry.source, referrer_id, state,
		       purpose || ' ' || coalesce(text_version, '-') || ' ' || channel || ' ' || coalesce(consent.source, '-')
		FROM waitlist_entry AS entry
		LEFT JOIN referral ON referee_id = entry.id
		LEFT JOIN consent ON entry_id = entry.id
		ORDER BY entry.id`)
	if err != nil {
		t.Fatalf("read the tables: %v", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
	if err != nil {
		t.Fatalf("read the tables: %v", err)
	}
	return all
}

func ptr[T any](value T) *T { return &value }

func number(n int) string { return fmt.Sprintf("+2547120%05d", n) }

// signUp adds entries one after the other.
func signUp(t *testing.T, entries *Entries, all ...waitlist.NewEntry) {
	t.Helper()
	for _, entry := range all {
		if _, err := entries.Add(t.Context(), entry); err != nil {
			t.Fatalf("Add(%s): %v", entry.PhoneNumber.Reveal(), err)
		}
	}
}

// referred returns an entry that signs up with the code of the referrer.
func referred(n int, referrer int64) waitlist.NewEntry {
	entry := newEntry("x", number(n))
	entry.ReferrerID = referrer
	return entry
}

func TestEntries_Add_OptionalMembers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		entry waitlist.NewEntry
		want  stored
	}{
		"plain":   {waitlist.NewEntry{}, stored{}},
		"source":  {waitlist.NewEntry{Source: "radio"}, stored{Source: ptr("radio")}},
		"consent": {waitlist.NewEntry{ConsentVersion: "v1"}, stored{Consent: ptr("list v1 web -")}},
		"referral": {
			waitlist.NewEntry{ReferrerID: 1},
			stored{Referrer: ptr(int64(1)), State: ptr("pending")},
		},
		"all": {
			waitlist.NewEntry{Source: "radio", ReferrerID: 1, ConsentVersion: "v1"},
			stored{Source: ptr("radio"), Referrer: ptr(int64(1)), State: ptr("pending"), Consent: ptr("list v1 web radio")},
		},
		"unknown_referrer":           {waitlist.NewEntry{ReferrerID: 1 << 39}, stored{}},
		"next_id_as_referrer":        {waitlist.NewEntry{ReferrerID: 3}, stored{}},
		"removed_referrer":           {waitlist.NewEntry{ReferrerID: 2}, stored{}},
		"consent_and_removed_refers": {waitlist.NewEntry{ReferrerID: 2, ConsentVersion: "v1"}, stored{Consent: ptr("list v1 web -")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			entries := NewEntries(pool)
			signUp(t, entries, newEntry("referrer", number(1)), newEntry("removed", number(2)))
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'removed', removed_at = now() WHERE id = 2`)

			tt.entry.Username, tt.entry.PhoneNumber = sensitive.NewText("x"), sensitive.NewPhone(number(3))
			tt.want.ID = 3
			signUp(t, entries, tt.entry)
			if diff := cmp.Diff(tt.want, readStored(t, pool)[2]); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			before := readStored(t, pool)
			again := tt.entry
			again.Source, again.ReferrerID, again.ConsentVersion = "tv", 1, "v2"
			signUp(t, entries, again)
			if diff := cmp.Diff(before, readStored(t, pool)); diff != "" {
				t.Errorf("a duplicate has changed something (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEntries_Add_OwnCode(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries := NewEntries(pool)
	signUp(t, entries, newEntry("x", number(1)), referred(1, 1))
	if diff := cmp.Diff([]stored{{ID: 1}}, readStored(t, pool)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestEntries_addAll_MixedBatch(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries := NewEntries(pool)
	signUp(t, entries, newEntry("referrer", number(1)), newEntry("another", number(2)))

	withSource, withConsent := newEntry("x", number(4)), newEntry("x", number(6))
	withSource.Source, withConsent.ConsentVersion = "radio", "v1"
	second := referred(3, 2) // the same number: the first one counts
	second.Source, second.ConsentVersion = "tv", "v2"
	got, err := entries.addAll(t.Context(), []waitlist.NewEntry{
		referred(3, 1), second, withSource,
		referred(5, 5), // the code of an entry that this batch adds
		withConsent, newEntry("plain", number(7)), newEntry("duplicate", number(2)),
	})
	if err != nil {
		t.Fatalf("addAll: %v", err)
	}
	if diff := cmp.Diff([]waitlist.Added{{ID: 3}, {ID: 3}, {ID: 4}, {ID: 5}, {ID: 6}, {ID: 7}, {ID: 2}}, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	want := []stored{
		{ID: 1}, {ID: 2}, {ID: 3, Referrer: ptr(int64(1)), State: ptr("pending")}, {ID: 4, Source: ptr("radio")}, {ID: 5},
		{ID: 6, Consent: ptr("list v1 web -")}, {ID: 7},
	}
	if diff := cmp.Diff(want, readStored(t, pool)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestEntries_Add_sharedCommitOfReferrals(t *testing.T) {
	t.Parallel()
	const others = 20
	pool := testdb.Open(t)
	entries := NewEntries(pool)
	signUp(t, entries, newEntry("referrer", number(99)))
	release := blockInserts(t, pool)
	var group sync.WaitGroup
	add := func(entry waitlist.NewEntry, wantErr bool) {
		group.Go(func() {
			_, err := entries.Add(t.Context(), entry)
			if wantErr != (err != nil) || fault.Is(err, fault.Unavailable) {
				t.Errorf("Add(%s): got error %v, want an error: %t", entry.PhoneNumber.Reveal(), err, wantErr)
			}
		})
	}
	add(newEntry("first", number(others)), false)
	awaitBlockedInsert(t, pool)
	bad := referred(others+1, 1)
	bad.ConsentVersion = "\x00" // PostgreSQL cannot store it
	add(bad, true)
	for n := range others {
		if n%2 == 0 {
			add(newEntry("plain", number(n)), false)
		} else {
			add(referred(n, 1), false)
		}
	}
	await(t, "all wait for the next commit", func() bool { return entries.adds.Waiting() == others+1 })
	release()
	group.Wait()
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry`); n != 2+others {
		t.Errorf("%d entries are stored, want %d", n, 2+others)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM referral WHERE referrer_id = 1 AND state = 'pending'`); n != others/2 {
		t.Errorf("%d referrals are stored, want %d", n, others/2)
	}
}

// statements counts what a pool sends.
type statements struct{ batches, inBatches, others int }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.others++
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	s.batches++
	return ctx
}

func (s *statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	s.inBatches++
}

func (s *statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// A sign-up is the most frequent request, so it takes one round trip.
func TestEntries_Add_RoundTrips(t *testing.T) {
	t.Parallel()
	sent := &statements{}
	config := testdb.Open(t).Config()
	config.ConnConfig.Tracer = sent
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("open a pool with a tracer: %v", err)
	}
	t.Cleanup(pool.Close)
	entries := NewEntries(pool)
	withAll := referred(3, 1)
	withAll.Source, withAll.ConsentVersion = "radio", "v1"
	for _, tt := range []struct {
		name  string
		entry waitlist.NewEntry
		want  statements
	}{
		{"plain", newEntry("x", number(1)), statements{batches: 1, inBatches: 2}},
		{"another_plain", newEntry("x", number(2)), statements{batches: 1, inBatches: 2}},
		{"duplicate", newEntry("x", number(2)), statements{batches: 1, inBatches: 2, others: 1}},
		{"with_all_members", withAll, statements{batches: 1, inBatches: 2}},
	} {
		*sent = statements{}
		signUp(t, entries, tt.entry)
		if *sent != tt.want {
			t.Errorf("%s: sent %+v, want %+v", tt.name, *sent, tt.want)
		}
	}
	*sent = statements{}
	if err := entries.Verify(t.Context(), sensitive.NewPhone(number(3)), sensitive.Text{}, testRules()); err != nil {
		t.Fatalf("Verify: %v", err)
	}
	if sent.batches != 1 || sent.others != 0 {
		t.Errorf("Verify: sent %+v, want one batch", *sent)
	}
}
