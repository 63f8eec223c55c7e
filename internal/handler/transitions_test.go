package handler_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// fakeTransitions is a handler.Transitions whose methods call functions. Without one
// it succeeds.
type fakeTransitions struct {
	apply func(id int64, in waitlist.Transition) (waitlist.Entry, error)
	bulk  func(waitlist.Bulk) resource.Resource[waitlist.Matches]
}

func (f fakeTransitions) Apply(_ context.Context, id int64, in waitlist.Transition) resource.Resource[waitlist.Entry] {
	if f.apply == nil {
		return resource.Success(waitlist.Entry{ID: id, Status: in.To})
	}
	return resource.From(f.apply(id, in))
}

func (f fakeTransitions) Bulk(_ context.Context, in waitlist.Bulk) resource.Resource[waitlist.Matches] {
	if f.bulk == nil {
		return resource.Success(waitlist.Matches{Sample: []int64{}})
	}
	return f.bulk(in)
}

// withTransitions makes an API with the service and the operator token T.
func withTransitions(service fakeTransitions) http.Handler {
	return newAPI(func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.Transitions = service
		o.ReferralCode = func(int64) string { return "7K2M9QXD4" }
	})
}

func TestApplyTransition(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 15, 0, 0, time.FixedZone("", 3*60*60))
	api := withTransitions(fakeTransitions{apply: func(id int64, in waitlist.Transition) (waitlist.Entry, error) {
		if diff := cmp.Diff([]any{"invited", "pilot", false}, []any{string(in.To), in.Reason.Reveal(), in.Notify}); diff != "" {
			t.Errorf("the service got another transition (-want +got):\n%s", diff)
		}
		return waitlist.Entry{
			ID: id, Username: sensitive.NewText("John"), PhoneNumber: sensitive.NewPhone("+254712345678"), Status: in.To,
			CreatedAt: at, InvitedAt: &at, Version: "9",
		}, nil
	}})
	got := call(t, api, asOperator(post("/operator/waiting-list/12/transitions", `{"to":"invited","reason":"pilot","notify":null}`)))
	want := `{"status":"success","data":{"id":12,"username":"John","phone_number":"+254712345678","status":"invited","source":null,` +
		`"verified_at":null,"created_at":"2026-11-22T07:15:00Z","invited_at":"2026-11-22T07:15:00Z","joined_at":null,"removed_at":null,` +
		`"referral_code":"7K2M9QXD4","referrer_id":null,"note":null}}`
	if got.status != http.StatusOK || got.body != want || got.header.Get("ETag") != `"9"` {
		t.Errorf("got %d with the ETag %s and %s, want 200 with the ETag \"9\" and %s", got.status, got.header.Get("ETag"), got.body, want)
	}
}

func TestApplyTransition_Failures(t *testing.T) {
	t.Parallel()
	conflict := fault.New(fault.Conflict, "the entry is removed and cannot become invited")
	for name, tt := range map[string]struct {
		id, body string
		err      error // of the service
		status   int
		want     string // part of the body
	}{
		"state_not_allowed":  {"12", `{"to":"invited"}`, conflict, 409, `"error":"the entry is removed and cannot become invited","code":"conflict"`},
		"absent":             {"12", `{"to":"invited"}`, fault.New(fault.NotFound, "there is no entry with this id"), 404, "not_found"},
		"no_id":              {"x", `{"to":"invited"}`, nil, 404, "not_found"},
		"id_of_zero":         {"0", `{"to":"invited"}`, nil, 404, "not_found"},
		"unknown_member":     {"12", `{"to":"invited","force":true}`, nil, 422, `"field":"force","code":"unknown_member"`},
		"no_status":          {"12", `{}`, nil, 422, `"field":"to","code":"required"`},
		"status_of_number":   {"12", `{"to":1}`, nil, 422, `"field":"to","code":"wrong_type"`},
		"reason_of_number":   {"12", `{"to":"invited","reason":1}`, nil, 422, `"field":"reason","code":"wrong_type"`},
		"notify_of_text":     {"12", `{"to":"invited","notify":"no"}`, nil, 422, `"field":"notify","code":"wrong_type"`},
		"not_an_object":      {"12", `["invited"]`, nil, 422, `"field":"body"`},
		"not_json":           {"12", `to=invited`, nil, 400, "malformed"},
		"half_of_a_pair":     {"12", `{"to":"invited","reason":"\ud800"}`, nil, 422, `"field":"reason","code":"not_unicode"`},
		"body_over_64_KiB":   {"12", `{"to":"invited","reason":"` + strings.Repeat("x", 64<<10) + `"}`, nil, 413, "64 KiB"},
		"invalid_in_service": {"12", `{"to":"gone"}`, fault.InvalidField("to", fault.FieldInvalidValue, "must be another"), 422, `"field":"to"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := withTransitions(fakeTransitions{apply: func(int64, waitlist.Transition) (waitlist.Entry, error) {
				if tt.err == nil {
					t.Error("the service was called")
				}
				return waitlist.Entry{}, tt.err
			}})
			got := call(t, api, asOperator(post("/operator/waiting-list/"+tt.id+"/transitions", tt.body)))
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want %d and a body with %s", got.status, got.body, tt.status, tt.want)
			}
		})
	}
}

func TestApplyTransition_Access(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/operator/waiting-list/12/transitions", "/operator/waiting-list/bulk"} {
		got := call(t, withTransitions(fakeTransitions{}), post(path, `{"to":"invited"}`))
		wantFailure(t, got, http.StatusUnauthorized, "unauthenticated")
	}
}
