package repository_test

import (
	"testing"
	"time"

	"aisha/internal/repository"
	"aisha/internal/service/whatsapp"
)

func TestBacklogCountsWhatWaits(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	if backlog, err := s.Backlog(t.Context()); err != nil || backlog.Messages != 0 || backlog.OldestMessage != 0 || backlog.Unsent != 0 {
		t.Errorf("of nothing: %+v, %v", backlog, err)
	}
	store(t, repository.NewInbox(s.pool), whatsapp.Batch{Messages: []whatsapp.Message{
		text("w1", "KE.1", "", "a"), text("w2", "KE.1", "", "b")}})
	s.exec(`UPDATE message SET received_at = now() - interval '1 hour' WHERE wamid = 'w1'`)

	parts := toSend(t, s.pool, 7)
	for _, part := range parts[:4] {
		s.mustBegin(part)
	}
	s.exec(`UPDATE part SET attempted_at = now() - interval '1 minute' WHERE id = $1`, parts[0].ID)
	s.accept(parts[1], "out1")
	closing := s.mustBegin(parts[4])
	s.refuse(closing, whatsapp.Stop, 190)

	backlog, err := s.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if backlog.Messages != 2 || backlog.OldestMessage < time.Hour || backlog.OldestMessage > 2*time.Hour {
		t.Errorf("messages: %+v", backlog)
	}
	if backlog.Unsent != 3 || backlog.Sending != 2 || backlog.Unknown != 1 {
		t.Errorf("parts: %+v", backlog)
	}
	if len(backlog.Closed) != 1 || backlog.Closed[0].Code != 190 {
		t.Errorf("gates: %+v", backlog.Closed)
	}
}
