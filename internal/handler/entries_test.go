package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/page"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// fakeEntries is a handler.Entries whose methods call functions.
type fakeEntries struct {
	list   func(waitlist.ListRequest) (page.Page[waitlist.Details], error)
	get    func(id int64, expansions []waitlist.Expansion) (waitlist.Details, error)
	update func(id int64, in waitlist.Edit) (waitlist.Entry, error)
}

func (f fakeEntries) List(_ context.Context, in waitlist.ListRequest) resource.Resource[page.Page[waitlist.Details]] {
	return resource.From(f.list(in))
}

func (f fakeEntries) Get(_ context.Context, id int64, expansions []waitlist.Expansion) resource.Resource[waitlist.Details] {
	return resource.From(f.get(id, expansions))
}

func (f fakeEntries) Update(_ context.Context, id int64, in waitlist.Edit) resource.Resource[waitlist.Entry] {
	return resource.From(f.update(id, in))
}

// withEntries returns an option for an API with these entries and the token "T".
func withEntries(entries fakeEntries) func(*handler.Options) {
	return func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.Entries = entries
		o.ReferralCode = func(id int64) string { return fmt.Sprintf("CODE%d", id) }
	}
}

// asOperator adds the token to a request.
func asOperator(r *http.Request) *http.Request {
	r.Header.Set("Authorization", "Bearer T")
	return r
}

func sampleEntry() waitlist.Entry {
	return waitlist.Entry{
		ID: 7, Username: sensitive.NewText("Wanjiku"), PhoneNumber: sensitive.NewPhone("+254712345678"), Status: waitlist.Waiting,
		CreatedAt: time.Date(2026, 11, 22, 13, 15, 0, 0, time.FixedZone("EAT", 3*60*60)), Version: "42",
	}
}

const sampleBody = `"id":7,"username":"Wanjiku","phone_number":"+254712345678","status":"waiting","source":null,"verified_at":null,` +
	`"created_at":"2026-11-22T10:15:00Z","invited_at":null,"joined_at":null,"removed_at":null,"referral_code":"CODE7","referrer_id":null,"note":null`

func TestListEntries(t *testing.T) {
	t.Parallel()
	var got waitlist.ListRequest
	api := newAPI(withEntries(fakeEntries{list: func(in waitlist.ListRequest) (page.Page[waitlist.Details], error) {
		got = in
		return page.Page[waitlist.Details]{Items: []waitlist.Details{{Entry: sampleEntry()}}, Next: []int64{3, 2, 7}, Count: &page.Count{N: 12, Exact: true}}, nil
	}}))
	const path = "/operator/waiting-list?q=%20wanjiku&status=waiting,invited&source=church&verified=true&referrer=5" +
		"&joined_after=2026-01-01T00:00:00Z&joined_before=2026-02-01T03:00:00%2B03:00&order=position&expand=position&limit=1&count=bounded"
	response := call(t, api, asOperator(get(path)))
	if response.status != http.StatusOK || !strings.Contains(response.body, `{"items":[{`+sampleBody+`,"position":null}],"next":"`) ||
		!strings.HasSuffix(response.body, `","count":12,"count_accuracy":"exact"}}`) {
		t.Errorf("got %d %s, want 200 with the entry, its position and the count", response.status, response.body)
	}
	source, verified, referrer := "church", true, int64(5)
	after, before := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	want := waitlist.ListRequest{
		Filter: waitlist.Filter{
			Query: sensitive.NewText(" wanjiku"), Statuses: []waitlist.Status{waitlist.Waiting, waitlist.Invited}, Source: &source,
			Verified: &verified, ReferrerID: &referrer, JoinedAfter: &after, JoinedBefore: &before,
		},
		Order: waitlist.ByPosition, Page: page.Request{Limit: 1, Count: true}, Expansions: []waitlist.Expansion{waitlist.ExpandPosition},
	}
	sameText := cmp.Comparer(func(a, b sensitive.Text) bool { return a == b })
	if diff := cmp.Diff(want, got, sameText); diff != "" {
		t.Errorf("request of the service (-want +got):\n%s", diff)
	}

	// The next page has the key of the last entry.
	link := response.header.Get("Link")
	next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	call(t, api, asOperator(get(next)))
	if diff := cmp.Diff([]int64{3, 2, 7}, got.Page.After); diff != "" {
		t.Errorf("key of the page at %s (-want +got):\n%s", link, diff)
	}
	// The cursor belongs to this filter and order. Other parameters may change.
	for change, wantStatus := range map[string]int{
		"": http.StatusOK, "limit=1/limit=200": http.StatusOK, "&expand=position/": http.StatusOK, "count=bounded&/": http.StatusOK,
		"q=+wanjiku/q=otieno": 422, "status=waiting%2Cinvited/status=waiting": 422, "&source=church/": 422, "order=position/order=id": 422,
		"verified=true/verified=false": 422, "referrer=5/referrer=6": 422, "joined_after=2026/joined_after=2025": 422,
	} {
		from, to, _ := strings.Cut(change, "/")
		changed := strings.Replace(next, from, to, 1)
		if change != "" && changed == next {
			t.Fatalf("%s is not in %s", from, next)
		}
		response := call(t, api, asOperator(get(changed)))
		if response.status != wantStatus || wantStatus == 422 && !strings.Contains(response.body, `"field":"cursor"`) {
			t.Errorf("cursor after the change %q: got %d %s, want %d on the field cursor", change, response.status, response.body, wantStatus)
		}
	}
}

func TestListEntries_Defaults(t *testing.T) {
	t.Parallel()
	var got waitlist.ListRequest
	api := newAPI(withEntries(fakeEntries{list: func(in waitlist.ListRequest) (page.Page[waitlist.Details], error) {
		got = in
		return page.Page[waitlist.Details]{Items: []waitlist.Details{{Entry: sampleEntry()}}}, nil
	}}))
	response := call(t, api, asOperator(get("/operator/waiting-list")))
	if want := `{"status":"success","data":{"items":[{` + sampleBody + `}],"next":null}}`; response.status != http.StatusOK || response.body != want {
		t.Errorf("got %d %s, want 200 %s", response.status, response.body, want)
	}
	want := waitlist.ListRequest{Order: waitlist.Newest, Page: page.Request{Limit: 50}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b sensitive.Text) bool { return a == b })); diff != "" {
		t.Errorf("request of the service (-want +got):\n%s", diff)
	}
}

func TestListEntries_Invalid(t *testing.T) {
	t.Parallel()
	api := newAPI(withEntries(fakeEntries{}))
	for query, field := range map[string]string{
		"status=waitlisted": "status", "status=waiting,": "status", "status=Waiting": "status", "verified=yes": "verified", "verified=1": "verified",
		"referrer=0": "referrer", "referrer=x": "referrer", "referrer=99999999999999999999": "referrer", "order=name": "order", "order=-position": "order",
		"joined_after=2026-02-30T00:00:00Z": "joined_after", "joined_before=yesterday": "joined_before", "joined_after=2026-01-01": "joined_after",
		"joined_after=2026-02-01T00:00:00Z&joined_before=2026-01-01T00:00:00Z": "joined_before",
		"expand=events": "expand", "expand=position,events": "expand", "limit=0": "limit", "limit=201": "limit", "limit=x": "limit", "count=all": "count",
		"cursor=x": "cursor", "cursor=e30": "cursor", "offset=10": "offset", "q=a&q=b": "q", "q=%ff": "q", "q=%00": "q", "q=" + strings.Repeat("a", 1025): "q",
		"source=" + strings.Repeat("a", 65): "source", "Q=a": "Q", "q=%zz": "query",
	} {
		got := call(t, api, asOperator(get("/operator/waiting-list?"+query)))
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%.60s: got %d %s, want 422 on the field %s", query, got.status, got.body, field)
		}
	}
}

func TestGetEntry(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	position, reason, version := int64(3), sensitive.NewText("no answer"), "v1"
	all := waitlist.Details{
		Entry: sampleEntry(), Position: &position,
		Events:   []waitlist.EntryEvent{{At: at, From: waitlist.Invited, To: waitlist.Waiting, Actor: "admin", Reason: &reason}},
		Referees: []waitlist.Referee{{ID: 9, State: "held", CreatedAt: at}},
		Consents: []waitlist.ConsentRecord{{Purpose: "list", Given: true, Version: &version, Channel: "web", At: at}},
		Conversation: []waitlist.ConversationText{
			{At: at, Text: sensitive.NewText("Habari")}, {At: at, IsAnswer: true, Text: sensitive.NewText("Hello!")},
		},
	}
	none := waitlist.Details{Entry: sampleEntry()}
	none.Status = waitlist.Removed
	for name, tt := range map[string]struct {
		query   string
		details waitlist.Details
		want    string // after the members of the entry
	}{
		"nothing": {"", all, ``},
		"all": {"?expand=position,events,referrals,consents,conversation", all, `,"position":3` +
			`,"events":[{"at":"2026-01-01T00:00:00Z","from":"invited","to":"waiting","actor":"admin","reason":"no answer"}]` +
			`,"referrals":[{"id":9,"state":"held","created_at":"2026-01-01T00:00:00Z"}]` +
			`,"consents":[{"purpose":"list","given":true,"version":"v1","channel":"web","at":"2026-01-01T00:00:00Z"}]` +
			`,"conversation":[{"at":"2026-01-01T00:00:00Z","from":"person","text":"Habari"},{"at":"2026-01-01T00:00:00Z","from":"assistant","text":"Hello!"}]`},
		"one":     {"?expand=events", all, `,"events":[{"at":"2026-01-01T00:00:00Z","from":"invited","to":"waiting","actor":"admin","reason":"no answer"}]`},
		"twice":   {"?expand=position,position", all, `,"position":3`},
		"missing": {"?expand=conversation,position,consents,referrals,events", none, `,"position":null,"events":[],"referrals":[],"consents":[],"conversation":[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(withEntries(fakeEntries{get: func(id int64, expansions []waitlist.Expansion) (waitlist.Details, error) {
				if id != 7 || len(expansions) != strings.Count(tt.query, ",")+strings.Count(tt.query, "=") {
					t.Errorf("the service got id %d and %v, want 7 and %s", id, expansions, tt.query)
				}
				return tt.details, nil
			}}))
			got := call(t, api, asOperator(get("/operator/waiting-list/7"+tt.query)))
			entry := strings.Replace(sampleBody, `"waiting"`, `"`+string(tt.details.Status)+`"`, 1)
			if want := `{"status":"success","data":{` + entry + tt.want + `}}`; got.status != http.StatusOK || got.body != want {
				t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
			}
			if etag := got.header.Get("ETag"); etag != `"42"` {
				t.Errorf(`got the ETag %s, want "42"`, etag)
			}
		})
	}
}

func TestGetEntry_Failures(t *testing.T) {
	t.Parallel()
	api := newAPI(withEntries(fakeEntries{get: func(int64, []waitlist.Expansion) (waitlist.Details, error) {
		return waitlist.Details{}, fault.New(fault.NotFound, "there is no entry with this id")
	}}))
	for path, want := range map[string]int{
		"7": 404, "0": 404, "-1": 404, "abc": 404, "7.0": 404, "99999999999999999999": 404, "7?expand=everything": 422, "7?expand=position,": 422, "7?limit=1": 422,
	} {
		got := callUndescribed(t, api, asOperator(get("/operator/waiting-list/"+path)))
		if got.status != want {
			t.Errorf("%s: got %d %s, want %d", path, got.status, got.body, want)
		}
	}
}

func patch(path, body string) *http.Request {
	r := post(path, body)
	r.Method = http.MethodPatch
	return asOperator(r)
}

func TestUpdateEntry(t *testing.T) {
	t.Parallel()
	value := func(s string) *string { return &s }
	for name, tt := range map[string]struct {
		body    string
		ifMatch []string
		want    waitlist.Edit
	}{
		"all":         {`{"username":"Amani","source":"church","note":"a\nb"}`, nil, waitlist.Edit{Username: value("Amani"), Source: value("church"), Note: value("a\nb")}},
		"nothing":     {`{}`, nil, waitlist.Edit{}},
		"null_clears": {`{"source":null,"note":null}`, nil, waitlist.Edit{Source: value(""), Note: value("")}},
		"version":     {`{}`, []string{`"42"`}, waitlist.Edit{Versions: []string{"42"}}},
		"weak":        {`{}`, []string{`W/"42"`}, waitlist.Edit{Versions: []string{"42"}}},
		"several":     {`{}`, []string{`"41", W/"42"`, ` "43"`}, waitlist.Edit{Versions: []string{"41", "42", "43"}}},
		"any":         {`{}`, []string{`*`}, waitlist.Edit{}},
		"empty":       {`{}`, []string{``}, waitlist.Edit{Versions: []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(withEntries(fakeEntries{update: func(id int64, in waitlist.Edit) (waitlist.Entry, error) {
				if diff := cmp.Diff(tt.want, in); id != 7 || diff != "" {
					t.Errorf("the service got the id %d and (-want +got):\n%s", id, diff)
				}
				return sampleEntry(), nil
			}}))
			r := patch("/operator/waiting-list/7", tt.body)
			if tt.ifMatch != nil {
				r.Header["If-Match"] = tt.ifMatch
			}
			got := callUndescribed(t, api, r) // the description does not allow an empty If-Match
			if want := `{"status":"success","data":{` + sampleBody + `}}`; got.status != http.StatusOK || got.body != want || got.header.Get("ETag") != `"42"` {
				t.Errorf("got %d %s, ETag %s; want 200 %s and 42", got.status, got.body, got.header.Get("ETag"), want)
			}
		})
	}
}

func TestUpdateEntry_Failures(t *testing.T) {
	t.Parallel()
	api := newAPI(withEntries(fakeEntries{update: func(int64, waitlist.Edit) (waitlist.Entry, error) {
		return waitlist.Entry{}, fault.New(fault.Conflict, "the entry has changed")
	}}))
	for name, tt := range map[string]struct {
		id, body, ifMatch string
		status            int
		want              string
	}{
		"changed":        {"7", `{}`, `"1"`, 409, `"code":"conflict"`},
		"unquoted":       {"7", `{}`, `42`, 422, `"field":"If-Match"`},
		"half_quoted":    {"7", `{}`, `"42`, 422, `"field":"If-Match"`},
		"one_quote":      {"7", `{}`, `"`, 422, `"field":"If-Match"`},
		"unknown_member": {"7", `{"phone_number":"0712345678"}`, ``, 422, `"field":"phone_number"`},
		"status":         {"7", `{"status":"invited"}`, ``, 422, `"field":"status"`},
		"username_null":  {"7", `{"username":null}`, ``, 422, `"field":"username"`},
		"source_number":  {"7", `{"source":1}`, ``, 422, `"field":"source"`},
		"note_list":      {"7", `{"note":[]}`, ``, 422, `"field":"note"`},
		"list":           {"7", `[]`, ``, 422, `"field":"body"`},
		"not_json":       {"7", `{`, ``, 400, `"code":"malformed"`},
		"no_id":          {"abc", `{}`, ``, 404, `"code":"not_found"`},
		"id_0":           {"0", `{}`, ``, 404, `"code":"not_found"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := patch("/operator/waiting-list/"+tt.id, tt.body)
			if tt.ifMatch != "" {
				r.Header.Set("If-Match", tt.ifMatch)
			}
			got := callUndescribed(t, api, r)
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want %d with %s", got.status, got.body, tt.status, tt.want)
			}
			var body map[string]any
			if err := json.Unmarshal([]byte(got.body), &body); err != nil || body["status"] != "failure" {
				t.Errorf("got %s, error %v; want a failure", got.body, err)
			}
		})
	}
}
