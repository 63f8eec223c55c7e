package handler_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/handler"
	"aisha/internal/page"
	"aisha/internal/service/audit"
)

// pagedAudit returns an API whose audit has the ids from n down to 1, and where it
// stores the last request for a page.
func pagedAudit(n int64) (http.Handler, *page.Request) {
	last := &page.Request{}
	return newAPI(allowToken, func(o *handler.Options) {
		o.Audit = auditFunc(func(_ audit.Filter, request page.Request) (page.Page[audit.Entry], error) {
			*last = request
			id := n
			if request.After != nil {
				id = request.After[0] - 1
			}
			var entries []audit.Entry
			for ; id > 0 && len(entries) <= request.Limit; id-- {
				entries = append(entries, audit.Entry{ID: id, Details: json.RawMessage(`{}`)})
			}
			p := page.New(entries, request.Limit, func(e audit.Entry) []int64 { return []int64{e.ID} })
			if request.Count {
				p.Count = page.NewCount(int(n))
			}
			return p, nil
		})
	}), last
}

type auditPage struct {
	Data struct {
		Items         []struct{ ID int64 }
		Next          *string
		Count         *int
		CountAccuracy *string `json:"count_accuracy"`
	}
}

func getAuditPage(t *testing.T, api http.Handler, target string) (auditPage, http.Header) {
	t.Helper()
	got := call(t, api, withToken(get(target)))
	var body auditPage
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || got.status != http.StatusOK {
		t.Fatalf("GET %s: got %d %s, %v; want a page", target, got.status, got.body, err)
	}
	return body, got.header
}

// A client that follows next, or Link, sees every item once.
func TestPage_next(t *testing.T) {
	t.Parallel()
	api, _ := pagedAudit(7)
	for name, follow := range map[string]func(body auditPage, header http.Header) string{
		"next": func(body auditPage, _ http.Header) string {
			return "/operator/audit?actor=a%26b&limit=3&cursor=" + url.QueryEscape(*body.Data.Next)
		},
		"link": func(_ auditPage, header http.Header) string {
			target, relation, _ := strings.Cut(strings.TrimPrefix(header.Get("Link"), "<"), ">; ")
			if relation != `rel="next"` {
				t.Errorf("Link is %q, want the relation next", header.Get("Link"))
			}
			return target
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []int64
			for target := "/operator/audit?actor=a%26b&limit=3"; target != ""; {
				body, header := getAuditPage(t, api, target)
				for _, item := range body.Data.Items {
					ids = append(ids, item.ID)
				}
				if (body.Data.Next == nil) != (header.Get("Link") == "") {
					t.Errorf("GET %s: next is %v and Link %q, want both or neither", target, body.Data.Next, header.Get("Link"))
				}
				if target = ""; body.Data.Next != nil {
					target = follow(body, header)
				}
			}
			if diff := cmp.Diff([]int64{7, 6, 5, 4, 3, 2, 1}, ids); diff != "" {
				t.Errorf("ids of all pages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPage_cursor(t *testing.T) {
	t.Parallel()
	api, last := pagedAudit(7)
	first, _ := getAuditPage(t, api, "/operator/audit?actor=a&limit=2")
	next := *first.Data.Next
	for name, tt := range map[string]struct {
		target string
		valid  bool
	}{
		"same_filter":            {"/operator/audit?actor=a&cursor=" + next, true},
		"another_limit":          {"/operator/audit?actor=a&limit=200&cursor=" + next, true},
		"counted":                {"/operator/audit?count=bounded&actor=a&cursor=" + next, true},
		"blank_parameter":        {"/operator/audit?actor=a&action=&cursor=" + next, true},
		"another_filter":         {"/operator/audit?actor=b&cursor=" + next, false},
		"no_filter":              {"/operator/audit?cursor=" + next, false},
		"one_more_filter":        {"/operator/audit?actor=a&subject=x&cursor=" + next, false},
		"another_list":           {"/operator/unhandled-items?cursor=" + emptyFilterCursor(t, api), false},
		"garbage":                {"/operator/audit?actor=a&cursor=x", false},
		"cut":                    {"/operator/audit?actor=a&cursor=" + next[:len(next)-2], false},
		"base64_of_another_text": {"/operator/audit?actor=a&cursor=aGVsbG8", false},
		"json_without_key":       {"/operator/audit?actor=a&cursor=e30", false},
		"too_long":               {"/operator/audit?actor=a&cursor=" + strings.Repeat("A", 2000), false},
	} {
		got := call(t, api, withToken(get(tt.target)))
		if tt.valid {
			if got.status != http.StatusOK || len(last.After) != 1 || last.After[0] != 6 {
				t.Errorf("%s: got %d and the key %v, want 200 and 6", name, got.status, last.After)
			}
			continue
		}
		wantFailure(t, got, http.StatusUnprocessableEntity, "invalid")
		if diff := cmp.Diff([]string{"cursor"}, fieldsOf(t, got)); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", name, diff)
		}
	}
}

// emptyFilterCursor returns a cursor of the audit without a filter.
func emptyFilterCursor(t *testing.T, api http.Handler) string {
	t.Helper()
	first, _ := getAuditPage(t, api, "/operator/audit?limit=2")
	return *first.Data.Next
}

func TestPage_limitAndCount(t *testing.T) {
	t.Parallel()
	number := func(n int) *int { return &n }
	text := func(s string) *string { return &s }
	for query, tt := range map[string]struct {
		items    int64
		want     page.Request
		count    *int
		accuracy *string
	}{
		"":                       {1, page.Request{Limit: 50}, nil, nil},
		"?limit=1":               {1, page.Request{Limit: 1}, nil, nil},
		"?limit=200":             {1, page.Request{Limit: 200}, nil, nil},
		"?limit=":                {1, page.Request{Limit: 50}, nil, nil},
		"?count=bounded":         {3, page.Request{Limit: 50, Count: true}, number(3), text("exact")},
		"?count=bounded&limit=1": {10_000, page.Request{Limit: 1, Count: true}, number(10_000), text("exact")},
		"?count=bounded&limit=2": {10_001, page.Request{Limit: 2, Count: true}, number(10_000), text("at_least")},
	} {
		api, last := pagedAudit(tt.items)
		body, _ := getAuditPage(t, api, "/operator/audit"+query)
		if diff := cmp.Diff(tt.want, *last); diff != "" {
			t.Errorf("%q: request (-want +got):\n%s", query, diff)
		}
		if diff := cmp.Diff(tt.count, body.Data.Count); diff != "" {
			t.Errorf("%q: count (-want +got):\n%s", query, diff)
		}
		if diff := cmp.Diff(tt.accuracy, body.Data.CountAccuracy); diff != "" {
			t.Errorf("%q: count_accuracy (-want +got):\n%s", query, diff)
		}
	}
}

func TestQuery_invalid(t *testing.T) {
	t.Parallel()
	api := newAPI(allowToken)
	for query, want := range map[string][]string{
		"from=yesterday":             {"from"},
		"from=2026-02-30T00:00:00Z":  {"from"},
		"from=2026-11-27":            {"from"},
		"subject_id=0":               {"subject_id"},
		"subject_id=x":               {"subject_id"},
		"actor=%ff":                  {"actor"},
		"actor=%00":                  {"actor"},
		"actor=a&actor=b":            {"actor"},
		"zz=1&aa=2":                  {"aa", "zz"},
		"limit=0&from=x&unknown=1":   {"from", "limit", "unknown"},
		"actor=%zz":                  {"query"},
		"to=2026-11-27T09:00:00":     {"to"},
		"actor=" + longText(1025):    {"actor"},
		"subject_id=" + longText(19): {"subject_id"},
	} {
		got := call(t, api, withToken(get("/operator/audit?"+query)))
		wantFailure(t, got, http.StatusUnprocessableEntity, "invalid")
		if diff := cmp.Diff(want, fieldsOf(t, got)); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", query, diff)
		}
	}
}

func longText(n int) string { return strings.Repeat("9", n) }
