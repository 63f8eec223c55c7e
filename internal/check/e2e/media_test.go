package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
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
		named          string
	}{
		{"image", "image/jpeg", 70_000, "[image]"},
		{"document", "application/pdf", 300_000, "[document document]"},
		{"audio", "audio/ogg; codecs=opus", 9_000, "[audio]"},
		{"sticker", "image/webp", 1_000, "[sticker]"},
	} {
		sim.SendFile(person(i), file.kind, file.mimeType, bytes.Repeat([]byte{0xff}, file.size), token(i, 0))
		waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(i))) == 1 })
		answer := sim.Ledger().SentTo(person(i))[0].Body
		mimeType, _, _ := strings.Cut(file.mimeType, ";")
		for _, want := range []string{token(i, 0), mimeType, fmt.Sprint(file.size, " bytes"), file.named} {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: the answer does not say %q: %s", file.kind, want, answer)
			}
		}
	}
}

func TestAFileThatCannotBeHadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		front func(graph http.Handler) http.Handler
		send  func(*simulator.Simulator)
	}{
		"gone": {nil, func(sim *simulator.Simulator) {
			sim.Send(person(1), "image", map[string]any{"image": map[string]any{"id": "1234", "mime_type": "image/png"}})
		}},
		"a document that is gone": {nil, func(sim *simulator.Simulator) {
			sim.Send(person(1), "document", map[string]any{"document": map[string]any{"id": "1234", "mime_type": "application/pdf", "filename": "a.pdf"}})
		}},
		"too large": {nil, func(sim *simulator.Simulator) {
			sim.SendFile(person(1), "video", "video/mp4", make([]byte, 15<<20), "")
		}},
		"not what was sent": {otherBytes, func(sim *simulator.Simulator) {
			sim.SendFile(person(1), "image", "image/jpeg", []byte("a picture"), "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := simulator.New(agreed)
			service := start(t, environment(testdb.New(t), serveSimulator(t, sim, tt.front)), "serve")
			sim.SetWebhookURL(service.url + "/webhook/whatsapp")
			tt.send(sim)
			waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(1))) == 1 })
			l := sim.Ledger()
			if answer := l.SentTo(person(1))[0].Body; !strings.Contains(answer, "could not open") || len(l.ModelCalls) > 0 {
				t.Errorf("the person reads %q, and the model was asked %d times", answer, len(l.ModelCalls))
			}
		})
	}
}

// otherBytes hands out files that are not the ones that were sent.
func otherBytes(graph http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/attachments/") {
			_, _ = io.WriteString(w, "another picture")
			return
		}
		graph.ServeHTTP(w, r)
	})
}
