package whatsappdb_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

const number, otherNumber = "254700000001", "254700000002"

// earlierOwner stores a person who wrote a day ago: an answered message, an unsent
// answer, an unanswered message, an opt-out and a pause.
func earlierOwner(t *testing.T, pool *pgxpool.Pool, who webhook.Identity) (personID int64) {
	t.Helper()
	who.Name = sensitive.NewText("Earlier")
	inbox := whatsappdb.NewInbox(pool)
	store := func(wamid, body string) {
		message := textMessage(wamid, who, body)
		message.SentAt = time.Now().Add(-day)
		mustStore(t, inbox, messageBatch(message))
	}
	store("earlier 1", "a secret")
	personID = int64(testdb.QueryInt(t, pool, `SELECT person_id FROM message WHERE wamid = 'earlier 1'`))
	mustSaveAnswer(t, pool, whatsapp.Answer{
		PersonID:      personID,
		PhoneNumberID: "N",
		MessageIDs:    []int64{mustDue(t, pool, personID).Messages[0].ID},
		Completion:    whatsapp.Completion{Text: sensitive.NewText("an answer to a secret"), Model: "m"},
		Parts:         []whatsapp.NewPart{{Body: sensitive.NewText("an answer to a secret")}},
	})
	store("earlier 2", "another secret")
	testdb.Exec(t, pool, `
		UPDATE person
		SET opted_out_at = now(), choice_at = now(), paused_until = now() + interval '1 hour'
		WHERE id = $1`, personID)
	backdatePersons(t, pool)
	return personID
}

// passed is what passed from the earlier owner of a number to its next owner.
type passed struct {
	History, Parts, Messages int
	OptedOut, Paused         bool
	QuotedText               string
}

// backdatePersons makes each person as old as their first message.
func backdatePersons(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	testdb.Exec(t, pool, `
		UPDATE person SET created_at = first.sent_at
		FROM (SELECT person_id, min(sent_at) AS sent_at FROM message GROUP BY 1) AS first
		WHERE person_id = person.id`)
}

// readPassed stores a message of the next owner, which quotes the earlier one's.
func readPassed(t *testing.T, pool *pgxpool.Pool, next webhook.Identity) (passed, int64) {
	t.Helper()
	message := textMessage("next", next, "Habari")
	message.QuotedWAMID = "earlier 1"
	mustStore(t, whatsappdb.NewInbox(pool), messageBatch(message))
	personID := int64(testdb.QueryInt(t, pool, `SELECT person_id FROM message WHERE wamid = 'next'`))
	due := mustDue(t, pool, personID)
	return passed{
		History:    len(due.History),
		Parts:      len(due.Parts),
		Messages:   len(due.Messages) - 1,
		OptedOut:   due.Person.OptedOut,
		Paused:     due.Person.Paused,
		QuotedText: due.Messages[len(due.Messages)-1].QuotedText.Reveal(),
	}, personID
}

// In each case the number passes from one person to another in a way of its own,
// and then its next owner writes.
func TestInbox_Store_NumberPassesToAnotherPerson(t *testing.T) {
	t.Parallel()
	changed := func(from, to webhook.Identity) webhook.Batch {
		return webhook.Batch{IdentityChanges: []webhook.IdentityChange{{From: from, To: to, At: time.Now().Add(-time.Minute)}}}
	}
	wrote := func(who webhook.Identity) webhook.Batch {
		message := textMessage("moved", who, "I have a new number")
		message.SentAt = time.Now().Add(-2 * time.Hour)
		return messageBatch(message)
	}
	for name, tt := range map[string]struct {
		earlier webhook.Identity
		before  []webhook.Batch // webhooks before the next owner writes
		next    webhook.Identity
		left    int // what the earlier owner still gets: unsent parts and unanswered messages
	}{
		"new_user_id_with_the_number_of_another": {identity("KE.1", number), nil, identity("KE.2", number), 2},
		"changed_to_a_number_known_by_number_alone": {
			identity("", number), []webhook.Batch{wrote(identity("KE.2", otherNumber)), changed(identity("KE.2", otherNumber), identity("KE.2", number))},
			identity("KE.2", number), 0},
		"both_known_by_number_alone": {
			identity("", number), []webhook.Batch{wrote(identity("", otherNumber)), changed(identity("", otherNumber), identity("", number))},
			identity("", number), 0},
		"changed_to_the_number_of_a_user_id": {
			identity("KE.1", number), []webhook.Batch{wrote(identity("", otherNumber)), changed(identity("", otherNumber), identity("", number))},
			identity("", number), 2},
		"changed_by_a_person_who_never_wrote": {
			identity("", number), []webhook.Batch{changed(identity("", otherNumber), identity("", number))}, identity("", number), 0},
		"writer_with_another_number_until_now": {
			identity("", number), []webhook.Batch{wrote(identity("KE.2", otherNumber))}, identity("KE.2", number), 0},
		"earlier_owner_moved_away": {
			identity("KE.1", number), []webhook.Batch{changed(identity("KE.1", number), identity("KE.1", otherNumber))}, identity("", number), 2},
		"earlier_owner_moved_away_and_the_next_has_a_user_id": {
			identity("KE.1", number), []webhook.Batch{changed(identity("KE.1", number), identity("KE.1", otherNumber))}, identity("KE.2", number), 2},
		"earlier_owner_without_user_id_moved_away": {
			identity("", number), []webhook.Batch{changed(identity("", number), identity("", otherNumber))}, identity("", number), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			earlierID := earlierOwner(t, pool, tt.earlier)
			unanswered := 0
			for _, batch := range tt.before {
				mustStore(t, whatsappdb.NewInbox(pool), batch)
				backdatePersons(t, pool)
				unanswered += len(batch.Messages) // those of the next owner
			}
			got, nextID := readPassed(t, pool, tt.next)
			if diff := cmp.Diff(passed{Messages: unanswered}, got); diff != "" {
				t.Errorf("passed to the next owner (-want +got):\n%s", diff)
			}
			if nextID == earlierID {
				t.Error("person of the next owner: got that of the earlier one")
			}
			earlier := mustDue(t, pool, earlierID)
			if got := len(earlier.Parts) + len(earlier.Messages); got != tt.left {
				t.Errorf("what the earlier owner still gets: got %d parts and messages, want %d", got, tt.left)
			}
			if got := earlier.Person.WaID.Reveal(); got == number {
				t.Errorf("number of the earlier owner: got %s, want another one or none", got)
			}
		})
	}
}

// The next owner of a number has their own name.
func TestInbox_Store_NameIsNotInherited(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	earlierID := earlierOwner(t, pool, identity("", number))
	readPassed(t, pool, identity("KE.2", number))
	if got, want := queryText(t, pool, `SELECT name FROM person WHERE id = $1`, earlierID), "Wanjiru"; got != want {
		t.Errorf("name of a person who has a user id now: got %q, want %q", got, want)
	}
}

// Which of two owners of a number is meant shows in the time of the change.
func TestInbox_Store_IdentityChange_Time(t *testing.T) {
	t.Parallel()
	now := time.Now()
	change := func(at time.Time) webhook.Batch {
		return webhook.Batch{IdentityChanges: []webhook.IdentityChange{{From: identity("", number), To: identity("", otherNumber), At: at}}}
	}
	message := func(wamid, waID string, sentAt time.Time) webhook.Batch {
		m := textMessage(wamid, identity("", waID), wamid)
		m.SentAt = sentAt
		return messageBatch(m)
	}
	for name, tt := range map[string]struct {
		batches []webhook.Batch
		want    string // number and messages of each person
	}{
		"person_wrote_from_the_new_number_before_the_change_arrived": {[]webhook.Batch{
			message("old", number, now.Add(-2*time.Hour)), message("new", otherNumber, now.Add(-time.Minute)), change(now.Add(-30 * time.Minute)),
		}, otherNumber + ": new old"},
		"earlier_owner_wrote_long_ago_and_the_new_one_since_the_change": {[]webhook.Batch{
			message("old", number, now.Add(-2*day)), message("other", otherNumber, now.Add(-day)),
			message("new", otherNumber, now.Add(-time.Minute)), change(now.Add(-30 * time.Minute)),
		}, "none: other, " + otherNumber + ": new old"},
		"change_is_delivered_again": {[]webhook.Batch{
			message("old", number, now.Add(-2*day)), change(now.Add(-time.Hour)), change(now.Add(-time.Hour)),
		}, otherNumber + ": old"},
		"change_is_delivered_again_after_a_stranger_got_the_number": {[]webhook.Batch{
			message("old", number, now.Add(-2*day)), change(now.Add(-time.Hour)), message("stranger", number, now), change(now.Add(-time.Hour)),
		}, number + ": stranger, " + otherNumber + ": old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			for _, batch := range tt.batches {
				mustStore(t, inbox, batch)
				backdatePersons(t, pool)
			}
			got := queryText(t, pool, `
				SELECT string_agg(coalesce(wa_id, 'none') || ': ' || wamids, ', ' ORDER BY wa_id NULLS FIRST)
				FROM person JOIN (SELECT person_id, string_agg(wamid, ' ' ORDER BY wamid) AS wamids FROM message GROUP BY 1) AS m ON person_id = person.id`)
			if got != tt.want {
				t.Errorf("persons and their messages: got %q, want %q", got, tt.want)
			}
		})
	}
}

// Two rows of one person are merged. The newest of their choices counts.
func TestInbox_Store_MergeKeepsNewestChoice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		byUserID, byNumber string // opted_out_at and choice_at
		want               bool
	}{
		"opt_out_is_newer":           {`NULL, now() - interval '1 hour'`, `now(), now()`, true},
		"opt_in_is_newer":            {`NULL, now()`, `now(), now() - interval '1 hour'`, false},
		"opt_in_of_the_number":       {`now(), now() - interval '1 hour'`, `NULL, now()`, false},
		"opt_out_in_the_same_second": {`NULL, date_trunc('second', now())`, `now(), date_trunc('second', now())`, true},
		"only_one_chose":             {`NULL, NULL`, `now(), now()`, true},
		"of_an_earlier_version":      {`now(), NULL`, `NULL, now() - interval '1 day'`, true},
		"none_was_made":              {`NULL, NULL`, `NULL, NULL`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			testdb.Exec(t, pool, `INSERT INTO person (bsuid, opted_out_at, choice_at) VALUES ('KE.1', `+tt.byUserID+`)`)
			testdb.Exec(t, pool, `INSERT INTO person (wa_id, opted_out_at, choice_at) VALUES ('254700000001', `+tt.byNumber+`)`)
			mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage("w", identity("KE.1", number), "x")))
			if got := mustDue(t, pool, onlyPersonID(t, pool)).Person.OptedOut; got != tt.want {
				t.Errorf("opted out: got %t, want %t", got, tt.want)
			}
		})
	}
}
