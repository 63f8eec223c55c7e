package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

const (
	// filesAtOnce is how many people send a file at the same moment. It is the
	// default of REPLY_WORKERS, so the service works on all of them at once.
	filesAtOnce = 64
	// fileBytes is just below the largest file that the model is given.
	fileBytes = 13 << 20
)

// fileMemory returns the peak resident set of a service that answers 64 people
// who each send a picture of 13 MiB at the same moment, in MB.
func (b *bench) fileMemory(ctx context.Context) (float64, error) {
	logProgress("memory with files")
	upstream := startFileUpstream()
	defer upstream.Close()
	s, err := b.launch(ctx, "answering",
		"GEMINI_API_KEY=bench", "GEMINI_BASE_URL="+upstream.URL,
		"WHATSAPP_TOKEN=bench", "WHATSAPP_BASE_URL="+upstream.URL, "REPLY_DEBOUNCE=0")
	if err != nil {
		return 0, err
	}
	megabytes, err := s.memoryWithFiles(ctx, upstream)
	return megabytes, errors.Join(err, s.stop())
}

func (s *runningService) memoryWithFiles(ctx context.Context, upstream *fileUpstream) (float64, error) {
	clients := newPool(s.address, time.Minute)
	defer clients.close()
	for person := range filesAtOnce {
		if err := clients.post(newWebhookBuilder().pictureMessage(person)); err != nil {
			return 0, err
		}
	}
	timeout := time.After(3 * time.Minute)
	for range filesAtOnce {
		select {
		case <-upstream.answers:
		case <-timeout:
			return 0, errors.New("not every picture was answered within the time limit")
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return residentMemory(s.cmd.Process.Pid, peakMemory)
}

// fileUpstream replaces Gemini and the Graph API for people who send pictures.
type fileUpstream struct {
	*httptest.Server
	answers chan struct{} // one for each answer that was sent
}

func startFileUpstream() *fileUpstream {
	u := &fileUpstream{answers: make(chan struct{}, filesAtOnce)}
	picture := append([]byte{0xFF, 0xD8, 0xFF, 0xE0}, make([]byte, fileBytes-4)...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /file/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(picture)
	})
	mux.HandleFunc("GET /v25.0/{id}", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"messaging_product": "whatsapp", "id": r.PathValue("id"), "url": u.URL + "/file/" + r.PathValue("id"),
			"mime_type": "image/jpeg", "file_size": fileBytes,
		})
	})
	mux.HandleFunc("POST /v25.0/{id}/messages", u.send)
	mux.HandleFunc("POST /v1beta/models/{call}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(300 * time.Millisecond) // a fast model; the service keeps the picture until it responds
		_, _ = io.WriteString(w, modelResponse)
	})
	u.Server = httptest.NewServer(mux)
	return u
}

func (u *fileUpstream) send(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !bytes.Contains(body, []byte(`"to":"`)) {
		_, _ = io.WriteString(w, graphSuccess)
		return
	}
	u.answers <- struct{}{}
	_, _ = fmt.Fprintf(w, `{"messaging_product":"whatsapp","messages":[{"id":"wamid.%d"}]}`, time.Now().UnixNano())
}

// pictureMessage returns a webhook with a picture from the person.
func (w *webhookBuilder) pictureMessage(person int) request {
	text := w.textMessage(person)
	body := strings.Replace(string(text.body), `"type":"text","text":{"body":"Habari, I would like to know more"}`,
		fmt.Sprintf(`"type":"image","image":{"id":"%d","mime_type":"image/jpeg","caption":"What is this?"}`, person), 1)
	w.body = append(w.body[:0], body...)
	return w.sign()
}
