package whatsappdb_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
)

// A person is asked about an entry once, and only where they did not confirm it.
func TestConversations_Due_WaitlistEntry(t *testing.T) {
	t.Parallel()
	type listed struct{ Listed, UnconfirmedEntry bool }
	for name, tt := range map[string]struct {
		entry, person string // SQL after the person wrote
		want          listed
	}{
		"no_entry":                         {`SELECT 1`, `SELECT 1`, listed{}},
		"unverified_entry":                 {`INSERT INTO waitlist_entry (username, phone_number) VALUES ('x', '+254700000001')`, `SELECT 1`, listed{Listed: true, UnconfirmedEntry: true}},
		"verified_entry":                   {`INSERT INTO waitlist_entry (username, phone_number, verified_at) VALUES ('x', '+254700000001', now())`, `SELECT 1`, listed{Listed: true}},
		"removed_entry":                    {`INSERT INTO waitlist_entry (username, phone_number, verified_at, status) VALUES ('x', '+254700000001', now(), 'removed')`, `SELECT 1`, listed{}},
		"removed_unverified_entry":         {`INSERT INTO waitlist_entry (username, phone_number, status) VALUES ('x', '+254700000001', 'removed')`, `SELECT 1`, listed{}},
		"entry_of_another_number":          {`INSERT INTO waitlist_entry (username, phone_number) VALUES ('x', '+254700000002')`, `SELECT 1`, listed{}},
		"asked_before":                     {`INSERT INTO waitlist_entry (username, phone_number) VALUES ('x', '+254700000001')`, `UPDATE person SET join_offered_at = now()`, listed{Listed: true}},
		"offered_to_join_before_the_entry": {`INSERT INTO waitlist_entry (username, phone_number) VALUES ('x', '+254700000001')`, `UPDATE person SET join_offered_at = now() - interval '1 day'`, listed{Listed: true, UnconfirmedEntry: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage("w", identity("", number), "Habari")))
			testdb.Exec(t, pool, tt.entry)
			testdb.Exec(t, pool, tt.person)
			person := mustDue(t, pool, onlyPersonID(t, pool)).Person
			if diff := cmp.Diff(tt.want, listed{Listed: person.Listed, UnconfirmedEntry: person.UnconfirmedEntry}); diff != "" {
				t.Errorf("on the list (-want +got):\n%s", diff)
			}
		})
	}
}
