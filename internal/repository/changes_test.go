package repository_test

import (
	"testing"

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
