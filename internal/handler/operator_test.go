package handler_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"aisha/internal/handler"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func TestListUnhandledItems(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.WhatsApp = fakeWhatsApp{kept: func(before int64) ([]whatsapp.UnhandledItem, error) {
			if before != 9 {
				t.Errorf("the service got before=%d, want 9", before)
			}
			return []whatsapp.UnhandledItem{{ID: 7, Field: "f", Reason: "r", Raw: sensitive.NewText("{}"), ReceivedAt: time.Unix(0, 0)}}, nil
		}}
	})
	r := get("/operator/kept-items?before=9")
	r.Header.Set("Authorization", "Bearer T")
	got := call(t, api, r)
	want := `{"status":"success","data":[{"id":7,"field":"f","reason":"r","raw":"{}","received_at":"1970-01-01T00:00:00Z"}]}`
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
	}
}

func TestListUnhandledItems_Access(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		configured, sent, query string
		status                  int
		body                    string // part of it
	}{
		"no_token_configured": {"", "T", "", http.StatusServiceUnavailable, "not_configured"},
		"no_token_sent":       {"T", "", "", http.StatusUnauthorized, "unauthenticated"},
		"wrong_token":         {"T", "t", "", http.StatusUnauthorized, "unauthenticated"},
		"invalid_before":      {"T", "T", "?before=x", http.StatusUnprocessableEntity, "invalid"},
		"first_page":          {"T", "T", "", http.StatusOK, `"data":[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) { o.AdminToken = sensitive.NewSecret(tt.configured) })
			r := get("/operator/kept-items" + tt.query)
			r.Header.Set("Authorization", "Bearer "+tt.sent)
			got := callUndescribed(t, api, r)
			if got.status != tt.status || !strings.Contains(got.body, tt.body) {
				t.Errorf("got %d %s, want %d and a body with %s", got.status, got.body, tt.status, tt.body)
			}
		})
	}
}
