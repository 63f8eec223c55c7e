package whatsappdb_test

import (
	"context"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/instance"
	"aisha/internal/repository/whatsappdb"
)

func TestConversations_Due_UnknownPerson(t *testing.T) {
	t.Parallel()
	due := mustDue(t, testdb.Open(t), 4711)
	if len(due.Parts) != 0 {
		t.Errorf("parts: got %+v, want none", due.Parts)
	}
	if len(due.Messages) != 0 {
		t.Errorf("messages: got %+v, want none", due.Messages)
	}
}

func TestQueueWorkLeft(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	locks := instance.New(pool, "a", whatsappdb.QueueWorkLeft)
	defer closeLocks(t, locks)
	personID, _ := storeAnswered(t, pool)
	for _, step := range []struct {
		sql  string
		want bool
	}{
		{`UPDATE answer_part SET delivery = 'unsent'`, true},
		{`UPDATE answer_part SET delivery = 'sending'`, true},
		{`UPDATE answer_part SET delivery = 'accepted'`, false},
		{`UPDATE message SET answer_id = NULL`, true},
	} {
		testdb.Exec(t, pool, step.sql)
		lock, err := locks.TryLock(t.Context(), personID)
		if err != nil {
			t.Fatalf("TryLock: got error %v, want nil", err)
		}
		if got := lock.UnlockAndCheck(); got != step.want {
			t.Errorf("work left after %s: got %t, want %t", step.sql, got, step.want)
		}
	}
}

func closeLocks(t *testing.T, locks *instance.Locks) {
	t.Helper()
	if err := locks.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("Close: got error %v, want nil", err)
	}
}
