package handler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

const bulkPath = "/operator/waiting-list/bulk"

func TestStartBulk(t *testing.T) {
	t.Parallel()
	source, referrer, yes, three := "fair", int64(9), true, int64(3)
	after, before := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		body string
		want waitlist.Bulk
	}{
		"ids":        {`{"action":"remove","ids":[3,1,3]}`, waitlist.Bulk{Action: waitlist.Remove, Selection: waitlist.Selection{IDs: []int64{3, 1, 3}}}},
		"all":        {`{"action":"restore","filter":{}}`, waitlist.Bulk{Action: waitlist.Restore, Selection: waitlist.Selection{Filter: &waitlist.Filter{}}}},
		"expect":     {`{"action":"remove","ids":[3],"expect":3}`, waitlist.Bulk{Action: waitlist.Remove, Selection: waitlist.Selection{IDs: []int64{3}}, Expect: &three}},
		"dry_run":    {`{"action":"remove","ids":[3],"dry_run":true}`, waitlist.Bulk{Action: waitlist.Remove, Selection: waitlist.Selection{IDs: []int64{3}}, DryRun: true}},
		"no_dry_run": {`{"action":"remove","ids":[3],"dry_run":false}`, waitlist.Bulk{Action: waitlist.Remove, Selection: waitlist.Selection{IDs: []int64{3}}}},
		"filter": {
			`{"action":"invite","filter":{"q":"0712","status":["waiting","invited"],"source":"fair","verified":true,"referrer":9,` +
				`"joined_after":"2026-11-01T00:00:00Z","joined_before":"2026-12-01T00:00:00Z"}}`,
			waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{Filter: &waitlist.Filter{
				Query: sensitive.NewText("0712"), Statuses: []waitlist.Status{waitlist.Waiting, waitlist.Invited}, Source: &source, Verified: &yes,
				ReferrerID: &referrer, JoinedAfter: &after, JoinedBefore: &before,
			}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := withTransitions(fakeTransitions{bulk: func(in waitlist.Bulk) resource.Resource[waitlist.Matches] {
				if diff := cmp.Diff(tt.want, in, cmp.Comparer(func(a, b sensitive.Text) bool { return a == b })); diff != "" {
					t.Errorf("the service got another action (-want +got):\n%s", diff)
				}
				return resource.Loading[waitlist.Matches]("/operator/operations/7")
			}})
			got := call(t, api, asOperator(post(bulkPath, tt.body)))
			if want := `{"status":"loading","data":null}`; got.status != http.StatusAccepted || got.body != want {
				t.Errorf("got %d %s, want 202 %s", got.status, got.body, want)
			}
			if got := got.header.Get("Location"); got != "/operator/operations/7" {
				t.Errorf("got the location %q, want that of the operation", got)
			}
		})
	}
}

func TestStartBulk_DryRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		matches waitlist.Matches
		want    string
	}{
		{waitlist.Matches{N: 12, Sample: []int64{1, 4}}, `{"status":"success","data":{"matches":12,"sample":[1,4]}}`},
		{waitlist.Matches{Sample: []int64{}}, `{"status":"success","data":{"matches":0,"sample":[]}}`},
	} {
		api := withTransitions(fakeTransitions{bulk: func(waitlist.Bulk) resource.Resource[waitlist.Matches] {
			return resource.Success(tt.matches)
		}})
		got := call(t, api, asOperator(post(bulkPath, `{"action":"invite","filter":{},"dry_run":true}`)))
		if got.status != http.StatusOK || got.body != tt.want {
			t.Errorf("got %d %s, want 200 %s", got.status, got.body, tt.want)
		}
	}
}

func TestStartBulk_Failures(t *testing.T) {
	t.Parallel()
	conflict := fault.New(fault.Conflict, "3 entries match, and 4 were expected")
	for name, tt := range map[string]struct {
		body   string
		err    error // of the service
		status int
		want   string // part of the body
	}{
		"other_number":        {`{"action":"invite","ids":[1],"expect":4}`, conflict, 409, `"error":"3 entries match, and 4 were expected","code":"conflict"`},
		"invalid_in_service":  {`{"action":"x","ids":[1]}`, fault.InvalidField("action", fault.FieldInvalidValue, "must be another"), 422, `"field":"action"`},
		"unknown_member":      {`{"action":"invite","ids":[1],"force":true}`, nil, 422, `"field":"force","code":"unknown_member"`},
		"no_action":           {`{"ids":[1]}`, nil, 422, `"field":"action","code":"required"`},
		"ids_of_text":         {`{"action":"invite","ids":["1"]}`, nil, 422, `"field":"ids","code":"wrong_type","message":"item 1 must be an integer"`},
		"id_out_of_range":     {`{"action":"invite","ids":[1,99999999999999999999]}`, nil, 422, `"field":"ids","code":"out_of_range"`},
		"expect_below_zero":   {`{"action":"invite","ids":[1],"expect":-1}`, nil, 422, `"field":"expect","code":"out_of_range"`},
		"dry_run_of_text":     {`{"action":"invite","ids":[1],"dry_run":"true"}`, nil, 422, `"field":"dry_run","code":"wrong_type"`},
		"filter_of_list":      {`{"action":"invite","filter":[]}`, nil, 422, `"field":"filter","code":"wrong_type"`},
		"filter_of_null":      {`{"action":"invite","filter":null}`, nil, 422, `"field":"filter","code":"wrong_type"`},
		"unknown_filter":      {`{"action":"invite","filter":{"xyz":1}}`, nil, 422, `"field":"filter.xyz","code":"unknown_member"`},
		"unknown_status":      {`{"action":"invite","filter":{"status":["gone"]}}`, nil, 422, `"field":"filter.status","code":"invalid_value"`},
		"no_statuses":         {`{"action":"invite","filter":{"status":[]}}`, nil, 422, `"field":"filter.status","code":"required"`},
		"status_of_number":    {`{"action":"invite","filter":{"status":1}}`, nil, 422, `"field":"filter.status","code":"wrong_type"`},
		"status_of_text":      {`{"action":"invite","filter":{"status":"gone"}}`, nil, 422, `"field":"filter.status","code":"invalid_value"`},
		"empty_source":        {`{"action":"invite","filter":{"source":""}}`, nil, 422, `"field":"filter.source","code":"required"`},
		"blank_search":        {`{"action":"invite","filter":{"q":" "}}`, nil, 422, `"field":"filter.q","code":"required"`},
		"verified_of_text":    {`{"action":"invite","filter":{"verified":"yes"}}`, nil, 422, `"field":"filter.verified","code":"wrong_type"`},
		"referrer_of_zero":    {`{"action":"invite","filter":{"referrer":0}}`, nil, 422, `"field":"filter.referrer","code":"out_of_range"`},
		"day_that_is_not_one": {`{"action":"invite","filter":{"joined_after":"2026-02-30T00:00:00Z"}}`, nil, 422, `"field":"filter.joined_after","code":"invalid_value"`},
		"times_in_the_wrong_order": {
			`{"action":"invite","filter":{"joined_after":"2026-02-03T00:00:00Z","joined_before":"2026-02-02T00:00:00Z"}}`,
			nil, 422, `"field":"filter.joined_before","code":"invalid_value"`,
		},
		"body_over_256_KiB": {`{"action":"invite","ids":[` + strings.Repeat("1000000000000,", 20_000) + `1]}`, nil, 413, "256 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := withTransitions(fakeTransitions{bulk: func(waitlist.Bulk) resource.Resource[waitlist.Matches] {
				if tt.err == nil {
					t.Error("the service was called")
				}
				return resource.Failure[waitlist.Matches](tt.err)
			}})
			got := call(t, api, asOperator(post(bulkPath, tt.body)))
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want %d and a body with %s", got.status, got.body, tt.status, tt.want)
			}
		})
	}
}

// 10,000 of the longest ids are within the limit of the body.
func TestStartBulk_LongestBody(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 10_000 {
		ids = append(ids, fmt.Sprint(int64(9_000_000_000_000_000_000)+int64(i)))
	}
	api := withTransitions(fakeTransitions{bulk: func(in waitlist.Bulk) resource.Resource[waitlist.Matches] {
		return resource.Success(waitlist.Matches{N: int64(len(in.Selection.IDs)), Sample: []int64{}})
	}})
	got := call(t, api, asOperator(post(bulkPath, `{"action":"invite","ids":[`+strings.Join(ids, ",")+`],"dry_run":true}`)))
	if want := `{"status":"success","data":{"matches":10000,"sample":[]}}`; got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
	}
}
