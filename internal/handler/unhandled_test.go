package handler_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/page"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func TestListUnhandledItems(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.WhatsApp = fakeWhatsApp{unhandled: func(request page.Request) (page.Page[whatsapp.UnhandledItem], error) {
			if diff := cmp.Diff(page.Request{Limit: 1}, request); diff != "" {
				t.Errorf("the service got another request (-want +got):\n%s", diff)
			}
			item := whatsapp.UnhandledItem{ID: 7, Field: "f", Reason: "r", Raw: sensitive.NewText("{}"), Truncated: true, ReceivedAt: time.Unix(0, 0)}
			return page.Page[whatsapp.UnhandledItem]{Items: []whatsapp.UnhandledItem{item}}, nil
		}}
	})
	r := get("/operator/unhandled-items?limit=1")
	r.Header.Set("Authorization", "Bearer T")
	got := call(t, api, r)
	want := `{"status":"success","data":{"items":[{"id":7,"field":"f","reason":"r","raw":"{}","truncated":true,"received_at":"1970-01-01T00:00:00Z"}],"next":null}}`
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
		"unknown_parameter":   {"T", "T", "?before=9", http.StatusUnprocessableEntity, `"field":"before"`},
		"first_page":          {"T", "T", "", http.StatusOK, `"data":{"items":[],"next":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) { o.AdminToken = sensitive.NewSecret(tt.configured) })
			r := get("/operator/unhandled-items" + tt.query)
			r.Header.Set("Authorization", "Bearer "+tt.sent)
			got := callUndescribed(t, api, r)
			if got.status != tt.status || !strings.Contains(got.body, tt.body) {
				t.Errorf("got %d %s, want %d and a body with %s", got.status, got.body, tt.status, tt.body)
			}
		})
	}
}

func TestGetUnhandledItem(t *testing.T) {
	t.Parallel()
	raw := strings.Repeat("\x01<\u20ac", 200_000)
	api := newAPI(func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.WhatsApp = fakeWhatsApp{item: func(id int64) (whatsapp.UnhandledItem, error) {
			if id != 7 {
				return whatsapp.UnhandledItem{}, fault.New(fault.NotFound, "no item")
			}
			return whatsapp.UnhandledItem{ID: 7, Field: "f", Reason: "r", Raw: sensitive.NewText(raw), ReceivedAt: time.Unix(0, 0)}, nil
		}}
	})
	request := func(path string) *http.Request {
		r := get(path)
		r.Header.Set("Authorization", "Bearer T")
		return r
	}
	got := call(t, api, request("/operator/unhandled-items/7"))
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	escaped := strings.ReplaceAll(string(text), `\u003c`, "<")
	want := `{"status":"success","data":{"id":7,"field":"f","reason":"r","raw":` + escaped + `,"truncated":false,"received_at":"1970-01-01T00:00:00Z"}}`
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d and %d bytes %.100s…, want 200 and %d bytes", got.status, len(got.body), got.body, len(want))
	}
	for _, id := range []string{"8", "0", "-1", "x", "99999999999999999999"} {
		wantFailure(t, call(t, api, request("/operator/unhandled-items/"+id)), http.StatusNotFound, "not_found")
	}
	wantFailure(t, call(t, api, get("/operator/unhandled-items/7")), http.StatusUnauthorized, "unauthenticated")
}
