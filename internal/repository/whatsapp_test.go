package repository_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func text(wamid, userID, phone, body string) whatsapp.Message {
	return whatsapp.Message{
		WAMID: wamid, PhoneNumberID: "N", Kind: "text", Text: sensitive.NewText(body),
		SentAt: time.Now(), SentHour: time.Now().UTC().Truncate(time.Hour),
		Sender: whatsapp.Identity{UserID: userID, Phone: sensitive.NewPhone(phone), Name: sensitive.NewText("Wanjiru")},
	}
}

func store(t *testing.T, inbox *repository.Inbox, batch whatsapp.Batch) {
	t.Helper()
	if err := inbox.Store(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// What the database will never take is told from what may be mended: a webhook of
// the former is not to come again for a week, and one of the latter is.
func TestOnlyDataThatCanNeverBeStoredIsCalledSo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, body string
		want         bool
	}{
		"a null character":                         {`SELECT 1`, "\x00", true},
		"a row that breaks a rule":                 {`ALTER TABLE message ADD CHECK (body <> 'x')`, "x", true},
		"a column that only another version fills": {`ALTER TABLE message ADD extra int NOT NULL`, "x", false},
		"a sequence that a restore has set back":   {`INSERT INTO message (id, wamid, person_id, phone_number_id, kind, body, sent_at) OVERRIDING SYSTEM VALUE VALUES (1, 'w0', 0, '', '', '', now())`, "x", false},
		"a table of another version":               {`ALTER TABLE message RENAME sent_hour TO sent_on`, "x", false},
		"a table that somebody else has replaced":  {`ALTER TABLE message RENAME TO messages`, "x", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			if _, err := pool.Exec(t.Context(), tt.before); err != nil {
				t.Fatal(err)
			}
			err := repository.NewInbox(pool).Store(t.Context(), whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "", tt.body)}})
			if err == nil || errors.Is(err, whatsapp.ErrUnstorable) != tt.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func jobs(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return count(t, pool, `SELECT count(*) FROM river_job WHERE kind = 'reply'`)
}

func TestStoreQueuesOneReplyForAPersonsNewMessages(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox := repository.NewInbox(pool)
	batch := whatsapp.Batch{
		Messages: []whatsapp.Message{
			text("w1", "", "254712345678", "a"), text("w2", "", "254712345678", "b"),
			text("w2", "", "254712345678", "b"), text("w3", "", "254700000000", "c"),
		},
		Kept: []whatsapp.Kept{{Field: "f", Reason: "r", Raw: []byte("{\x00")}},
	}
	store(t, inbox, batch)
	if n := count(t, pool, `SELECT count(*) FROM message`); n != 3 {
		t.Errorf("stored %d messages, want 3", n)
	}
	if n := jobs(t, pool); n != 2 {
		t.Errorf("queued %d replies, want one for each of 2 persons", n)
	}
	store(t, inbox, whatsapp.Batch{Messages: batch.Messages})
	if n := jobs(t, pool); n != 2 {
		t.Errorf("a webhook that came twice queued %d replies more", n-2)
	}
	if n := count(t, pool, `SELECT count(*) FROM kept_item`); n != 1 {
		t.Errorf("kept %d items, want 1", n)
	}
}

func TestOnePersonIsOneRowHoweverTheyAppear(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox := repository.NewInbox(pool)
	for i, who := range [][2]string{{"", "254712345678"}, {"KE.1", "254712345678"}, {"KE.1", ""}, {"", "254712345678"}} {
		store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text(fmt.Sprint("w", i), who[0], who[1], "x")}})
	}
	if n := count(t, pool, `SELECT count(*) FROM person`); n != 1 {
		t.Errorf("one person stands in %d rows", n)
	}
	if n := count(t, pool, `SELECT count(*) FROM message WHERE person_id = (SELECT id FROM person WHERE user_id = 'KE.1' AND phone = '254712345678')`); n != 4 {
		t.Errorf("%d of 4 messages are theirs", n)
	}
}

func TestConcurrentWebhooksOfNewPersonsAllSucceed(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox := repository.NewInbox(pool)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			var batch whatsapp.Batch
			for n := range 5 {
				batch.Messages = append(batch.Messages, text(fmt.Sprint("w", i, "-", n), fmt.Sprint("KE.", n), "", "x"))
			}
			if err := inbox.Store(context.Background(), batch); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count(t, pool, `SELECT count(*) FROM message`); n != 80 {
		t.Errorf("stored %d of 80 messages", n)
	}
}

// answered stores a message of a person and an answer of two parts to it, and
// returns the person's id and the parts.
func answered(t *testing.T, pool *pgxpool.Pool) (int64, []whatsapp.Part) {
	t.Helper()
	store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "254712345678", "Habari?")}})
	conversations := repository.NewConversations(pool)
	id := int64(count(t, pool, `SELECT id FROM person`))
	due, err := conversations.Due(t.Context(), id)
	if err != nil || len(due.Waiting) != 1 || due.Waiting[0].Text.Reveal() != "Habari?" || due.Person.Phone.Reveal() != "254712345678" {
		t.Fatalf("due before the answer: %+v, %v", due, err)
	}
	answer := whatsapp.Answer{
		PersonID: id, PhoneNumberID: "N", MessageIDs: []int64{due.Waiting[0].ID},
		Words: whatsapp.Words{Body: sensitive.NewText("Nzuri. Wewe?"), Model: "m"},
		Parts: []whatsapp.OutgoingPart{{Body: sensitive.NewText("Nzuri."), ReplyTo: "w1"}, {Body: sensitive.NewText("Wewe?")}},
	}
	if _, err := conversations.SaveAnswer(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if _, err := conversations.SaveAnswer(t.Context(), answer); !errors.Is(err, whatsapp.ErrOvertaken) {
		t.Fatalf("a second answer to the same message: %v, want ErrOvertaken", err)
	}
	due, err = conversations.Due(t.Context(), id)
	if err != nil || len(due.Waiting) != 0 || len(due.Parts) != 2 {
		t.Fatalf("due after the answer: %+v, %v", due, err)
	}
	return id, due.Parts
}

func TestAnAnswerIsStoredOnceAndRemembered(t *testing.T) {
	t.Parallel()
	pool := open(t)
	_, parts := answered(t, pool)
	if p := parts[0]; p.Body.Reveal() != "Nzuri." || p.ReplyTo != "w1" || p.PhoneNumberID != "N" || p.Delivery != whatsapp.Unsent {
		t.Errorf("first part read wrong: %+v", p)
	}
	if history := history(t, pool); len(history) != 1 || history[0].Said.Reveal() != "Habari?" || history[0].Answered.Reveal() != "Nzuri. Wewe?" {
		t.Errorf("got history %v", history)
	}
}

func TestASendIsBegunOnce(t *testing.T) {
	t.Parallel()
	pool := open(t)
	_, parts := answered(t, pool)
	outbox := repository.NewOutbox(pool)
	if _, err := outbox.BeginSend(t.Context(), parts[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.BeginSend(t.Context(), parts[0]); !errors.Is(err, whatsapp.ErrOvertaken) {
		t.Errorf("a second worker began the same send: %v", err)
	}
}

func TestStatusesMoveAPartForwardOnly(t *testing.T) {
	t.Parallel()
	pool := open(t)
	_, parts := answered(t, pool)
	outbox, inbox := repository.NewOutbox(pool), repository.NewInbox(pool)
	part := parts[0]
	if _, err := outbox.BeginSend(t.Context(), part); err != nil {
		t.Fatal(err)
	}
	before := jobs(t, pool)
	tell := func(delivery whatsapp.Delivery, callback string) string {
		t.Helper()
		store(t, inbox, whatsapp.Batch{Statuses: []whatsapp.Status{
			{WAMID: "out1", Callback: callback, Delivery: delivery, Recipient: named("KE.1", "")}}})
		var now string
		if err := pool.QueryRow(t.Context(), `SELECT delivery::text FROM part WHERE id = $1`, part.ID).Scan(&now); err != nil {
			t.Fatal(err)
		}
		return now
	}
	if got := tell(whatsapp.Delivered, part.ID); got != "delivered" {
		t.Errorf("settled as %q", got)
	}
	if n := jobs(t, pool) - before; n != 1 {
		t.Errorf("the settled send woke %d replies, want 1", n)
	}
	if _, err := outbox.Accept(t.Context(), part.ID, "out1"); err != nil {
		t.Error(err)
	}
	for _, late := range []whatsapp.Delivery{whatsapp.Sent, whatsapp.Failed} {
		if got := tell(late, part.ID); got != "delivered" {
			t.Errorf("%s moved it back to %q", late, got)
		}
	}
	if got := tell(whatsapp.Read, ""); got != "read" {
		t.Errorf("a status that names only Meta's id left it at %q", got)
	}
	if n := jobs(t, pool) - before; n != 1 {
		t.Errorf("later statuses woke %d replies", n-1)
	}
}

func TestARefusedPartIsTriedAgainUnlessGivenUp(t *testing.T) {
	t.Parallel()
	pool := open(t)
	id, parts := answered(t, pool)
	outbox := repository.NewOutbox(pool)
	for i, reaction := range []whatsapp.Reaction{whatsapp.WaitPerson, whatsapp.GiveUp} {
		if _, err := outbox.BeginSend(t.Context(), parts[i]); err != nil {
			t.Fatal(err)
		}
		parts[i].Attempts++
		if _, err := outbox.Refuse(t.Context(), parts[i], whatsapp.Refusal{Reaction: reaction, Code: 131056}); err != nil {
			t.Fatal(err)
		}
	}
	due, err := repository.NewConversations(pool).Due(t.Context(), id)
	if err != nil || len(due.Parts) != 1 || due.Parts[0].ID != parts[0].ID || due.Parts[0].Delivery != whatsapp.Unsent || due.Parts[0].Attempts != 1 {
		t.Errorf("due: %+v, %v", due.Parts, err)
	}
	if n := count(t, pool, `SELECT count(*) FROM part WHERE delivery = 'failed' AND error_code = 131056 AND error <> ''`); n != 1 {
		t.Error("why it was given up does not stand on its row")
	}
}

func TestOneWorkerAtATimeHoldsAPersonsLock(t *testing.T) {
	t.Parallel()
	pool := open(t)
	a, b := repository.NewLocks(pool, "a"), repository.NewLocks(pool, "b")
	defer closeLocks(t, b)

	held, unlock, err := a.TryLock(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*repository.Locks{"the same instance": a, "another instance": b} {
		if _, _, err := other.TryLock(t.Context(), 7); !errors.Is(err, whatsapp.ErrLocked) {
			t.Errorf("%s got the lock too: %v", name, err)
		}
	}
	unlock()
	_, unlock, err = b.TryLock(t.Context(), 7)
	if err != nil {
		t.Fatalf("the lock was not given back: %v", err)
	}
	unlock()
	if held.Err() == nil {
		t.Error("the holder's context goes on after the lock was given back")
	}
	closeLocks(t, a)
}

// While the database is away no instance hears of anything, whichever of them
// notices.
func TestTheLocksTellSinceWhenTheDatabaseIsThere(t *testing.T) {
	t.Parallel()
	pool := open(t)
	locks := repository.NewLocks(pool, "a")
	defer closeLocks(t, locks)
	if stood := locks.Standing(); stood != 0 {
		t.Errorf("it stands for %v before anybody connected", stood)
	}
	announce := func() error { return locks.Announce(t.Context()) }
	if err := announce(); err != nil {
		t.Fatal(err)
	}
	await(t, "it has stood for a moment", func() bool { return locks.Standing() > 50*time.Millisecond })
	if err := announce(); err != nil || locks.Standing() < 50*time.Millisecond {
		t.Errorf("to use it began it anew: %v, %v", locks.Standing(), err)
	}
	before := time.Now()
	if n := count(t, pool, `
		SELECT count(pg_terminate_backend(pid)) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); n != 1 {
		t.Fatalf("ended %d sessions", n)
	}
	await(t, "it is there again", func() bool { return announce() == nil })
	if stood := locks.Standing(); stood > time.Since(before) {
		t.Errorf("it stands for %v, from before it was ended", stood)
	}
}

func TestALockEndsWithItsHoldersConnection(t *testing.T) {
	t.Parallel()
	pool := open(t)
	a, b := repository.NewLocks(pool, "a"), repository.NewLocks(pool, "b")
	defer closeLocks(t, b)
	held, _, err := a.TryLock(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	closeLocks(t, a)
	select {
	case <-held.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the holder is not told that its lock is lost")
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		_, unlock, err := b.TryLock(t.Context(), 7)
		if err == nil {
			unlock()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestJobsOfDeadInstancesAreRevived(t *testing.T) {
	t.Parallel()
	pool := open(t)
	store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{
		text("w1", "", "254712345678", "a"), text("w2", "", "254700000000", "b")}})
	if _, err := pool.Exec(t.Context(), `
		UPDATE river_job SET state = 'running', attempted_at = now(), attempt = 1,
		       attempted_by = CASE WHEN id = (SELECT min(id) FROM river_job) THEN '{x,alive}' ELSE '{alive,dead}' END::text[]`); err != nil {
		t.Fatal(err)
	}
	alive := repository.NewLocks(pool, "alive")
	defer closeLocks(t, alive)
	if err := alive.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	revived, err := alive.ReviveOrphans(t.Context(), nil)
	if err != nil || revived != 1 {
		t.Errorf("revived %d, %v; want the dead instance's one", revived, err)
	}
}

func people(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return count(t, pool, `SELECT count(*) FROM person`)
}

func TestAChangeOfNameKeepsThePerson(t *testing.T) {
	t.Parallel()
	phone := func(p string) whatsapp.Identity { return whatsapp.Identity{Phone: sensitive.NewPhone(p)} }
	user := func(u string) whatsapp.Identity { return whatsapp.Identity{UserID: u} }
	tests := map[string]struct {
		before []whatsapp.Message
		rename whatsapp.Rename
		want   string // a condition that holds for the one person left
	}{
		"a new number":              {[]whatsapp.Message{text("w1", "KE.1", "254711111111", "a")}, whatsapp.Rename{From: phone("254711111111"), To: phone("254722222222")}, `user_id = 'KE.1' AND phone = '254722222222'`},
		"a new user id":             {[]whatsapp.Message{text("w1", "KE.1", "254711111111", "a")}, whatsapp.Rename{From: user("KE.1"), To: user("KE.2")}, `user_id = 'KE.2' AND phone = '254711111111'`},
		"a name that had a message": {[]whatsapp.Message{text("w1", "KE.1", "", "a"), text("w2", "KE.2", "254722222222", "b")}, whatsapp.Rename{From: user("KE.1"), To: user("KE.2")}, `user_id = 'KE.2' AND phone = '254722222222' AND (SELECT count(*) FROM message WHERE person_id = person.id) = 2`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			inbox := repository.NewInbox(pool)
			store(t, inbox, whatsapp.Batch{Messages: tt.before})
			store(t, inbox, whatsapp.Batch{Renames: []whatsapp.Rename{tt.rename}})
			if n := people(t, pool); n != 1 {
				t.Errorf("there are %d persons", n)
			}
			if n := count(t, pool, `SELECT count(*) FROM person WHERE `+tt.want); n != 1 {
				t.Errorf("the person is not as expected: %s", tt.want)
			}
		})
	}
}

func TestTwoNamesThatTurnOutToBeOnePersonsAreMerged(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox := repository.NewInbox(pool)
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "", "254712345678", "a")}})
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text("w2", "KE.1", "", "b")}})
	if n := people(t, pool); n != 2 {
		t.Fatalf("there are %d persons before", n)
	}
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text("w3", "KE.1", "254712345678", "c")}})
	if n := count(t, pool, `SELECT count(*) FROM message WHERE person_id = (SELECT id FROM person WHERE user_id = 'KE.1' AND phone = '254712345678')`); n != 3 || people(t, pool) != 1 {
		t.Errorf("%d of 3 messages are the one person's; there are %d", n, people(t, pool))
	}
}

func TestEditsRevokesEchoesAndPreferencesAreApplied(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox, conversations := repository.NewInbox(pool), repository.NewConversations(pool)
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "", "old"), text("w2", "KE.1", "", "secret")}})
	store(t, inbox, whatsapp.Batch{
		Edits:   []whatsapp.Edit{{WAMID: "w1", Text: sensitive.NewText("new")}},
		Revokes: []string{"w2"},
		Echoes:  []whatsapp.Echo{{To: whatsapp.Identity{UserID: "KE.1"}, Pause: time.Hour}},
	})
	id := int64(count(t, pool, `SELECT id FROM person`))
	due, err := conversations.Due(t.Context(), id)
	if err != nil || len(due.Waiting) != 2 || due.Waiting[0].Text.Reveal() != "new" || !due.Waiting[1].Revoked || !due.Waiting[1].Text.IsZero() {
		t.Errorf("due: %+v, %v", due.Waiting, err)
	}
	if !due.Person.Paused || due.Person.OptedOut {
		t.Errorf("person: %+v", due.Person)
	}
	stop := whatsapp.Preference{Who: whatsapp.Identity{UserID: "KE.1"}, PhoneNumberID: "N", Stop: true, Confirmation: sensitive.NewText("bye")}
	for range 2 {
		store(t, inbox, whatsapp.Batch{Preferences: []whatsapp.Preference{stop}})
	}
	due, err = conversations.Due(t.Context(), id)
	if err != nil || !due.Person.OptedOut || len(due.Parts) != 1 || due.Parts[0].Body.Reveal() != "bye" {
		t.Errorf("after the preference: %+v, %v", due, err)
	}
}

func TestEffectsOfAnswersAreStoredWithThem(t *testing.T) {
	t.Parallel()
	pool := open(t)
	conversations := repository.NewConversations(pool)
	id, _ := answered(t, pool)
	for _, step := range []struct {
		effect whatsapp.Effect
		want   func(whatsapp.Person) bool
	}{
		{whatsapp.OptOut, func(p whatsapp.Person) bool { return p.OptedOut }},
		{whatsapp.OptIn, func(p whatsapp.Person) bool { return !p.OptedOut }},
		{whatsapp.Invite, func(p whatsapp.Person) bool { return p.Invited && !p.Listed }},
		{whatsapp.Hint, func(p whatsapp.Person) bool { return p.Hinted && !p.Paused }},
		{whatsapp.Mute, func(p whatsapp.Person) bool { return p.Paused }},
	} {
		if _, err := conversations.SaveAnswer(t.Context(), whatsapp.Answer{PersonID: id, PhoneNumberID: "N", Effect: step.effect}); err != nil {
			t.Fatal(err)
		}
		due, err := conversations.Due(t.Context(), id)
		if err != nil || !step.want(due.Person) {
			t.Errorf("after effect %d: %+v, %v", step.effect, due.Person, err)
		}
	}
	if due, err := conversations.Due(t.Context(), id); err != nil || due.Person.Recent != 6 {
		t.Errorf("counted %d answers of 6, %v", due.Person.Recent, err)
	}
	if history := history(t, pool); len(history) != 1 {
		t.Errorf("silence is remembered: %d exchanges", len(history))
	}
}

func TestWhetherAnythingIsLeft(t *testing.T) {
	t.Parallel()
	pool := open(t)
	locks := repository.NewLocks(pool, "a")
	defer closeLocks(t, locks)
	id, _ := answered(t, pool)
	for _, step := range []struct {
		sql  string
		want bool
	}{
		{`UPDATE part SET delivery = 'unsent'`, true},
		{`UPDATE part SET delivery = 'sending'`, true},
		{`UPDATE part SET delivery = 'accepted'`, false},
		{`UPDATE message SET answer_id = NULL`, true},
	} {
		if _, err := pool.Exec(t.Context(), step.sql); err != nil {
			t.Fatal(err)
		}
		_, unlock, err := locks.TryLock(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if left := unlock(); left != step.want {
			t.Errorf("after %s: got %t", step.sql, left)
		}
	}
}

func TestNobodyIsDueNothing(t *testing.T) {
	t.Parallel()
	due, err := repository.NewConversations(open(t)).Due(t.Context(), 4711)
	if err != nil || len(due.Parts)+len(due.Waiting) != 0 {
		t.Errorf("got %+v, %v", due, err)
	}
}

func TestANumberOnTheListIsVerifiedWhenItsOwnerWrites(t *testing.T) {
	t.Parallel()
	pool := open(t)
	if _, err := repository.NewWaitingList(pool).Add(t.Context(), signUp("W", "+254712345678")); err != nil {
		t.Fatal(err)
	}
	store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "", "254712345678", "a")}})
	if n := count(t, pool, `SELECT count(*) FROM waiting_list WHERE verified_at IS NOT NULL`); n != 1 {
		t.Error("it is not verified")
	}
	due, err := repository.NewConversations(pool).Due(t.Context(), int64(count(t, pool, `SELECT id FROM person`)))
	if err != nil || !due.Person.Listed {
		t.Errorf("who is on the list is %+v, %v", due.Person, err)
	}
}

func TestTheWordsOfAQuotedMessageAreFound(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers int // since it was said, its own included
		age     time.Duration
		quotes  string
		want    string
	}{
		"that waits too":                          {0, 13 * day, "w1", "first"},
		"that was answered":                       {1, 13 * day, "w1", "first"},
		"that was answered weeks ago":             {1, 60 * day, "w1", "first"},
		"that was answered weeks ago, not lately": {3, 60 * day, "w1", "first"},
		"that was an answer":                      {1, 0, "out1", "Karibu"},
		"that was an answer, not lately":          {3, 0, "out1", "Karibu"},
		"that nobody knows":                       {1, 0, "w9", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			conversations, inbox := repository.NewConversations(pool), repository.NewInbox(pool)
			quoted := text("w1", "KE.1", "", "first")
			quoted.SentHour = quoted.SentHour.Add(-tt.age)
			store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{quoted}})
			for n := range tt.answers {
				answerAll(t, pool)
				store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text(fmt.Sprint("later", n), "KE.1", "", "and")}})
			}
			if _, err := pool.Exec(t.Context(), `
				INSERT INTO part (answer_id, person_id, position, body, reply_to, delivery, wamid)
				SELECT id, person_id, 0, body, '', 'read', 'out' || id FROM answer`); err != nil {
				t.Fatal(err)
			}
			quoting := text("w2", "KE.1", "", "this?")
			quoting.Quotes = tt.quotes
			store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{quoting}})
			due, err := conversations.Due(t.Context(), int64(count(t, pool, `SELECT id FROM person`)))
			if err != nil || due.Waiting[len(due.Waiting)-1].Quoted.Reveal() != tt.want {
				t.Errorf("due: %+v, %v", due.Waiting, err)
			}
		})
	}
}

// Meta repeats a webhook that found nobody, and what was said after it may have
// come by then. But nothing was said after it came.
func TestMessagesStandInTheOrderInWhichTheyWereSaid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		came [2]string        // in this order
		sent [2]time.Duration // from now
	}{
		"the first comes late":   {[2]string{"second", "first"}, [2]time.Duration{0, -time.Minute}},
		"Meta's clock is ahead":  {[2]string{"first", "second"}, [2]time.Duration{2 * time.Hour, time.Hour}},
		"they come as they were": {[2]string{"first", "second"}, [2]time.Duration{-time.Minute, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			inbox, conversations := repository.NewInbox(pool), repository.NewConversations(pool)
			for k, body := range tt.came {
				message := text("w-"+body, "KE.1", "", body)
				message.SentAt = message.SentAt.Add(tt.sent[k])
				store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{message}})
			}
			due, err := conversations.Due(t.Context(), int64(count(t, pool, `SELECT id FROM person`)))
			if err != nil || len(due.Waiting) != 2 || due.Waiting[0].WAMID != "w-first" {
				t.Errorf("what waits is %+v, %v", due.Waiting, err)
			}
			answerAll(t, pool)
			if said := remembered(t, pool); said != "first\nsecond" {
				t.Errorf("remembered is %q", said)
			}
		})
	}
}

func TestWhatWasSaidLongAgoIsForgotten(t *testing.T) {
	t.Parallel()
	pool := open(t)
	answered(t, pool)
	for age, want := range map[time.Duration]int{whatsapp.HistoryAge - time.Minute: 1, whatsapp.HistoryAge + time.Minute: 0} {
		if _, err := pool.Exec(t.Context(), `UPDATE answer SET created_at = now() - $1::interval`, age); err != nil {
			t.Fatal(err)
		}
		if history := history(t, pool); len(history) != want {
			t.Errorf("of what is %s old there are %d exchanges", age, len(history))
		}
	}
}

// answerAll answers all that one person has written.
func answerAll(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	conversations, person := repository.NewConversations(pool), int64(count(t, pool, `SELECT id FROM person`))
	due, err := conversations.Due(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	answer := whatsapp.Answer{PersonID: person, PhoneNumberID: "N", Words: whatsapp.Words{Body: sensitive.NewText("Karibu")}}
	for _, w := range due.Waiting {
		answer.MessageIDs = append(answer.MessageIDs, w.ID)
	}
	if _, err := conversations.SaveAnswer(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
}

func closeLocks(t *testing.T, locks *repository.Locks) {
	t.Helper()
	if err := locks.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestALostLockIsNotTakenFromItsNextHolder(t *testing.T) {
	t.Parallel()
	locks := repository.NewLocks(open(t), "a")
	_, unlockLost, err := locks.TryLock(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	closeLocks(t, locks) // the connection is lost
	var held context.Context
	var unlock func() bool
	await(t, "its session has ended", func() bool {
		held, unlock, err = locks.TryLock(t.Context(), 7)
		return !errors.Is(err, whatsapp.ErrLocked)
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := unlockLost(); !left {
		t.Error("a worker who lost the lock knows that nothing is left")
	}
	if held.Err() != nil {
		t.Error("the lost holder gave back what is another's")
	}
	unlock()
	closeLocks(t, locks)
}

// The session ends on the server, and nobody here has noticed.
func TestAnnounceNoticesThatTheLocksAreLost(t *testing.T) {
	t.Parallel()
	pool := open(t)
	locks := repository.NewLocks(pool, "a")
	defer closeLocks(t, locks)
	held, unlock, err := locks.TryLock(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := pool.Exec(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND objid = 7 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
		t.Fatal(err)
	}
	if err := locks.Announce(t.Context()); err == nil {
		t.Error("the first announcement after the loss succeeded")
	}
	if held.Err() == nil {
		t.Error("the holder is not told")
	}
	if err := locks.Announce(t.Context()); err != nil {
		t.Errorf("the instance does not come back: %v", err)
	}
}

func TestAnInstanceRevivesWhatItFetchedAndNeverGot(t *testing.T) {
	t.Parallel()
	pool := open(t)
	store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{
		text("w1", "", "254712345678", "a"), text("w2", "", "254700000000", "b"), text("w3", "", "254700000001", "c")}})
	if _, err := pool.Exec(t.Context(), `
		UPDATE river_job SET state = 'running', attempt = 1, attempted_by = '{me}',
		       attempted_at = CASE WHEN id = (SELECT max(id) FROM river_job) THEN now() ELSE now() - interval '1 minute' END`); err != nil {
		t.Fatal(err)
	}
	me := repository.NewLocks(pool, "me")
	defer closeLocks(t, me)
	atWork := int64(count(t, pool, `SELECT min(id) FROM river_job`))
	revived, err := me.ReviveOrphans(t.Context(), []int64{atWork})
	if err != nil || revived != 1 {
		t.Errorf("revived %d, %v; want the one that nobody works on", revived, err)
	}
}
