package repository_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func edited(wamid, text string) whatsapp.Batch {
	return whatsapp.Batch{Edits: []whatsapp.Edit{{WAMID: wamid, Text: sensitive.NewText(text)}}}
}

func revoked(wamid string) whatsapp.Batch { return whatsapp.Batch{Revokes: []string{wamid}} }

func onlyWaiting(t *testing.T, pool *pgxpool.Pool) whatsapp.Waiting {
	t.Helper()
	due, err := repository.NewConversations(pool).Due(t.Context(), int64(count(t, pool, `SELECT id FROM person`)))
	if err != nil || len(due.Waiting) != 1 {
		t.Fatalf("due: %+v, %v", due, err)
	}
	return due.Waiting[0]
}

func TestAChangeThatOvertakesItsMessageIsAppliedAllTheSame(t *testing.T) {
	t.Parallel()
	message := text("w1", "KE.1", "", "old")
	message.Media.ID = "M1"
	sent := whatsapp.Batch{Messages: []whatsapp.Message{message}}
	for name, tt := range map[string]struct {
		batches []whatsapp.Batch
		text    string
		revoked bool
	}{
		"edited before":           {[]whatsapp.Batch{edited("w1", "new"), sent}, "new", false},
		"edited twice before":     {[]whatsapp.Batch{edited("w1", "newer"), edited("w1", "newest"), sent}, "newest", false},
		"edited after":            {[]whatsapp.Batch{sent, edited("w1", "new")}, "new", false},
		"revoked before":          {[]whatsapp.Batch{revoked("w1"), sent}, "", true},
		"edited and revoked":      {[]whatsapp.Batch{edited("w1", "new"), revoked("w1"), sent}, "", true},
		"revoked and then edited": {[]whatsapp.Batch{revoked("w1"), edited("w1", "new"), sent}, "", true},
		"another was edited":      {[]whatsapp.Batch{edited("w2", "new"), sent}, "old", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			for _, batch := range tt.batches {
				store(t, repository.NewInbox(pool), batch)
			}
			for range 2 {
				got := onlyWaiting(t, pool)
				if got.Text.Reveal() != tt.text || got.Revoked != tt.revoked || (got.Media.ID == "") != tt.revoked {
					t.Errorf("it says %q, revoked %t, with the file %q", got.Text.Reveal(), got.Revoked, got.Media.ID)
				}
			}
		})
	}
}

// remembered is what the only person said in the only exchange, as the model is
// reminded of it.
func remembered(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	history := history(t, pool)
	if len(history) != 1 {
		t.Fatalf("history %v", history)
	}
	return history[0].Said.Reveal()
}

// history is what the model is reminded of when the only person writes again.
func history(t *testing.T, pool *pgxpool.Pool) []whatsapp.Exchange {
	t.Helper()
	store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{text("again", "KE.1", "", "again")}})
	due, err := repository.NewConversations(pool).Due(t.Context(), int64(count(t, pool, `SELECT id FROM person`)))
	if err != nil {
		t.Fatal(err)
	}
	return due.History
}

// answeredTwo is a database in which the messages w1 and w2 have one answer.
func answeredTwo(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := open(t)
	batch := whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "", "old"), text("w2", "KE.1", "", "other")}}
	for i := range batch.Messages {
		batch.Messages[i].SentHour = batch.Messages[i].SentHour.Add(-10 * day) // two until they did, and Meta tried for a week
	}
	store(t, repository.NewInbox(pool), batch)
	answerAll(t, pool)
	return pool
}

// Who takes a message back wants its words forgotten, answered or not.
func TestWhatWasAnsweredCanBeChanged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change     whatsapp.Batch
		text, said string
	}{
		"edited":  {edited("w1", "new"), "new", "new\nother"},
		"revoked": {revoked("w1"), "", "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := answeredTwo(t)
			if said := remembered(t, pool); said != "old\nother" {
				t.Errorf("before, the model was told %q", said)
			}
			store(t, repository.NewInbox(pool), tt.change)
			if n := count(t, pool, `SELECT count(*) FROM message WHERE body = $1`, tt.text); n != 1 {
				t.Errorf("it does not say %q", tt.text)
			}
			if said := remembered(t, pool); said != tt.said {
				t.Errorf("the model is told %q, want %q", said, tt.said)
			}
			if n := count(t, pool, `SELECT count(*) FROM early_change`); n != 0 {
				t.Error("the change waits for a message to come")
			}
		})
	}
}

func TestChangesOfOneAnswersMessagesDoNotUndoEachOther(t *testing.T) {
	t.Parallel()
	pool := answeredTwo(t)
	for round := range 20 {
		var want []string
		var both sync.WaitGroup
		for _, wamid := range []string{"w1", "w2"} {
			words := fmt.Sprintf("%s as of %d", wamid, round)
			want = append(want, words)
			both.Go(func() {
				if err := repository.NewInbox(pool).Store(t.Context(), edited(wamid, words)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if said := remembered(t, pool); said != strings.Join(want, "\n") {
			t.Fatalf("the model is told %q, want %q", said, want)
		}
	}
}

// Meta's clock may say anything, but in each copy the same.
func TestACopyIsKnownByAnyHour(t *testing.T) {
	t.Parallel()
	for name, hour := range map[string]time.Time{
		"no hour": {}, "the first": time.Unix(0, 0).UTC(), "the last": time.Date(9999, time.December, 31, 23, 0, 0, 0, time.UTC), "this": time.Now(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			message := text("w1", "KE.1", "", "a")
			message.SentHour = hour
			for range 2 {
				store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{message, message}})
			}
			if n := count(t, pool, `SELECT count(*) FROM message`); n != 1 {
				t.Errorf("it is there %d times", n)
			}
		})
	}
}
