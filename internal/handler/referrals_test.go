package handler_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/page"
	"aisha/internal/ratelimit"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// fakeReferrals implements handler.Referrals. Its nil functions succeed.
type fakeReferrals struct {
	byCode func(code string) (waitlist.CodeStatus, error)
	list   func(waitlist.ReferralFilter, page.Request) (page.Page[waitlist.Referral], error)
	decide func(id int64, state waitlist.ReferralState, reason string) (waitlist.Referral, error)
}

func (f fakeReferrals) ByCode(_ context.Context, code string) resource.Resource[waitlist.CodeStatus] {
	if f.byCode == nil {
		return resource.Success(waitlist.CodeStatus{})
	}
	return resource.From(f.byCode(code))
}

func (f fakeReferrals) List(_ context.Context, filter waitlist.ReferralFilter, request page.Request) resource.Resource[page.Page[waitlist.Referral]] {
	if f.list == nil {
		return resource.Success(page.Page[waitlist.Referral]{})
	}
	return resource.From(f.list(filter, request))
}

func (f fakeReferrals) Credit(_ context.Context, id int64, reason sensitive.Text) resource.Resource[waitlist.Referral] {
	return f.decided(id, waitlist.ReferralCredited, reason)
}

func (f fakeReferrals) Refuse(_ context.Context, id int64, reason sensitive.Text) resource.Resource[waitlist.Referral] {
	return f.decided(id, waitlist.ReferralRefused, reason)
}

func (f fakeReferrals) decided(id int64, state waitlist.ReferralState, reason sensitive.Text) resource.Resource[waitlist.Referral] {
	if f.decide == nil {
		return resource.Success(waitlist.Referral{ID: id, ReferrerID: 1, State: state})
	}
	return resource.From(f.decide(id, state, reason.Reveal()))
}

// failureOf returns the body of a failure.
func failureOf(t *testing.T, got response) (body struct {
	Error   string
	Details []struct{ Field, Code string }
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("the body is not JSON: %v: %s", err, got.body)
	}
	return body
}

func withReferrals(f fakeReferrals) func(*handler.Options) {
	return func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.Referrals = f
	}
}

// authorized adds the operator's token.
func authorized(r *http.Request) *http.Request {
	r.Header.Set("Authorization", "Bearer T")
	return r
}

func TestGetReferralCode(t *testing.T) {
	t.Parallel()
	position := int64(4)
	api := newAPI(withReferrals(fakeReferrals{byCode: func(code string) (waitlist.CodeStatus, error) {
		switch code {
		case "DMG57PS3T":
			return waitlist.CodeStatus{Position: &position, Waiting: 9, Referrals: 2}, nil
		case "dmg5 7ps3-t":
			return waitlist.CodeStatus{Waiting: 9}, nil
		case "unavailable":
			return waitlist.CodeStatus{}, fault.New(fault.Unavailable, "later")
		default:
			return waitlist.CodeStatus{}, fault.New(fault.NotFound, "there is no entry with this referral code")
		}
	}}))
	for path, want := range map[string]string{
		"/waiting-list/codes/DMG57PS3T":     `{"status":"success","data":{"position":4,"waiting":9,"referrals":2}}`,
		"/waiting-list/codes/dmg5%207ps3-t": `{"status":"success","data":{"position":null,"waiting":9,"referrals":0}}`,
	} {
		if got := call(t, api, get(path)); got.status != http.StatusOK || got.body != want || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s %q, want 200 %s and no-store", path, got.status, got.body, got.header.Get("Cache-Control"), want)
		}
	}
	for path, status := range map[string]int{
		"/waiting-list/codes/NMBZRGMTP":   http.StatusNotFound,
		"/waiting-list/codes/%00":         http.StatusNotFound,
		"/waiting-list/codes/":            http.StatusNotFound,
		"/waiting-list/codes":             http.StatusNotFound,
		"/waiting-list/codes/unavailable": http.StatusServiceUnavailable,
	} {
		if got := callUndescribed(t, api, get(path)); got.status != status {
			t.Errorf("%s: got %d %s, want %d", path, got.status, got.body, status)
		}
	}
}

func TestGetReferralCode_RateLimit(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) { o.RateSignups = ratelimit.Rate{Requests: 1, Window: time.Minute} })
	request := func() *http.Request { return get("/waiting-list/codes/DMG57PS3T") }
	if got := call(t, api, post("/waiting-list/", signUp)); got.status != http.StatusOK {
		t.Errorf("sign-up: got %d, want 200", got.status)
	}
	if got := call(t, api, request()); got.status != http.StatusOK { // sign-ups are counted separately
		t.Errorf("first request: got %d, want 200", got.status)
	}
	wantFailure(t, call(t, api, request()), http.StatusTooManyRequests, "rate_limited")
}

func TestGetReferralCode_BeforeTheStart(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) { o.Started = func() bool { return false } })
	wantFailure(t, call(t, api, get("/waiting-list/codes/DMG57PS3T")), http.StatusServiceUnavailable, "unavailable")
}

func TestGetReferralCode_CORS(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) { o.CORSAllowedOrigins = []string{"https://shop.example"} })
	for _, r := range []*http.Request{get("/waiting-list/codes/DMG57PS3T"), post("/waiting-list/", signUp)} {
		r.Header.Set("Origin", "https://shop.example")
		got := call(t, api, r)
		exposed := got.header.Get("Access-Control-Expose-Headers")
		if got.header.Get("Access-Control-Allow-Origin") != "https://shop.example" || !strings.Contains(exposed, "Aisha-Referral-Code") {
			t.Errorf("%s: got %v, want the origin allowed and Aisha-Referral-Code exposed", r.URL, got.header)
		}
	}
}

func TestListReferrals(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 0)
	reason := sensitive.NewText("daily_limit")
	var filter waitlist.ReferralFilter
	var request page.Request
	api := newAPI(withReferrals(fakeReferrals{list: func(f waitlist.ReferralFilter, r page.Request) (page.Page[waitlist.Referral], error) {
		filter, request = f, r
		return page.Page[waitlist.Referral]{
			Items: []waitlist.Referral{
				{ID: 9, ReferrerID: 7, State: waitlist.ReferralHeld, Reason: &reason, CreatedAt: at},
				{ID: 8, ReferrerID: 7, State: waitlist.ReferralCredited, CreatedAt: at, DecidedAt: &at},
			},
			Next: []int64{8},
		}, nil
	}}))
	got := call(t, api, authorized(get("/operator/referrals?state=held&referrer=7&limit=2")))
	want := `{"status":"success","data":{"items":[` +
		`{"id":9,"referrer_id":7,"state":"held","reason":"daily_limit","created_at":"1970-01-01T00:00:00Z","decided_at":null},` +
		`{"id":8,"referrer_id":7,"state":"credited","reason":null,"created_at":"1970-01-01T00:00:00Z","decided_at":"1970-01-01T00:00:00Z"}],"next":"`
	if got.status != http.StatusOK || !strings.HasPrefix(got.body, want) {
		t.Errorf("got %d %s, want 200 %s…", got.status, got.body, want)
	}
	if diff := cmp.Diff(waitlist.ReferralFilter{State: waitlist.ReferralHeld, ReferrerID: 7}, filter); diff != "" {
		t.Errorf("filter (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(page.Request{Limit: 2}, request); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	next, found := strings.CutPrefix(got.header.Get("Link"), "<")
	next, _, _ = strings.Cut(next, ">")
	if !found || call(t, api, authorized(get(next))).status != http.StatusOK || !cmp.Equal(request.After, []int64{8}) {
		t.Errorf("the Link %q led to the page after %v, want the one after 8", got.header.Get("Link"), request.After)
	}
	other := call(t, api, authorized(get(strings.Replace(next, "state=held", "state=pending", 1))))
	wantFailure(t, other, http.StatusUnprocessableEntity, "invalid")
}

func TestListReferrals_InvalidParameters(t *testing.T) {
	t.Parallel()
	api := newAPI(withReferrals(fakeReferrals{}))
	for query, want := range map[string]string{
		"state=open":            "state invalid_value",
		"state=held,pending":    "state invalid_value",
		"referrer=0":            "referrer out_of_range",
		"referrer=x":            "referrer out_of_range",
		"limit=201":             "limit out_of_range",
		"cursor=x":              "cursor invalid_value",
		"status=held":           "status unknown_member",
		"state=held&state=held": "state invalid_value",
	} {
		got := callUndescribed(t, api, authorized(get("/operator/referrals?"+query)))
		wantFailure(t, got, http.StatusUnprocessableEntity, "invalid")
		if details := detailsOf(t, got); details != want {
			t.Errorf("%s: got the details %q, want %q", query, details, want)
		}
	}
	wantFailure(t, call(t, api, get("/operator/referrals")), http.StatusUnauthorized, "unauthenticated")
}

func TestDecideReferral(t *testing.T) {
	t.Parallel()
	type decision struct {
		ID     int64
		State  waitlist.ReferralState
		Reason string
	}
	empty := func(path string) *http.Request {
		r := post(path, "")
		r.Header.Del("Content-Type")
		return r
	}
	for name, tt := range map[string]struct {
		request *http.Request
		want    decision
	}{
		"credit":                 {empty("/operator/referrals/9/credit"), decision{9, waitlist.ReferralCredited, ""}},
		"refuse":                 {empty("/operator/referrals/9/refuse"), decision{9, waitlist.ReferralRefused, ""}},
		"empty_object":           {post("/operator/referrals/9/credit", `{}`), decision{9, waitlist.ReferralCredited, ""}},
		"null_reason":            {post("/operator/referrals/9/credit", `{"reason":null}`), decision{9, waitlist.ReferralCredited, ""}},
		"reason":                 {post("/operator/referrals/9/refuse", `{"reason":"same person"}`), decision{9, waitlist.ReferralRefused, "same person"}},
		"declared_json_no_bytes": {post("/operator/referrals/9/refuse", ``), decision{9, waitlist.ReferralRefused, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got decision
			api := newAPI(withReferrals(fakeReferrals{decide: func(id int64, state waitlist.ReferralState, reason string) (waitlist.Referral, error) {
				got = decision{id, state, reason}
				at := time.Unix(0, 0)
				return waitlist.Referral{ID: id, ReferrerID: 7, State: state, CreatedAt: at, DecidedAt: &at}, nil
			}}))
			answer := call(t, api, authorized(tt.request))
			want := `{"status":"success","data":{"id":9,"referrer_id":7,"state":"` + string(tt.want.State) +
				`","reason":null,"created_at":"1970-01-01T00:00:00Z","decided_at":"1970-01-01T00:00:00Z"}}`
			if answer.status != http.StatusOK || answer.body != want {
				t.Errorf("got %d %s, want 200 %s", answer.status, answer.body, want)
			}
			if got != tt.want {
				t.Errorf("the service got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDecideReferral_Failures(t *testing.T) {
	t.Parallel()
	conflict := fault.New(fault.Conflict, "the referral is credited; only a held one can be decided")
	for name, tt := range map[string]struct {
		request *http.Request
		err     error // of the service
		status  int
		code    string
	}{
		"conflict":       {post("/operator/referrals/9/credit", `{}`), conflict, 409, "conflict"},
		"not_found":      {post("/operator/referrals/9/refuse", `{}`), fault.New(fault.NotFound, "no"), 404, "not_found"},
		"unavailable":    {post("/operator/referrals/9/refuse", `{}`), fault.New(fault.Unavailable, "later"), 503, "unavailable"},
		"zero":           {post("/operator/referrals/0/credit", `{}`), nil, 404, "not_found"},
		"not_an_id":      {post("/operator/referrals/x/credit", `{}`), nil, 404, "not_found"},
		"id_too_high":    {post("/operator/referrals/99999999999999999999/credit", `{}`), nil, 404, "not_found"},
		"unknown_member": {post("/operator/referrals/9/credit", `{"force":true}`), nil, 422, "invalid"},
		"reason_type":    {post("/operator/referrals/9/credit", `{"reason":7}`), nil, 422, "invalid"},
		"list":           {post("/operator/referrals/9/credit", `[]`), nil, 422, "invalid"},
		"malformed":      {post("/operator/referrals/9/credit", `{`), nil, 400, "malformed"},
		"form":           {submit("reason=x"), nil, 415, "unsupported_media_type"},
		"another_verb":   {post("/operator/referrals/9/hold", `{}`), nil, 404, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "form" {
				tt.request.URL.Path = "/operator/referrals/9/credit"
			}
			api := newAPI(withReferrals(fakeReferrals{decide: func(int64, waitlist.ReferralState, string) (waitlist.Referral, error) {
				if tt.err == nil {
					t.Error("the service was called, want the request rejected before")
				}
				return waitlist.Referral{}, tt.err
			}}))
			wantFailure(t, callUndescribed(t, api, authorized(tt.request)), tt.status, tt.code)
		})
	}
	t.Run("message_of_a_conflict", func(t *testing.T) {
		t.Parallel()
		api := newAPI(withReferrals(fakeReferrals{decide: func(int64, waitlist.ReferralState, string) (waitlist.Referral, error) {
			return waitlist.Referral{}, conflict
		}}))
		got := call(t, api, authorized(post("/operator/referrals/9/credit", `{}`)))
		if message := failureOf(t, got).Error; message != conflict.Message {
			t.Errorf("got the error %q, want %q", message, conflict.Message)
		}
	})
	t.Run("without_token", func(t *testing.T) {
		t.Parallel()
		for _, verb := range []string{"credit", "refuse"} {
			got := call(t, newAPI(withReferrals(fakeReferrals{})), post("/operator/referrals/9/"+verb, `{}`))
			wantFailure(t, got, http.StatusUnauthorized, "unauthenticated")
		}
	})
}
