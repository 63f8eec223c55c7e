package whatsappdb_test

import (
	"fmt"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// person.phone_number links a person to the waiting list without the person
// having to write first.
func TestConversations_Due_Listed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		person webhook.Identity
		want   bool
	}{
		"wa_id_is_the_number_without_plus": {identity("", "254712345678"), true},
		"both_identifiers":                 {identity("KE.1", "254712345678"), true},
		"another_number":                   {identity("KE.1", "254700000001"), false},
		"longer_number":                    {identity("KE.1", "2547123456789"), false},
		"no_number":                        {identity("KE.1", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage("w1", tt.person, "a")))
			if due := mustDue(t, pool, onlyPersonID(t, pool)); due.Person.Listed {
				t.Error("Listed before the sign-up: got true, want false")
			}
			addWaitlistEntry(t, pool, "+254712345678")
			if due := mustDue(t, pool, onlyPersonID(t, pool)); due.Person.Listed != tt.want {
				t.Errorf("Listed after the sign-up: got %t, want %t", due.Person.Listed, tt.want)
			}
		})
	}
}

func TestConversations_Due_QuotedText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers int // since the quoted message, its own answer included
		age     time.Duration
		quotes  string
		want    string
	}{
		"unanswered_message":                   {0, 13 * day, "w1", "first"},
		"answered_message":                     {1, 13 * day, "w1", "first"},
		"message_answered_weeks_ago":           {1, 60 * day, "w1", "first"},
		"message_of_an_earlier_turn_weeks_ago": {3, 60 * day, "w1", "first"},
		"latest_answer":                        {1, 0, "out1", "Karibu"},
		"earlier_answer":                       {3, 0, "out1", "Karibu"},
		"unknown_message":                      {1, 0, "w9", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			quoted := textMessage("w1", identity("KE.1", ""), "first")
			quoted.SentHour = quoted.SentHour.Add(-tt.age)
			mustStore(t, inbox, messageBatch(quoted))
			for n := range tt.answers {
				answerAll(t, pool)
				mustStore(t, inbox, messageBatch(textMessage(fmt.Sprint("later", n), identity("KE.1", ""), "and")))
			}
			testdb.Exec(t, pool, `
				INSERT INTO answer_part (answer_id, person_id, position, body, quoted_wamid, delivery, wamid)
				SELECT id, person_id, 0, body, '', 'read', 'out' || id FROM answer`)
			quoting := textMessage("w2", identity("KE.1", ""), "this?")
			quoting.QuotedWAMID = tt.quotes
			mustStore(t, inbox, messageBatch(quoting))
			messages := mustDue(t, pool, onlyPersonID(t, pool)).Messages
			if got := messages[len(messages)-1].QuotedText.Reveal(); got != tt.want {
				t.Errorf("quoted text: got %q, want %q", got, tt.want)
			}
		})
	}
}

// Meta repeats a webhook that got no response, so a message may arrive after one
// that was sent later. A message is never taken as sent after it arrived.
func TestConversations_Due_MessageOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		arrivals [2]string
		sent     [2]time.Duration // from now, of the arrivals
	}{
		"earlier_message_arrives_later": {[2]string{"second", "first"}, [2]time.Duration{0, -time.Minute}},
		"clock_of_Meta_is_ahead":        {[2]string{"first", "second"}, [2]time.Duration{2 * time.Hour, time.Hour}},
		"messages_arrive_in_order":      {[2]string{"first", "second"}, [2]time.Duration{-time.Minute, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			for k, body := range tt.arrivals {
				message := textMessage("w-"+body, identity("KE.1", ""), body)
				message.SentAt = message.SentAt.Add(tt.sent[k])
				mustStore(t, whatsappdb.NewInbox(pool), messageBatch(message))
			}
			messages := mustDue(t, pool, onlyPersonID(t, pool)).Messages
			if len(messages) != 2 {
				t.Fatalf("unanswered messages: got %+v, want 2", messages)
			}
			if messages[0].WAMID != "w-first" {
				t.Errorf("first message: got %q, want w-first", messages[0].WAMID)
			}
			answerAll(t, pool)
			if got := onlyQuestion(t, pool); got != "first\nsecond" {
				t.Errorf("question of the turn: got %q, want %q", got, "first\nsecond")
			}
		})
	}
}

func TestConversations_Due_HistoryAge(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	storeAnswered(t, pool)
	for age, want := range map[time.Duration]int{
		whatsapp.HistoryAge - time.Minute: 1,
		whatsapp.HistoryAge + time.Minute: 0,
	} {
		testdb.Exec(t, pool, `UPDATE answer SET created_at = now() - $1::interval`, age)
		if history := nextHistory(t, pool); len(history) != want {
			t.Errorf("turns after %s: got %d, want %d", age, len(history), want)
		}
	}
}

func TestConversations_Due_HoldRemaining(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	mustStore(t, whatsappdb.NewInbox(o.pool), messageBatch(textMessage("w1", identity("KE.1", ""), "a")))
	if got := onlyUnanswered(t, o.pool).HoldRemaining; got != 0 {
		t.Errorf("without a hold: got %v, want 0", got)
	}
	number := queryText(t, o.pool, `SELECT phone_number_id FROM message`)
	o.exec(`INSERT INTO send_hold VALUES ($1, true, 190, 'why', 1, now(), now() + interval '1 hour')`, number)
	if got := onlyUnanswered(t, o.pool).HoldRemaining; got < 59*time.Minute || got > time.Hour {
		t.Errorf("during a hold of an hour: got %v, want about 1h", got)
	}
	o.endWait()
	if got := onlyUnanswered(t, o.pool).HoldRemaining; got != 0 {
		t.Errorf("when a probe may be sent: got %v, want 0", got)
	}
}
