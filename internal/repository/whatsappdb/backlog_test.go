package whatsappdb_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/repository/whatsappdb"
	"aisha/internal/service/whatsapp"
)

func TestOutbox_Backlog(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	empty, err := o.Backlog(t.Context())
	if err != nil {
		t.Errorf("Backlog: got error %v, want nil", err)
	}
	if empty.Holds = nil; !cmp.Equal(empty, whatsapp.Backlog{}) {
		t.Errorf("empty database: got %+v, want zero", empty)
	}
	mustStore(t, whatsappdb.NewInbox(o.pool), messageBatch(
		textMessage("w1", identity("KE.1", ""), "a"),
		textMessage("w2", identity("KE.1", ""), "b")))
	o.exec(`UPDATE message SET received_at = now() - interval '1 hour' WHERE wamid = 'w1'`)

	parts := newParts(t, o.pool, 7)
	for _, part := range parts[:4] {
		o.mustBegin(part)
	}
	o.exec(`UPDATE answer_part SET attempted_at = now() - interval '1 minute' WHERE id = $1`, parts[0].ID)
	o.accept(parts[1], "out1")
	o.refuse(o.mustBegin(parts[4]), whatsapp.HoldForOperator, 190)

	got, err := o.Backlog(t.Context())
	if err != nil {
		t.Fatalf("Backlog: got error %v, want nil", err)
	}
	if got.OldestMessage < time.Hour || got.OldestMessage > 2*time.Hour {
		t.Errorf("age of the oldest message: got %v, want 1h", got.OldestMessage)
	}
	if len(got.Holds) != 1 || got.Holds[0].ErrorCode != 190 {
		t.Errorf("holds: got %+v, want one with the code 190", got.Holds)
	}
	want := whatsapp.Backlog{Messages: 2, Unsent: 3, Sending: 2, Unknown: 1}
	got.OldestMessage, got.Holds = 0, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("backlog (-want +got):\n%s", diff)
	}
}
