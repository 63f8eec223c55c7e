package handler

import (
	"net/http"
	"time"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/service/waitlist"
)

type statisticsBody struct {
	Rows []map[string]any `json:"rows"`
	AsOf time.Time        `json:"as_of"`
}

// getWaitlistStatistics handles GET /operator/stats/waiting-list.
func getWaitlistStatistics(service Statistics) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		q := parseQuery(r)
		filter := waitlist.StatisticsFilter{
			By:   waitlist.Grouping(q.oneOf("by", "", string(waitlist.ByDay), string(waitlist.BySource), string(waitlist.ByStatus))),
			From: q.day("from"),
			To:   q.day("to"),
		}
		if q.values.Get("by") == "" {
			q.reject("by", fault.FieldRequired, "is required: day, source or status")
		}
		if filter.From != nil && filter.To != nil && filter.To.Before(*filter.From) {
			q.reject("to", fault.FieldInvalidValue, "must not be before from")
		}
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		newBody := func(s waitlist.Statistics) statisticsBody { return newStatisticsBody(filter.By, s) }
		return wire.FromResource(resource.Map(service.Statistics(r.Context(), filter), newBody))
	}
}

// day returns a day, as midnight in UTC, or nil if it is absent.
func (q *query) day(name string) *time.Time {
	text := q.text(name)
	if text == "" {
		return nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() == 0 {
		q.reject(name, fault.FieldInvalidValue, "must be a day that exists, for example 2026-11-27")
		return nil
	}
	return &day
}

func newStatisticsBody(by waitlist.Grouping, s waitlist.Statistics) statisticsBody {
	body := statisticsBody{Rows: make([]map[string]any, len(s.Rows)), AsOf: s.AsOf.UTC()}
	for i, row := range s.Rows {
		body.Rows[i] = map[string]any{string(by): row.Value, "n": row.N}
	}
	return body
}
