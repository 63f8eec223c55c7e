package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// postChange posts a webhook with one change.
func postChange(t *testing.T, service *process, field, value string) {
	t.Helper()
	postWebhook(t, service.url, fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":%q,"value":{
		"messaging_product":"whatsapp","metadata":{"phone_number_id":%q},%s}}]}]}`, field, phoneNumberID, value))
}

// postText posts a text of a person who is known by number alone.
func postText(t *testing.T, service *process, phone, text string, sentAt time.Time) {
	t.Helper()
	postChange(t, service, "messages", fmt.Sprintf(`
		"contacts":[{"wa_id":%q}],
		"messages":[{"from":%q,"id":"wamid.%s.%d","timestamp":"%d","type":"text","text":{"body":%q}}]`,
		phone, phone, phone, time.Now().UnixNano(), sentAt.Unix(), text))
}

func postPreference(t *testing.T, service *process, phone, value string, at time.Time) {
	t.Helper()
	postChange(t, service, "user_preferences", fmt.Sprintf(`
		"user_preferences":[{"wa_id":%q,"category":"marketing_messages","value":%q,"timestamp":%d}]`, phone, value, at.Unix()))
}

// waitForRow waits until the query counts at least one row.
func waitForRow(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); testdb.QueryInt(t, pool, sql) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("got no row in time from %s", sql)
		}
	}
}

func queryString(t *testing.T, pool *pgxpool.Pool, sql string) string {
	t.Helper()
	var text string
	if err := pool.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	return text
}

// An answer waits behind a send hold, the person writes STOP, and the hold ends.
func TestConsent_StopDuringSendHold(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	pool := testdb.Connect(t, database)
	service := start(t, environment(database, simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	sim.SetFaults(simulator.Faults{Graph: simulator.GraphFault{Kind: simulator.GraphRejectsToken, Share: 1}})
	sim.Say(person(1), token(1, 0))
	waitForRow(t, pool, `SELECT count(*) FROM send_hold`)
	sim.Say(person(1), "Please stop!")
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Acknowledged == 2 })
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE opted_out_at IS NOT NULL`); got != 1 {
		t.Errorf("persons who opted out during the hold: got %d, want 1", got)
	}
	sim.SetFaults(simulator.Faults{})
	testdb.Exec(t, pool, `UPDATE send_hold SET retry_at = now()`)
	sim.Say(person(1), token(1, 1)) // wakes a worker, and gets no answer
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Acknowledged == 3 && l.Counts.Outbound > 0 })
	if err := waitUntilIdle(t, database); err != nil {
		t.Fatal(err)
	}
	sent := sim.Ledger().SentTo(person(1))
	if len(sent) != 1 || !strings.Contains(sent[0].Body, "no more messages") || len(sent[0].Buttons) > 0 {
		t.Errorf("sent after the hold: got %+v, want only the confirmation", sent)
	}
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM answer_part WHERE delivery = 'failed' AND error LIKE '%opted out%'`); got != 1 {
		t.Errorf("parts that were given up: got %d, want 1", got)
	}
}

// Meta retries a webhook for days, so an older choice may arrive later.
func TestConsent_OlderChoiceArrivesLater(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	pool := testdb.Connect(t, database)
	service := start(t, environment(database, simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	const byMessage, bySetting = "254712000021", "254712000022"
	hourAgo := time.Now().Add(-time.Hour)
	postText(t, service, byMessage, "STOP", time.Now())
	postText(t, service, byMessage, "START", hourAgo)
	postPreference(t, service, byMessage, "resume", hourAgo)
	postPreference(t, service, bySetting, "resume", hourAgo)
	time.Sleep(time.Second) // Meta's clock counts seconds, and two choices of the same second are a tie
	postPreference(t, service, bySetting, "stop", time.Now())
	postText(t, service, bySetting, "start", hourAgo)
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Outbound == 2 })
	if err := waitUntilIdle(t, database); err != nil {
		t.Fatal(err)
	}
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE opted_out_at IS NOT NULL`); got != 2 {
		t.Errorf("persons who are opted out: got %d, want 2", got)
	}
	l := sim.Ledger()
	if l.Counts.Outbound != 2 || l.Counts.ModelCalls != 0 {
		t.Errorf("got %d messages and %d model calls, want the 2 confirmations and no model call", l.Counts.Outbound, l.Counts.ModelCalls)
	}
}

// A stranger signs a number up. Its owner writes, is asked, and then joins.
func TestConsent_SignUpByAStranger(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	pool := testdb.Connect(t, database)
	service := start(t, environment(database, simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	owner := person(3)
	request(t, http.MethodPost, service.url+"/waiting-list/", `{"username":"Stranger","phone_number":"0712000003"}`)
	const entry = `SELECT username || ' ' || (verified_at IS NOT NULL) FROM waitlist_entry`

	sim.Say(owner, "hello, who is this?")
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(owner)) == 1 })
	if got, want := queryString(t, pool, entry), "Stranger false"; got != want {
		t.Errorf("entry after hello: got %q, want %q", got, want)
	}
	asked := sim.Ledger().SentTo(owner)[0]
	if !strings.Contains(asked.Body, "put on our waiting list") || len(asked.Buttons) != 1 {
		t.Errorf("first answer: got %q with %d buttons, want the question with one", asked.Body, len(asked.Buttons))
	}
	sim.Say(owner, "what is your name?")
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(owner)) == 2 })
	if again := sim.Ledger().SentTo(owner)[1]; strings.Contains(again.Body, "put on our waiting list\n") || len(again.Buttons) > 0 {
		t.Errorf("second answer: got %q with %d buttons, want no question", again.Body, len(again.Buttons))
	}
	sim.Say(owner, "Please join")
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(owner)) == 3 })
	if got, want := queryString(t, pool, entry), owner.Name+" true"; got != want {
		t.Errorf("entry after join: got %q, want %q", got, want)
	}
}

// The system message says that a person has the number now that another one wrote
// from. Neither has a user id.
func TestConsent_NumberPassesToAnotherPerson(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	pool := testdb.Connect(t, database)
	service := start(t, environment(database, simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	const passed, former = "254712000031", "254712000032"
	postText(t, service, passed, "a secret", time.Now())
	postText(t, service, former, "Habari", time.Now())
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Outbound == 2 && l.Counts.Pending == 0 })
	testdb.Exec(t, pool, `UPDATE person SET created_at = created_at - interval '1 hour'`)
	postChange(t, service, "messages", fmt.Sprintf(`
		"messages":[{"from":%q,"id":"wamid.change","timestamp":"%d","type":"system","system":{"type":"user_changed_number","wa_id":%q}}]`,
		former, time.Now().Unix(), passed))
	postText(t, service, passed, "what did I say before?", time.Now())
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.ModelCalls == 3 })
	last := sim.Ledger().ModelCalls[2]
	if last.EarlierTurns != 2 {
		t.Errorf("turns before the last prompt: got %d, want 2, the question and the answer of the same person", last.EarlierTurns)
	}
	if got := testdb.QueryInt(t, pool, `
		SELECT count(*) FROM answer JOIN person ON person.id = person_id WHERE question = 'a secret' AND wa_id IS NOT NULL`); got != 0 {
		t.Errorf("answers to the earlier owner that belong to a person with a number: got %d, want 0", got)
	}
}
