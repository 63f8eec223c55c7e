package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aisha/internal/handler"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func TestTheOperatorListsKeptItems(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.WhatsApp = webhook{kept: func(before int64) ([]whatsapp.KeptItem, error) {
			if before != 9 {
				t.Errorf("asked for what is before %d", before)
			}
			return []whatsapp.KeptItem{{ID: 7, Field: "f", Reason: "r", Raw: sensitive.NewText("{}"), ReceivedAt: time.Unix(0, 0)}}, nil
		}}
	})
	r := httptest.NewRequest(http.MethodGet, "/operator/kept-items?before=9", nil)
	r.Header.Set("Authorization", "Bearer T")
	got := call(t, api, r)
	if want := `{"status":"success","data":[{"id":7,"field":"f","reason":"r","raw":"{}","received_at":"1970-01-01T00:00:00Z"}]}`; got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestOperatorRoutesAreForTheOperator(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token, sent, query string
		status             int
		code               string
	}{
		"no token is configured": {"", "T", "", http.StatusServiceUnavailable, "not_configured"},
		"no token is sent":       {"T", "", "", http.StatusUnauthorized, "unauthenticated"},
		"a wrong token is sent":  {"T", "t", "", http.StatusUnauthorized, "unauthenticated"},
		"an odd page is wanted":  {"T", "T", "?before=x", http.StatusUnprocessableEntity, "invalid"},
		"the first page":         {"T", "T", "", http.StatusOK, `"data":[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) { o.AdminToken = sensitive.NewSecret(tt.token) })
			r := httptest.NewRequest(http.MethodGet, "/operator/kept-items"+tt.query, nil)
			r.Header.Set("Authorization", "Bearer "+tt.sent)
			got := callUndescribed(t, api, r)
			if got.status != tt.status || !strings.Contains(got.body, tt.code) {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tt.status, tt.code)
			}
		})
	}
}
