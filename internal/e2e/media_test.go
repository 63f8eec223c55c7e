package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"aisha/internal/simulator"
	"aisha/internal/testdb"
)

// The simulated model tells what files it was given, by type and size.
func TestTheModelSeesWhatAPersonSends(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	service := start(t, environment(testdb.New(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	for i, file := range []struct {
		kind, mimeType string
		size           int
	}{
		{"image", "image/jpeg", 70_000},
		{"document", "application/pdf", 300_000},
		{"audio", "audio/ogg; codecs=opus", 9_000},
		{"sticker", "image/webp", 1_000},
	} {
		sim.SendFile(person(i), file.kind, file.mimeType, bytes.Repeat([]byte{0xff}, file.size), token(i, 0))
		waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(i))) == 1 })
		answer := sim.Ledger().SentTo(person(i))[0].Body
		mimeType, _, _ := strings.Cut(file.mimeType, ";")
		for _, want := range []string{token(i, 0), mimeType, fmt.Sprint(file.size, " bytes")} {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: the answer does not say %q: %s", file.kind, want, answer)
			}
		}
	}
}

func TestAFileThatCannotBeHadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	service := start(t, environment(testdb.New(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	sim.Send(person(1), "image", map[string]any{"image": map[string]any{
		"id": "1234", "mime_type": "image/png", "sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", // nobody has it
	}})
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(1))) == 1 })
	l := sim.Ledger()
	if answer := l.SentTo(person(1))[0].Body; !strings.Contains(answer, "could not open") || len(l.ModelCalls) > 0 {
		t.Errorf("the person reads %q, and the model was asked %d times", answer, len(l.ModelCalls))
	}
}
