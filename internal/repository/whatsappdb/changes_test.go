package whatsappdb_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func editBatch(wamid, text string) webhook.Batch {
	return webhook.Batch{Edits: []webhook.Edit{{WAMID: wamid, Text: sensitive.NewText(text)}}}
}

func revokeBatch(wamid string) webhook.Batch {
	return webhook.Batch{Revokes: []webhook.Revoke{{WAMID: wamid}}}
}

// onlyUnanswered returns the only unanswered message of the only person.
func onlyUnanswered(t *testing.T, pool *pgxpool.Pool) whatsapp.UnansweredMessage {
	t.Helper()
	due := mustDue(t, pool, onlyPersonID(t, pool))
	if len(due.Messages) != 1 {
		t.Fatalf("unanswered messages: got %+v, want 1", due.Messages)
	}
	return due.Messages[0]
}

func TestInbox_Store_ChangeOfUnansweredMessage(t *testing.T) {
	t.Parallel()
	withFile := textMessage("w1", identity("KE.1", ""), "old")
	withFile.Media.ID = "M1"
	message := messageBatch(withFile)
	for name, tt := range map[string]struct {
		batches []webhook.Batch
		text    string
		revoked bool
	}{
		"edit_arrives_before_message":             {[]webhook.Batch{editBatch("w1", "new"), message}, "new", false},
		"two_edits_arrive_before_message":         {[]webhook.Batch{editBatch("w1", "newer"), editBatch("w1", "newest"), message}, "newest", false},
		"edit_arrives_after_message":              {[]webhook.Batch{message, editBatch("w1", "new")}, "new", false},
		"revocation_arrives_before_message":       {[]webhook.Batch{revokeBatch("w1"), message}, "", true},
		"edit_and_revocation_arrive_before":       {[]webhook.Batch{editBatch("w1", "new"), revokeBatch("w1"), message}, "", true},
		"revocation_and_later_edit_arrive_before": {[]webhook.Batch{revokeBatch("w1"), editBatch("w1", "new"), message}, "", true},
		"edit_of_another_message":                 {[]webhook.Batch{editBatch("w2", "new"), message}, "old", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			for _, batch := range tt.batches {
				mustStore(t, whatsappdb.NewInbox(pool), batch)
			}
			for read := 1; read <= 2; read++ { // the first one may apply a pending change
				got := onlyUnanswered(t, pool)
				if got.Text.Reveal() != tt.text {
					t.Errorf("read %d: got text %q, want %q", read, got.Text.Reveal(), tt.text)
				}
				if got.Revoked != tt.revoked {
					t.Errorf("read %d: got revoked %t, want %t", read, got.Revoked, tt.revoked)
				}
				if hasFile := got.Media.ID != ""; hasFile == tt.revoked {
					t.Errorf("read %d: got a file: %t, want %t", read, hasFile, !tt.revoked)
				}
			}
		})
	}
}

func TestInbox_Store_ChangesOfTwoMessagesInOneWebhook(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	mustStore(t, inbox, messageBatch(
		textMessage("w1", identity("KE.1", ""), "old"),
		textMessage("w2", identity("KE.1", ""), "secret")))
	changes := editBatch("w1", "new")
	changes.Append(revokeBatch("w2"))
	mustStore(t, inbox, changes)
	due := mustDue(t, pool, onlyPersonID(t, pool))
	if len(due.Messages) != 2 {
		t.Fatalf("unanswered messages: got %+v, want 2", due.Messages)
	}
	if got := due.Messages[0].Text.Reveal(); got != "new" {
		t.Errorf("text of the edited message: got %q, want new", got)
	}
	if !due.Messages[1].Revoked {
		t.Error("second message: got not revoked, want revoked")
	}
	if got := due.Messages[1].Text.Reveal(); got != "" {
		t.Errorf("text of the revoked message: got %q, want none", got)
	}
}

// storeTwoAnswered returns a database in which the messages w1 and w2 have one
// answer.
func storeTwoAnswered(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := testdb.Open(t)
	batch := messageBatch(
		textMessage("w1", identity("KE.1", ""), "old"),
		textMessage("w2", identity("KE.1", ""), "other"))
	for i := range batch.Messages {
		// A change may come two and a half days after its message, and Meta retries
		// a webhook for a week.
		batch.Messages[i].SentHour = batch.Messages[i].SentHour.Add(-10 * day)
	}
	mustStore(t, whatsappdb.NewInbox(pool), batch)
	answerAll(t, pool)
	return pool
}

// A change after the answer also changes the history, so that the model is not
// given a text that its sender deleted.
func TestInbox_Store_ChangeOfAnsweredMessage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change         webhook.Batch
		text, question string
	}{
		"edit":       {editBatch("w1", "new"), "new", "new\nother"},
		"revocation": {revokeBatch("w1"), "", "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := storeTwoAnswered(t)
			if got := onlyQuestion(t, pool); got != "old\nother" {
				t.Errorf("question before the change: got %q, want %q", got, "old\nother")
			}
			mustStore(t, whatsappdb.NewInbox(pool), tt.change)
			if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM message WHERE body = $1`, tt.text); got != 1 {
				t.Errorf("messages with the text %q: got %d, want 1", tt.text, got)
			}
			if got := onlyQuestion(t, pool); got != tt.question {
				t.Errorf("question after the change: got %q, want %q", got, tt.question)
			}
			if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM pending_change`); got != 0 {
				t.Errorf("pending changes: got %d, want 0", got)
			}
		})
	}
}

func TestInbox_Store_ConcurrentChangesOfOneAnswer(t *testing.T) {
	t.Parallel()
	pool := storeTwoAnswered(t)
	for round := range 20 {
		var lines []string
		var group sync.WaitGroup
		for _, wamid := range []string{"w1", "w2"} {
			text := fmt.Sprintf("%s in round %d", wamid, round)
			lines = append(lines, text)
			group.Go(func() {
				if err := whatsappdb.NewInbox(pool).Store(t.Context(), editBatch(wamid, text)); err != nil {
					t.Errorf("Store: got error %v, want nil", err)
				}
			})
		}
		group.Wait()
		if got, want := onlyQuestion(t, pool), strings.Join(lines, "\n"); got != want {
			t.Fatalf("question in round %d: got %q, want %q", round, got, want)
		}
	}
}
