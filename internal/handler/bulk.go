package handler

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/service/waitlist"
)

// maxBulkBody is the limit of the body of a bulk action, in bytes. 10,000 ids fit.
const maxBulkBody = 256 << 10

type matchesBody struct {
	Matches int64   `json:"matches"`
	Sample  []int64 `json:"sample"`
}

// startBulk handles POST /operator/waiting-list/bulk.
func startBulk(service Transitions) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		in, err := wire.DecodeUpTo(r, maxBulkBody, readBulk)
		if err != nil {
			return wire.Response{}, err
		}
		bulk := waitlist.Bulk{Action: waitlist.BulkAction(in.action), Expect: in.expect, DryRun: in.dryRun}
		bulk.Selection.IDs = in.ids
		if in.filter != nil {
			filter, err := parseFilterMembers(*in.filter)
			if err != nil {
				return wire.Response{}, err
			}
			bulk.Selection.Filter = &filter
		}
		return wire.FromResource(resource.Map(service.Bulk(r.Context(), bulk), func(m waitlist.Matches) matchesBody {
			return matchesBody{Matches: m.N, Sample: m.Sample}
		}))
	}
}

// bulkMembers are the members of the body of a bulk action.
type bulkMembers struct {
	action string
	ids    []int64     // nil: absent
	filter *url.Values // nil: absent
	expect *int64
	dryRun bool
}

func readBulk(m *wire.Members) bulkMembers {
	m.RejectUnknown("action", "ids", "filter", "expect", "dry_run")
	in := bulkMembers{action: m.String("action")}
	if ids := wire.Optional(m, "ids", m.Integers); ids != nil {
		in.ids = *ids
	}
	in.filter = wire.Optional(m, "filter", func(name string) url.Values { return wire.Object(m, name, readFilterMembers) })
	in.expect = wire.OptionalOrNull(m, "expect", func(name string) int64 { return m.Integer(name, 0, maxID) })
	if dryRun := wire.OptionalOrNull(m, "dry_run", m.Bool); dryRun != nil {
		in.dryRun = *dryRun
	}
	return in
}

// readFilterMembers returns the members of a filter as the parameters of a list,
// which have the same names.
func readFilterMembers(m *wire.Members) url.Values {
	values := url.Values{}
	m.RejectUnknown("q", "status", "source", "verified", "referrer", "joined_after", "joined_before")
	for _, name := range []string{"q", "source", "joined_after", "joined_before"} {
		if text := wire.Optional(m, name, m.String); text != nil {
			values.Set(name, *text)
		}
	}
	if statuses := wire.Optional(m, "status", m.StringList); statuses != nil {
		values.Set("status", strings.Join(*statuses, ","))
	}
	if verified := wire.Optional(m, "verified", m.Bool); verified != nil {
		values.Set("verified", strconv.FormatBool(*verified))
	}
	if referrer := wire.Optional(m, "referrer", func(name string) int64 { return m.Integer(name, 1, maxID) }); referrer != nil {
		values.Set("referrer", strconv.FormatInt(*referrer, 10))
	}
	return values
}

// parseFilterMembers parses what readFilterMembers has read. A list ignores an empty
// parameter. Here it is invalid, because ignoring it would change more entries.
func parseFilterMembers(values url.Values) (waitlist.Filter, error) {
	q := &query{values: values}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if strings.TrimSpace(values.Get(name)) == "" {
			q.reject(name, fault.FieldRequired, "must not be empty")
		}
	}
	filter := parseFilter(q)
	if q.invalid == nil {
		return filter, nil
	}
	for i := range q.invalid {
		q.invalid[i].Name = "filter." + q.invalid[i].Name
	}
	return filter, fault.InvalidFields(q.invalid)
}
