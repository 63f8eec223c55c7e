package handler_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// statisticsAPI returns an API with the function as its statistics.
func statisticsAPI(f statisticsFunc) http.Handler {
	return newAPI(func(o *handler.Options) { o.AdminToken, o.Statistics = sensitive.NewSecret("T"), f })
}

func getStatistics(query string) *http.Request {
	r := get("/operator/stats/waiting-list" + query)
	r.Header.Set("Authorization", "Bearer T")
	return r
}

func TestStatistics_Rows(t *testing.T) {
	t.Parallel()
	row := func(value string, n int64) waitlist.StatisticsRow { return waitlist.StatisticsRow{Value: &value, N: n} }
	asOf := time.Date(2026, 11, 27, 12, 0, 0, 0, time.FixedZone("Nairobi", 3*60*60))
	for by, tt := range map[string]struct {
		rows []waitlist.StatisticsRow
		want string
	}{
		"day":    {[]waitlist.StatisticsRow{row("2026-11-26", 2), row("2026-11-27", 3)}, `[{"day":"2026-11-26","n":2},{"day":"2026-11-27","n":3}]`},
		"source": {[]waitlist.StatisticsRow{{N: 9}, row("radio", 1)}, `[{"n":9,"source":null},{"n":1,"source":"radio"}]`},
		"status": {[]waitlist.StatisticsRow{row("waiting", 5)}, `[{"n":5,"status":"waiting"}]`},
	} {
		for rows, want := range map[*[]waitlist.StatisticsRow]string{&tt.rows: tt.want, {}: `[]`} {
			api := statisticsAPI(func(waitlist.StatisticsFilter) (waitlist.Statistics, error) {
				return waitlist.Statistics{Rows: *rows, AsOf: asOf}, nil
			})
			got := call(t, api, getStatistics("?by="+by))
			want := `{"status":"success","data":{"rows":` + want + `,"as_of":"2026-11-27T09:00:00Z"}}`
			if got.status != 200 || got.body != want+"\n" && got.body != want {
				t.Errorf("by=%s: got %d %s, want 200 %s", by, got.status, got.body, want)
			}
		}
	}
}

func TestStatistics_Filter(t *testing.T) {
	t.Parallel()
	day := func(year int, month time.Month, day int) *time.Time {
		at := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		return &at
	}
	for query, want := range map[string]waitlist.StatisticsFilter{
		"?by=day":                                    {By: waitlist.ByDay},
		"?by=source&from=2026-02-28":                 {By: waitlist.BySource, From: day(2026, 2, 28)},
		"?by=status&to=2028-02-29":                   {By: waitlist.ByStatus, To: day(2028, 2, 29)},
		"?by=day&from=2026-11-27&to=2026-11-27":      {By: waitlist.ByDay, From: day(2026, 11, 27), To: day(2026, 11, 27)},
		"?from=0001-01-01&by=day&to=9999-12-31":      {By: waitlist.ByDay, From: day(1, 1, 1), To: day(9999, 12, 31)},
		"?to=2026-12-01&from=2026-11-30&by=sourc%65": {By: waitlist.BySource, From: day(2026, 11, 30), To: day(2026, 12, 1)},
	} {
		api := statisticsAPI(func(got waitlist.StatisticsFilter) (waitlist.Statistics, error) {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: filter (-want +got):\n%s", query, diff)
			}
			return waitlist.Statistics{}, nil
		})
		if got := call(t, api, getStatistics(query)); got.status != 200 {
			t.Errorf("%s: got %d %s, want 200", query, got.status, got.body)
		}
	}
}

func TestStatistics_Invalid(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		"":                                        {"by"},
		"?by=":                                    {"by"},
		"?by=hour":                                {"by"},
		"?by=day&by=source":                       {"by"},
		"?by=day&from=2026-02-29":                 {"from"},
		"?by=day&to=2026-11-31":                   {"to"},
		"?by=day&from=0000-01-01":                 {"from"},
		"?by=day&from=2026-1-1":                   {"from"},
		"?by=day&from=27.11.2026&to=tomorrow":     {"from", "to"},
		"?by=day&from=2026-11-27T00:00:00Z":       {"from"},
		"?by=day&from=2026-11-27&to=2026-11-26":   {"to"},
		"?by=day&from=%00":                        {"from"},
		"?by=day&limit=5":                         {"limit"},
		"?by=day&" + url.QueryEscape("q q") + "=": {"q q"},
		"?from=2026-11-32&day=1":                  {"from", "by", "day"},
	} {
		api := statisticsAPI(func(waitlist.StatisticsFilter) (waitlist.Statistics, error) {
			t.Errorf("%s: the service was called", query)
			return waitlist.Statistics{}, nil
		})
		got := call(t, api, getStatistics(query))
		wantFailure(t, got, 422, "invalid")
		if diff := cmp.Diff(want, fieldsOf(t, got)); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", query, diff)
		}
	}
}

func TestStatistics_Failures(t *testing.T) {
	t.Parallel()
	api := statisticsAPI(func(waitlist.StatisticsFilter) (waitlist.Statistics, error) {
		return waitlist.Statistics{}, fault.New(fault.Unavailable, "the database is not reachable")
	})
	wantFailure(t, call(t, api, getStatistics("?by=day")), 503, "unavailable")
	r := get("/operator/stats/waiting-list?by=day")
	wantFailure(t, call(t, api, r), 401, "unauthenticated")
	wantFailure(t, call(t, newAPI(), getStatistics("?by=day")), 503, "not_configured")
}
