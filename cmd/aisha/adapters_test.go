package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aisha/internal/client/geminiapi"
	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
	"aisha/internal/service/whatsapp"
)

// newModelAdapter returns a modelAdapter whose API always gives this response.
func newModelAdapter(t *testing.T, status int, body string) modelAdapter {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	client, err := geminiapi.New(t.Context(), geminiapi.Options{
		APIKey:  sensitive.NewSecret("key"),
		BaseURL: server.URL,
		Model:   "m",
		Timeout: 5 * time.Second,
		Log:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("geminiapi.New: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return modelAdapter{gemini.New(client)}
}

func TestModelAdapter_Complete_errors(t *testing.T) {
	t.Parallel()
	const (
		invalid = `{"error":{"code":400,"message":"The document has no pages.","status":"INVALID_ARGUMENT"}}`
		badKey  = `{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}`
	)
	for name, tt := range map[string]struct {
		status         int
		body           string
		withFile       bool
		wantUnreadable bool
		wantReason     string
	}{
		"invalid_request_with_a_file":    {400, invalid, true, true, "request_rejected"},
		"invalid_request_without_a_file": {400, invalid, false, false, "request_rejected"},
		"rejected_key_with_a_file":       {403, badKey, true, false, "key_rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			question := whatsapp.Question{Text: sensitive.NewText("hi")}
			if tt.withFile {
				question.Files = []whatsapp.File{{MIMEType: "application/pdf", Data: []byte("%PDF-1.7")}}
			}
			_, err := newModelAdapter(t, tt.status, tt.body).Complete(context.Background(), question)
			if got := errors.Is(err, whatsapp.ErrUnreadableFile); got != tt.wantUnreadable {
				t.Errorf("error = %v, is ErrUnreadableFile: %t, want %t", err, got, tt.wantUnreadable)
			}
			if failure := fault.Of(err); failure == nil || failure.Kind != fault.Upstream || failure.Transient {
				t.Errorf("error = %v, want a permanent fault.Upstream", err)
			}
			var reason interface{ Reason() string }
			if !errors.As(err, &reason) || reason.Reason() != tt.wantReason {
				t.Errorf("error = %v, want the reason %q", err, tt.wantReason)
			}
		})
	}
}

func TestModelAdapter_Complete_truncated(t *testing.T) {
	t.Parallel()
	for finishReason, want := range map[string]bool{"STOP": false, "MAX_TOKENS": true} {
		t.Run(finishReason, func(t *testing.T) {
			t.Parallel()
			body := `[{"candidates":[{"content":{"role":"model","parts":[{"text":"half"}]},"finishReason":"` + finishReason + `","index":0}]}]`
			got, err := newModelAdapter(t, 200, body).Complete(context.Background(), whatsapp.Question{Text: sensitive.NewText("hi")})
			if err != nil || got.Truncated != want {
				t.Errorf("Complete = truncated %t, %v; want truncated %t", got.Truncated, err, want)
			}
		})
	}
}
