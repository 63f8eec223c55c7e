package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// modelMiddleware calls respond with the body of each request to the model. Where
// respond returns false, the simulator answers the request.
func modelMiddleware(respond func(w http.ResponseWriter, body []byte) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "enerateContent") {
				body, _ := io.ReadAll(r.Body)
				if respond(w, body) {
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// The person is sent an answer to their words at once, and a later message does
// not wait.
func TestMedia_FileThatTheModelCannotOpen(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulatorOptions)
	simURL := serveSimulator(t, sim, modelMiddleware(func(w http.ResponseWriter, body []byte) bool {
		if !bytes.Contains(body, []byte(`"inlineData"`)) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"code":400,"message":"The document has no pages.","status":"INVALID_ARGUMENT"}}`)
		return true
	}))
	service := start(t, environment(testdb.New(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	for i, file := range []struct{ kind, mimeType, content, caption string }{
		{"document", "application/pdf", "%PDF-1.7 broken", ""},
		{"document", "application/pdf", "%PDF-1.7 broken", token(1, 0)},
		{"image", "image/jpeg", "\xff\xd8\xff broken", token(2, 0)},
	} {
		sim.SendFile(person(i), file.kind, file.mimeType, []byte(file.content), file.caption)
		waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(i))) == 1 })
		answer := sim.Ledger().SentTo(person(i))[0].Body
		if !strings.Contains(answer, "could not open") || !strings.Contains(answer, file.caption) {
			t.Errorf("%s %q: the answer is %q, want the note about the file and the caption", file.kind, file.caption, answer)
		}
		sim.Say(person(i), token(i, 1))
		waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(i))) == 2 })
		if answer := sim.Ledger().SentTo(person(i))[1].Body; !strings.Contains(answer, token(i, 1)) {
			t.Errorf("%s %q: the answer to the next message is %q, want %q in it", file.kind, file.caption, answer, token(i, 1))
		}
	}
}

func TestMedia_TypeByContent(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	service := start(t, environment(testdb.New(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	for i, file := range []struct{ kind, mimeType, content, want string }{
		{"document", "application/octet-stream", "%PDF-1.7\n", "application/pdf"},
		{"image", "image/jpg", "\xff\xd8\xff\xe0", "image/jpeg"},
		{"audio", "audio/opus", "OggS\x00\x02", "audio/ogg"},
		{"document", "text/csv", "name,age\n", "text/plain"},
		{"document", "application/octet-stream", "PK\x03\x04", "could not open"},
	} {
		sim.SendFile(person(i), file.kind, file.mimeType, []byte(file.content), token(i, 0))
		waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(i))) == 1 })
		if answer := sim.Ledger().SentTo(person(i))[0].Body; !strings.Contains(answer, file.want) || !strings.Contains(answer, token(i, 0)) {
			t.Errorf("%s: the answer is %q, want %q and the caption in it", file.mimeType, answer, file.want)
		}
	}
}

// A file may be what ends the process. After the third end the person is answered
// without it.
func TestMedia_ProcessDiesWhileItDownloadsAFile(t *testing.T) {
	t.Parallel()
	downloads := make(chan struct{})
	sim := simulator.New(simulatorOptions)
	simURL := serveSimulator(t, sim, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/attachments/") {
				select {
				case downloads <- struct{}{}:
				case <-r.Context().Done():
				}
				<-r.Context().Done()
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	env := environment(testdb.New(t), simURL)
	service := start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	sim.SendFile(person(1), "image", "image/jpeg", []byte("\xff\xd8\xff"), token(1, 0))
	for range 3 {
		select {
		case <-downloads:
		case <-time.After(waitLimit):
			t.Fatal("no download of the file")
		}
		sim.Say(person(1), token(1, 1)) // makes another job for the same person
		waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Pending == 0 })
		service.kill()
		service = start(t, env, "serve")
		sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	}
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(1))) == 1 })
	answer := sim.Ledger().SentTo(person(1))[0].Body
	for _, want := range []string{"could not open", token(1, 0), token(1, 1)} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer is %q, want %q in it", answer, want)
		}
	}
}

func TestAnswer_HasAtMostFiveMessages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("This is one of many sentences. ", 1<<20/31)
	response, err := json.Marshal([]map[string]any{{"candidates": []map[string]any{{
		"content": map[string]any{"role": "model", "parts": []map[string]any{{"text": long}}}, "finishReason": "STOP", "index": 0,
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	sim := simulator.New(simulatorOptions)
	simURL := serveSimulator(t, sim, modelMiddleware(func(w http.ResponseWriter, body []byte) bool {
		if bytes.Contains(body, []byte("continue")) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(response)
		return true
	}))
	database := testdb.New(t)
	service := start(t, environment(database, simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	sim.Say(person(1), "tell me everything")
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(1))) >= 5 })
	if err := waitUntilIdle(t, database); err != nil {
		t.Error(err)
	}
	sent := sim.Ledger().SentTo(person(1))
	if len(sent) != 5 || !strings.Contains(sent[4].Body, "write *continue*") {
		t.Errorf("%d messages, the last of %d bytes; want 5, the last with the offer of the rest", len(sent), len(sent[len(sent)-1].Body))
	}
}

// A message to a number that Meta does not let us use holds up neither the other
// numbers nor the same person's messages to them.
func TestSend_UnknownNumberHoldsNothingElseUp(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	service := start(t, environment(testdb.New(t), simURL, "WHATSAPP_PHONE_NUMBER_ID="), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	sim.Say(person(1), token(1, 0))
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(1))) == 1 })

	postWebhook(t, service.url, fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{
		"messaging_product":"whatsapp","metadata":{"display_phone_number":"16505551111","phone_number_id":"200000000000009"},
		"contacts":[{"profile":{"name":"test"},"wa_id":%q,"user_id":%q}],
		"messages":[{"from":%q,"from_user_id":%q,"id":"wamid.other","timestamp":"%d","type":"text","text":{"body":"this is a text message"}}]}}]}]}`,
		person(1).Phone, person(1).UserID, person(1).Phone, person(1).UserID, time.Now().Unix()))
	waitForBody(t, service.url+"/metrics", `aisha_send_holds{needs_operator="true"} 1`)

	sim.Say(person(1), token(1, 1))
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(1))) == 2 })
	if answer := sim.Ledger().SentTo(person(1))[1].Body; !strings.Contains(answer, token(1, 1)) {
		t.Errorf("the answer is %q, want %q in it", answer, token(1, 1))
	}
	if _, body := request(t, "GET", service.url+"/readyz", ""); !strings.Contains(body, `"sending":"waiting"`) {
		t.Errorf(`GET /readyz: got %s, want "sending":"waiting"`, body)
	}
}

// waitForBody waits until a GET of the URL has the text in its response.
func waitForBody(t *testing.T, url, text string) {
	t.Helper()
	ctx, cancel := contextWithTimeout(t)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, body := request(t, "GET", url, "")
		if strings.Contains(body, text) {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("GET %s does not have %q in time:\n%s", url, text, body)
		}
	}
}
