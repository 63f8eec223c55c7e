package repository_test

import (
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

// Who takes a message back wants its words forgotten, answered or not.
func TestWhatWasAnsweredCanBeChanged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change whatsapp.Batch
		text   string
	}{
		"edited":  {edited("w1", "new"), "new"},
		"revoked": {revoked("w1"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			message := text("w1", "KE.1", "", "old")
			message.SentOn = message.SentOn.Add(-10 * day) // two until they did, and Meta tried for a week
			store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{message}})
			answerAll(t, pool)
			store(t, repository.NewInbox(pool), tt.change)
			if n := count(t, pool, `SELECT count(*) FROM message WHERE body = $1`, tt.text); n != 1 {
				t.Errorf("it does not say %q", tt.text)
			}
			if n := count(t, pool, `SELECT count(*) FROM early_change`); n != 0 {
				t.Error("the change waits for a message to come")
			}
		})
	}
}

// Meta's clock may say anything, but in each copy the same.
func TestACopyIsKnownByAnyDay(t *testing.T) {
	t.Parallel()
	for name, day := range map[string]time.Time{
		"no day": {}, "the first": time.Unix(0, 0).UTC(), "the last": time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC), "today": time.Now(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			message := text("w1", "KE.1", "", "a")
			message.SentOn = day
			for range 2 {
				store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{message, message}})
			}
			if n := count(t, pool, `SELECT count(*) FROM message`); n != 1 {
				t.Errorf("it is there %d times", n)
			}
		})
	}
}
