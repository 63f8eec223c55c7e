package handler_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/handler"
	"aisha/internal/page"
	"aisha/internal/service/audit"
)

func TestListAudit(t *testing.T) {
	t.Parallel()
	nairobi := time.FixedZone("EAT", 3*60*60)
	id := int64(3)
	var filter audit.Filter
	api := newAPI(allowToken, func(o *handler.Options) {
		o.Audit = auditFunc(func(f audit.Filter, _ page.Request) (page.Page[audit.Entry], error) {
			filter = f
			return page.Page[audit.Entry]{Items: []audit.Entry{
				{ID: 2, At: time.Date(2026, 11, 27, 12, 0, 0, 0, nairobi), Actor: "admin", Action: "a", Subject: "s", SubjectID: &id, RequestID: "r",
					Details: json.RawMessage(`{"a": "<é>"}`)},
				{ID: 1, Details: json.RawMessage(`{}`)},
			}}, nil
		})
	})
	got := call(t, api, withToken(get("/operator/audit?actor=A&action=B&subject=C&subject_id=9223372036854775807&from=2026-11-27T00:00:00%2B03:00&to=2026-11-28T00:00:00Z")))
	const want = `{"status":"success","data":{"items":[` +
		`{"id":2,"at":"2026-11-27T09:00:00Z","actor":"admin","action":"a","subject":"s","subject_id":3,"request_id":"r","details":{"a":"<é>"}},` +
		`{"id":1,"at":"0001-01-01T00:00:00Z","actor":"","action":"","subject":"","subject_id":null,"request_id":"","details":{}}],"next":null}}`
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
	}
	from, to := time.Date(2026, 11, 26, 21, 0, 0, 0, time.UTC), time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	wantFilter := audit.Filter{Actor: "A", Action: "B", Subject: "C", SubjectID: 1<<63 - 1, From: &from, To: &to}
	if diff := cmp.Diff(wantFilter, filter); diff != "" {
		t.Errorf("filter (-want +got):\n%s", diff)
	}
}
