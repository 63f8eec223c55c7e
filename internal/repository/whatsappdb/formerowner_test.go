package whatsappdb_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

const newNumber = "254700000003"

// sentAgo returns a webhook with one message that was sent that long ago and has a
// raw form, as Decode returns it.
func sentAgo(wamid string, who webhook.Identity, name string, ago time.Duration) webhook.Batch {
	message := textMessage(wamid, who, wamid)
	message.Sender.Name = sensitive.NewText(name)
	message.SentAt = time.Now().Add(-ago)
	message.SentHour = message.SentAt.UTC().Truncate(time.Hour)
	message.Raw = []byte("raw " + wamid)
	return messageBatch(message)
}

// withRaw gives the items the raw form that Decode returns.
func withRaw(batch webhook.Batch) webhook.Batch {
	for i := range batch.Messages {
		batch.Messages[i].Raw = []byte("raw " + batch.Messages[i].WAMID)
	}
	for i := range batch.Echoes {
		batch.Echoes[i].Raw = []byte("raw echo")
	}
	for i := range batch.Preferences {
		if batch.Preferences[i].WAMID == "" {
			batch.Preferences[i].Raw = []byte("raw preference")
		}
	}
	return batch
}

// A person got the number 500 seconds ago. What its former owner sent 800 seconds ago
// arrives late, and must neither change that person nor be answered on their phone.
func TestInbox_Store_LateItemOfFormerOwner(t *testing.T) {
	t.Parallel()
	type take struct {
		name    string
		batches []webhook.Batch
		owner   string // condition on the row of the new owner
	}
	const since, late = 500 * time.Second, 800 * time.Second
	amina := identity("KE.A", number)
	takes := []take{
		{"user_changed_number", []webhook.Batch{
			sentAgo("A1", amina, "Amina", time.Hour),
			{IdentityChanges: []webhook.IdentityChange{{From: amina, To: identity("", newNumber), At: time.Now().Add(-since)}}},
		}, `bsuid = 'KE.A'`},
		{"wrote_from_it", []webhook.Batch{
			sentAgo("A1", amina, "Amina", time.Hour), sentAgo("A2", identity("KE.A", newNumber), "Amina", since),
		}, `bsuid = 'KE.A'`},
		{"known_by_number_alone", []webhook.Batch{
			sentAgo("A1", identity("", number), "Amina", time.Hour),
			{IdentityChanges: []webhook.IdentityChange{{From: identity("", number), To: identity("", newNumber), At: time.Now().Add(-since)}}},
		}, `wa_id = '` + newNumber + `'`},
		{"new_person_took_it_from_another_one", []webhook.Batch{
			sentAgo("C1", identity("KE.C", newNumber), "Chebet", 2*time.Hour), sentAgo("A1", identity("KE.A", newNumber), "Amina", since),
		}, `bsuid = 'KE.A'`},
	}
	former := identity("", newNumber)
	lateAt := time.Now().Add(-late)
	const stopped = true
	for name, tt := range map[string]struct {
		stopped   bool // the owner has sent STOP before the item was sent
		item      webhook.Batch
		unhandled string // the raw items
	}{
		"start":      {stopped, withRaw(choiceBatch("start", former, false, lateAt)), "messages: raw start"},
		"stop":       {!stopped, withRaw(choiceBatch("stop", former, true, lateAt)), "messages: raw stop"},
		"resume":     {stopped, withRaw(preferenceBatch(former, false, lateAt)), "user_preferences: raw preference"},
		"stop_there": {!stopped, withRaw(preferenceBatch(former, true, lateAt)), "user_preferences: raw preference"},
		"message":    {!stopped, sentAgo("late", former, "FormerOwner", late), "messages: raw late"},
		"echo":       {!stopped, withRaw(webhook.Batch{Echoes: []webhook.Echo{{To: former, Pause: time.Hour, SentAt: lateAt}}}), "smb_message_echoes: raw echo"},
		"edit_to_stop": {!stopped, webhook.Batch{Preferences: []webhook.Preference{{
			Who: former, PhoneNumberID: "N", OptOut: true, At: lateAt, Confirmation: sensitive.NewText(stopConfirmed)}}}, ""},
	} {
		for _, take := range takes {
			t.Run(name+"/"+take.name, func(t *testing.T) {
				t.Parallel()
				pool := testdb.Open(t)
				inbox := whatsappdb.NewInbox(pool)
				for _, batch := range take.batches {
					mustStore(t, inbox, batch)
				}
				if tt.stopped {
					testdb.Exec(t, pool, `UPDATE person SET opted_out_at = now(), choice_at = now() - interval '1000 s' WHERE `+take.owner)
				}
				before := describeOwner(t, pool, take.owner)
				mustStore(t, inbox, tt.item)
				if diff := cmp.Diff(before, describeOwner(t, pool, take.owner)); diff != "" {
					t.Errorf("new owner of the number (-before +after):\n%s", diff)
				}
				const sql = `SELECT coalesce(string_agg(field || ': ' || convert_from(raw, 'UTF8'), ', '), '') FROM unhandled_item`
				if got := queryText(t, pool, sql); got != tt.unhandled {
					t.Errorf("unhandled items: got %q, want %q", got, tt.unhandled)
				}
				if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM answer_part`); got != 0 {
					t.Errorf("parts to send: got %d, want 0", got)
				}
			})
		}
	}
}

// describeOwner returns the person and the texts of their messages.
func describeOwner(t *testing.T, pool *pgxpool.Pool, condition string) string {
	t.Helper()
	return queryText(t, pool, `
		SELECT (SELECT person::text FROM person WHERE `+condition+`) || ' ' ||
		       coalesce((SELECT string_agg(body, ', ' ORDER BY id) FROM message
		                 WHERE answer_id IS NULL AND person_id = (SELECT id FROM person WHERE `+condition+`)), '')`)
}

// The former owner has a user id, so their late message is answered to that.
func TestInbox_Store_LateMessageOfFormerOwnerWithUserID(t *testing.T) {
	t.Parallel()
	moved := []webhook.Batch{
		sentAgo("A1", identity("KE.A", number), "Amina", time.Hour), sentAgo("A2", identity("KE.A", newNumber), "Amina", 500*time.Second),
	}
	known := sentAgo("B0", identity("KE.B", ""), "Baraka", 2*time.Hour)
	late := sentAgo("late", identity("KE.B", newNumber), "Baraka", 800*time.Second)
	var together webhook.Batch
	together.Append(moved[1])
	together.Append(late)
	for name, batches := range map[string][]webhook.Batch{
		"unknown_user_id":      {moved[0], moved[1], late},
		"known_user_id":        {known, moved[0], moved[1], late},
		"delivered_twice":      {moved[0], moved[1], late, late},
		"one_webhook":          {moved[0], together},
		"known_in_one_webhook": {known, moved[0], together},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			for _, batch := range batches {
				mustStore(t, whatsappdb.NewInbox(pool), batch)
			}
			for bsuid, want := range map[string]string{"KE.A": newNumber + " Amina A1 A2", "KE.B": "none Baraka late"} {
				got := queryText(t, pool, `
					SELECT concat_ws(' ', coalesce(wa_id, 'none'), name, (SELECT string_agg(wamid, ' ' ORDER BY wamid) FROM message WHERE person_id = person.id AND wamid <> 'B0'))
					FROM person WHERE bsuid = $1`, bsuid)
				if got != want {
					t.Errorf("%s: got %q, want %q", bsuid, got, want)
				}
			}
			if got := countPersons(t, pool); got != 2 {
				t.Errorf("persons: got %d, want 2", got)
			}
		})
	}
}

// One webhook brings the new owner's first message from the number and an older one
// without a user id.
func TestInbox_Store_FormerOwnerInOneWebhook(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	mustStore(t, inbox, sentAgo("A1", identity("KE.A", number), "Amina", time.Hour))
	batch := sentAgo("A2", identity("KE.A", newNumber), "Amina", 500*time.Second)
	batch.Append(sentAgo("late", identity("", newNumber), "FormerOwner", 800*time.Second))
	batch.Append(sentAgo("A3", identity("", newNumber), "Amina", 400*time.Second))
	mustStore(t, inbox, batch)
	got := queryText(t, pool, `SELECT string_agg(wamid, ' ' ORDER BY wamid) FROM message JOIN person ON person.id = person_id WHERE bsuid = 'KE.A' AND answer_id IS NULL`)
	if want := "A1 A2 A3"; got != want {
		t.Errorf("messages of the new owner: got %q, want %q", got, want)
	}
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM message WHERE wamid = 'late' AND answer_id IS NULL`); got != 0 {
		t.Errorf("messages of the former owner to answer: got %d, want 0", got)
	}
	if got, want := queryText(t, pool, `SELECT name FROM person WHERE bsuid = 'KE.A'`), "Amina"; got != want {
		t.Errorf("name of the new owner: got %q, want %q", got, want)
	}
}

// It is not known since when the person has the number, so an older message from it
// counts as theirs.
func TestInbox_Store_LateMessageFromTheOnlyNumber(t *testing.T) {
	t.Parallel()
	for name, who := range map[string]webhook.Identity{"by_number": identity("", number), "by_user_id": identity("KE.A", number)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			mustStore(t, inbox, sentAgo("second", who, "Amina", time.Minute))
			mustStore(t, inbox, sentAgo("first", identity("", number), "Amina", time.Hour))
			if got := len(mustDue(t, pool, onlyPersonID(t, pool)).Messages); got != 2 {
				t.Errorf("messages: got %d, want 2", got)
			}
		})
	}
}
