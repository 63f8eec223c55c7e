package whatsappdb_test

import (
	"strings"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// A person has the name that Meta sent last.
func TestInbox_Store_NewName(t *testing.T) {
	t.Parallel()
	named := func(wamid, name string) webhook.Batch {
		message := textMessage(wamid, identity("KE.1", number), "x")
		message.Sender.Name = sensitive.NewText(name)
		return messageBatch(message)
	}
	for name, tt := range map[string]struct {
		batches []webhook.Batch
		want    string
	}{
		"first_message_has_no_name": {[]webhook.Batch{named("a", ""), named("b", "Amina")}, "Amina"},
		"person_has_a_new_name":     {[]webhook.Batch{named("a", "Old"), named("b", "Amina")}, "Amina"},
		"echo_comes_first":          {[]webhook.Batch{{Echoes: []webhook.Echo{{To: identity("", number)}}}, named("b", "Amina")}, "Amina"},
		"later_message_has_no_name": {[]webhook.Batch{named("a", "Amina"), named("b", "")}, "Amina"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			for _, batch := range tt.batches {
				mustStore(t, whatsappdb.NewInbox(pool), batch)
			}
			if got := mustDue(t, pool, onlyPersonID(t, pool)).Person.Name.Reveal(); got != tt.want {
				t.Errorf("name: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestInbox_Store_UserIDInOtherCase(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	stop := choiceBatch("stop", identity("KE.ENT.777", number), true, time.Now().Add(-time.Minute))
	mustStore(t, inbox, stop)
	for wamid, who := range map[string]webhook.Identity{
		"a": identity("KE.ent.777", number), "b": identity("ke.ent.777", ""), "c": identity("KE.ENT.777", otherNumber),
	} {
		mustStore(t, inbox, messageBatch(textMessage(wamid, who, "x")))
	}
	person := mustDue(t, pool, onlyPersonID(t, pool)).Person
	if !person.OptedOut {
		t.Error("opted out: got false, want true")
	}
	if person.BSUID != "KE.ENT.777" {
		t.Errorf("user id: got %q, want KE.ENT.777", person.BSUID)
	}
}

func TestInbox_Store_UserIDUsesIndex(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	rows, err := pool.Query(t.Context(), `EXPLAIN SELECT id FROM person WHERE lower(bsuid COLLATE "C") = ANY ('{a,b}') OR wa_id = ANY ('{1,2}')`)
	if err != nil {
		t.Fatalf("explain: %v", err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatalf("scan: %v", err)
		}
		plan.WriteString(line + "\n")
	}
	if got := plan.String(); !strings.Contains(got, "person_bsuid_key") || strings.Contains(got, "Seq Scan") {
		t.Errorf("plan: got\n%swant a lookup in person_bsuid_key", got)
	}
}

// Meta delivers after an outage what happened before a person changed their number
// together with the change.
func TestInbox_Store_StopBeforeLateNumberChange(t *testing.T) {
	t.Parallel()
	now := time.Now()
	message := func(wamid string, who webhook.Identity, ago time.Duration) webhook.Batch {
		m := textMessage(wamid, who, wamid)
		m.SentAt = now.Add(-ago)
		return messageBatch(m)
	}
	change := webhook.Batch{IdentityChanges: []webhook.IdentityChange{{
		From: identity("", number), To: identity("", otherNumber), At: now.Add(-100 * time.Second),
	}}}
	for name, who := range map[string]webhook.Identity{"by_number": identity("", number), "by_user_id": identity("KE.1", number)} {
		batches := []webhook.Batch{
			message("hi", who, 300*time.Second), choiceBatch("stop", who, true, now.Add(-200*time.Second)),
			change, message("question", identity("", otherNumber), 50*time.Second),
		}
		var all webhook.Batch
		for _, batch := range batches {
			all.Append(batch)
		}
		inOrder := append([]webhook.Batch{}, batches...)
		withEcho := append([]webhook.Batch{{Echoes: []webhook.Echo{{To: who}}}}, batches...)
		userIDFirst := append([]webhook.Batch{message("first", identity(who.BSUID, ""), 400*time.Second)}, batches...)
		for order, batches := range map[string][]webhook.Batch{
			"one_webhook": {all}, "four_webhooks": inOrder, "after_an_echo": withEcho, "number_arrives_later": userIDFirst,
		} {
			if who.BSUID == "" && order == "number_arrives_later" {
				continue
			}
			t.Run(name+"/"+order, func(t *testing.T) {
				t.Parallel()
				pool := testdb.Open(t)
				for _, batch := range batches {
					mustStore(t, whatsappdb.NewInbox(pool), batch)
				}
				person := mustDue(t, pool, onlyPersonID(t, pool)).Person
				if !person.OptedOut || person.WaID.Reveal() != otherNumber {
					t.Errorf("person: got opted out %t with number %s, want true with %s", person.OptedOut, person.WaID.Reveal(), otherNumber)
				}
			})
		}
	}
}

// Only the sender of a message can change it, whichever of the two arrives first.
func TestInbox_Store_ChangeBySender(t *testing.T) {
	t.Parallel()
	owner := identity("KE.1", number)
	for name, tt := range map[string]struct {
		sender webhook.Identity
		want   string
	}{
		"same_person":                {owner, "new"},
		"user_id_in_other_case":      {identity("ke.1", ""), "new"},
		"number_alone":               {identity("", number), "new"},
		"user_id_with_other_number":  {identity("KE.1", otherNumber), "new"},
		"unknown":                    {identity("", ""), "new"},
		"other_user_id":              {identity("KE.2", ""), "old"},
		"other_number":               {identity("", otherNumber), "old"},
		"other_user_id_with_number":  {identity("KE.2", number), "old"},
		"other_user_id_other_number": {identity("KE.2", otherNumber), "old"},
	} {
		edit, revoke := editBatch("w1", "new"), revokeBatch("w1")
		edit.Edits[0].Sender, revoke.Revokes[0].Sender = tt.sender, tt.sender
		message := messageBatch(textMessage("w1", owner, "old"))
		for order, batches := range map[string][]webhook.Batch{"edit_first": {edit, message}, "edit_second": {message, edit}} {
			t.Run(name+"/"+order, func(t *testing.T) {
				t.Parallel()
				pool := testdb.Open(t)
				for _, batch := range batches {
					mustStore(t, whatsappdb.NewInbox(pool), batch)
				}
				if got := onlyUnanswered(t, pool).Text.Reveal(); got != tt.want {
					t.Errorf("text: got %q, want %q", got, tt.want)
				}
			})
		}
		t.Run(name+"/revocation", func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			mustStore(t, whatsappdb.NewInbox(pool), message)
			mustStore(t, whatsappdb.NewInbox(pool), revoke)
			if got, want := onlyUnanswered(t, pool).Revoked, tt.want == "new"; got != want {
				t.Errorf("revoked: got %t, want %t", got, want)
			}
		})
	}
}

// Meta repeats a webhook for days. A person who has another number since then keeps
// it, and the new owner of the earlier one keeps theirs.
func TestInbox_Store_LateMessageFromAnEarlierNumber(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	at := func(wamid string, who webhook.Identity, age time.Duration) webhook.Batch {
		message := textMessage(wamid, who, wamid)
		message.SentAt = time.Now().Add(-age)
		return messageBatch(message)
	}
	mustStore(t, inbox, at("first", identity("KE.1", number), time.Hour))
	mustStore(t, inbox, at("moved", identity("KE.1", otherNumber), 30*time.Minute))
	mustStore(t, inbox, at("stranger", identity("", number), 20*time.Minute))
	mustStore(t, inbox, at("late", identity("KE.1", number), 40*time.Minute))
	for who, want := range map[string]string{"bsuid = 'KE.1'": otherNumber, "bsuid IS NULL": number} {
		if got := queryText(t, pool, `SELECT coalesce(wa_id, 'none') FROM person WHERE `+who); got != want {
			t.Errorf("number of the person with %s: got %s, want %s", who, got, want)
		}
	}
	if got := queryText(t, pool, `SELECT string_agg(wamid, ' ' ORDER BY wamid) FROM message JOIN person ON person.id = person_id WHERE bsuid = 'KE.1'`); got != "first late moved" {
		t.Errorf("messages of KE.1: got %q, want %q", got, "first late moved")
	}
	if got := queryText(t, pool, `SELECT count(*)::text FROM message JOIN person ON person.id = person_id WHERE bsuid IS NULL AND answer_id IS NULL`); got != "1" {
		t.Errorf("unanswered messages of the new owner: got %s, want 1", got)
	}
}

// A number that changed later does not make an earlier change of the user id void.
func TestInbox_Store_LateChangeOfTheUserID(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	message := textMessage("first", identity("KE.1", number), "x")
	message.SentAt = time.Now().Add(-time.Hour)
	mustStore(t, inbox, messageBatch(message))
	mustStore(t, inbox, webhook.Batch{IdentityChanges: []webhook.IdentityChange{
		{From: identity("KE.1", number), To: identity("", otherNumber), At: time.Now().Add(-10 * time.Minute)},
	}})
	mustStore(t, inbox, webhook.Batch{IdentityChanges: []webhook.IdentityChange{
		{From: identity("KE.1", ""), To: identity("KE.2", ""), At: time.Now().Add(-11 * time.Minute)},
	}})
	if got, want := queryText(t, pool, `SELECT string_agg(coalesce(bsuid, 'none') || ' ' || coalesce(wa_id, 'none'), ', ') FROM person`), "KE.2 "+otherNumber; got != want {
		t.Errorf("persons: got %s, want %s", got, want)
	}
}
