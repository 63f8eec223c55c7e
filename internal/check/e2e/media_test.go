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

// The simulated model names the type and the size of the files that it received.
func TestMedia_ModelReceivesFiles(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	service := start(t, environment(testdb.New(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	for i, file := range []struct {
		kind, mimeType string
		size           int
		label          string
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
		for _, want := range []string{token(i, 0), mimeType, fmt.Sprint(file.size, " bytes"), file.label} {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: the answer does not contain %q: %s", file.kind, want, answer)
			}
		}
	}
}

func TestMedia_UnreadableFileIsRequestedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		middleware func(graph http.Handler) http.Handler
		send       func(*simulator.Simulator)
	}{
		"missing_file": {nil, func(sim *simulator.Simulator) {
			sim.Send(person(1), "image", map[string]any{"image": map[string]any{"id": "1234", "mime_type": "image/png"}})
		}},
		"missing_document": {nil, func(sim *simulator.Simulator) {
			sim.Send(person(1), "document", map[string]any{"document": map[string]any{"id": "1234", "mime_type": "application/pdf", "filename": "a.pdf"}})
		}},
		"too_large": {nil, func(sim *simulator.Simulator) {
			sim.SendFile(person(1), "video", "video/mp4", make([]byte, 15<<20), "")
		}},
		"changed_content": {serveOtherBytes, func(sim *simulator.Simulator) {
			sim.SendFile(person(1), "image", "image/jpeg", []byte("a picture"), "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := simulator.New(simulatorOptions)
			service := start(t, environment(testdb.New(t), serveSimulator(t, sim, tt.middleware)), "serve")
			sim.SetWebhookURL(service.url + "/webhook/whatsapp")
			tt.send(sim)
			waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(1))) == 1 })
			l := sim.Ledger()
			if answer := l.SentTo(person(1))[0].Body; !strings.Contains(answer, "could not open") || len(l.ModelCalls) > 0 {
				t.Errorf("answer = %q with %d model calls, want \"could not open\" and no model call", answer, len(l.ModelCalls))
			}
		})
	}
}

// serveOtherBytes serves file contents that differ from the files that were sent.
func serveOtherBytes(graph http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/attachments/") {
			_, _ = io.WriteString(w, "another picture")
			return
		}
		graph.ServeHTTP(w, r)
	})
}
