package whatsappdb_test

import (
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

func identityChangeBatch(from, to webhook.Identity) webhook.Batch {
	return webhook.Batch{IdentityChanges: []webhook.IdentityChange{{From: from, To: to}}}
}

func TestInbox_Store_IdentityChange(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before   []webhook.Message
		from, to webhook.Identity
		want     string // a condition that holds for the only person
	}{
		"new_number": {
			before: []webhook.Message{textMessage("w1", identity("KE.1", "254711111111"), "a")},
			from:   identity("", "254711111111"),
			to:     identity("", "254722222222"),
			want:   `bsuid = 'KE.1' AND wa_id = '254722222222'`,
		},
		"new_user_id": {
			before: []webhook.Message{textMessage("w1", identity("KE.1", "254711111111"), "a")},
			from:   identity("KE.1", ""),
			to:     identity("KE.2", ""),
			want:   `bsuid = 'KE.2' AND wa_id = '254711111111'`,
		},
		"user_id_of_a_stored_person_merges_both": {
			before: []webhook.Message{
				textMessage("w1", identity("KE.1", ""), "a"),
				textMessage("w2", identity("KE.2", "254722222222"), "b"),
			},
			from: identity("KE.1", ""),
			to:   identity("KE.2", ""),
			want: `bsuid = 'KE.2' AND wa_id = '254722222222' AND (SELECT count(*) FROM message WHERE person_id = person.id) = 2`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			mustStore(t, inbox, messageBatch(tt.before...))
			mustStore(t, inbox, identityChangeBatch(tt.from, tt.to))
			if got := countPersons(t, pool); got != 1 {
				t.Errorf("persons: got %d, want 1", got)
			}
			wantOnePersonWith(t, pool, tt.want)
		})
	}
}

func TestInbox_Store_IdentityChangeTakesNumber(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]webhook.Identity{
		"with_user_id":    identity("KE.A", "254700000002"),
		"without_user_id": identity("", "254700000002"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			mustStore(t, inbox, messageBatch(
				textMessage("a", identity("KE.A", "254700000001"), "a"),
				textMessage("z", identity("KE.Z", "254700000002"), "z")))
			mustStore(t, inbox, identityChangeBatch(identity("KE.A", "254700000001"), to))
			for _, want := range []string{
				`bsuid = 'KE.A' AND wa_id = '254700000002' AND wamid = 'a'`,
				`bsuid = 'KE.Z' AND wa_id IS NULL AND wamid = 'z'`,
			} {
				if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM person JOIN message ON person_id = person.id WHERE `+want); got != 1 {
					t.Errorf("messages with %s: got %d, want 1", want, got)
				}
			}
		})
	}
}

func TestInbox_Store_EchoPausesAssistant(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	mustStore(t, inbox, messageBatch(textMessage("w1", identity("KE.1", ""), "a")))
	mustStore(t, inbox, webhook.Batch{Echoes: []webhook.Echo{{To: identity("KE.1", ""), Pause: time.Hour}}})
	due := mustDue(t, pool, onlyPersonID(t, pool))
	if !due.Person.Paused {
		t.Error("Paused: got false, want true")
	}
	if due.Person.OptedOut {
		t.Error("OptedOut: got true, want false")
	}
}

// The pause begins when the employee wrote, and not when Meta delivers the echo.
func TestInbox_Store_LateEchoPausesFromItsTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		age  time.Duration
		want bool
	}{
		"within_the_pause": {30 * time.Minute, true},
		"after_the_pause":  {2 * time.Hour, false},
		"clock_ahead":      {-30 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			batch := messageBatch(textMessage("w1", identity("KE.1", ""), "Habari"))
			batch.Echoes = []webhook.Echo{{To: identity("KE.1", ""), Pause: time.Hour, SentAt: time.Now().Add(-tt.age)}}
			mustStore(t, whatsappdb.NewInbox(pool), batch)
			if got := mustDue(t, pool, onlyPersonID(t, pool)).Person.Paused; got != tt.want {
				t.Errorf("paused: got %t, want %t", got, tt.want)
			}
		})
	}
}

// Meta echoes what we send through the API as it does what an employee writes.
func TestInbox_Store_EchoOfOurOwnMessage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup string // of the part, which has the text x
		echo  webhook.Echo
		want  bool // the assistant is paused
	}{
		"wamid_of_an_accepted_part":        {`SET delivery = 'accepted', attempts = 1, wamid = 'w1'`, webhook.Echo{WAMID: "w1", Text: sensitive.NewText("x")}, false},
		"wamid_of_a_part_that_was_read":    {`SET delivery = 'read', attempts = 1, wamid = 'w1'`, webhook.Echo{WAMID: "w1"}, false},
		"before_the_response_to_the_send":  {`SET delivery = 'sending', attempts = 1`, webhook.Echo{WAMID: "w1", Text: sensitive.NewText("x")}, false},
		"in_flight_while_it_was_given_up":  {`SET delivery = 'failed', attempts = 1`, webhook.Echo{WAMID: "w1", Text: sensitive.NewText("x")}, false},
		"another_text_during_a_send":       {`SET delivery = 'sending', attempts = 1`, webhook.Echo{WAMID: "w1", Text: sensitive.NewText("from the shop")}, true},
		"no_text_during_a_send":            {`SET delivery = 'sending', attempts = 1`, webhook.Echo{WAMID: "w1"}, true},
		"another_wamid_with_the_same_text": {`SET delivery = 'accepted', attempts = 1, wamid = 'w1'`, webhook.Echo{WAMID: "w2", Text: sensitive.NewText("x")}, true},
		"text_of_a_part_not_sent_yet":      {`SET delivery = 'unsent'`, webhook.Echo{WAMID: "w1", Text: sensitive.NewText("x")}, true},
		"echo_without_wamid":               {`SET delivery = 'accepted', attempts = 1, wamid = 'w1'`, webhook.Echo{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			part := o.newPart()
			o.exec(`UPDATE answer_part ` + tt.setup)
			tt.echo.To, tt.echo.Pause = o.recipient(part), time.Hour
			mustStore(t, whatsappdb.NewInbox(o.pool), webhook.Batch{Echoes: []webhook.Echo{tt.echo}})
			if got := mustDue(t, o.pool, onlyPersonID(t, o.pool)).Person.Paused; got != tt.want {
				t.Errorf("paused: got %t, want %t", got, tt.want)
			}
		})
	}
	t.Run("wamid_of_an_earlier_send", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.acceptedPart()
		o.storeStatus(part, failedStatus("w1", part.ID, 131000)) // w1 becomes a former wamid
		mustStore(t, whatsappdb.NewInbox(o.pool), webhook.Batch{Echoes: []webhook.Echo{{To: o.recipient(part), WAMID: "w1", Pause: time.Hour}}})
		if mustDue(t, o.pool, onlyPersonID(t, o.pool)).Person.Paused {
			t.Error("paused: got true, want false")
		}
	})
	t.Run("message_of_another_person", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		o.acceptedPart()
		mustStore(t, whatsappdb.NewInbox(o.pool), webhook.Batch{Echoes: []webhook.Echo{{To: identity("KE.2", ""), WAMID: "w1", Pause: time.Hour}}})
		if got := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM person WHERE bsuid = 'KE.2' AND paused_until > now()`); got != 1 {
			t.Errorf("paused persons: got %d, want 1", got)
		}
	})
}

func TestInbox_Store_PreferenceIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	optOut := webhook.Preference{
		Who:           identity("KE.1", ""),
		PhoneNumberID: "N",
		OptOut:        true,
		At:            time.Now().Add(-time.Hour),
		Confirmation:  sensitive.NewText("bye"),
	}
	for range 2 {
		mustStore(t, inbox, webhook.Batch{Preferences: []webhook.Preference{optOut}})
	}
	due := mustDue(t, pool, onlyPersonID(t, pool))
	if !due.Person.OptedOut {
		t.Error("OptedOut: got false, want true")
	}
	if len(due.Parts) != 1 {
		t.Fatalf("confirmations: got %+v, want 1", due.Parts)
	}
	if got := due.Parts[0].Body.Reveal(); got != "bye" {
		t.Errorf("confirmation: got %q, want bye", got)
	}
	mustStore(t, inbox, webhook.Batch{Preferences: []webhook.Preference{{Who: identity("KE.1", ""), PhoneNumberID: "N"}}})
	if due := mustDue(t, pool, onlyPersonID(t, pool)); due.Person.OptedOut {
		t.Error("OptedOut after an opt-in: got true, want false")
	}
}
