package handler

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/page"
	"aisha/internal/resource"
)

const (
	defaultLimit = 50
	maxLimit     = 200
)

// pageBody is the JSON form of a page.
type pageBody[T any] struct {
	Items         []T     `json:"items"`
	Next          *string `json:"next"`
	Count         *int    `json:"count,omitempty"`
	CountAccuracy string  `json:"count_accuracy,omitempty"`
}

// cursor is the content of the opaque cursor parameter. It begins a page of the
// same list only: Filter is a hash of the path and of the other parameters.
type cursor struct {
	Filter string  `json:"f"`
	After  []int64 `json:"a"`
}

// parsePage parses limit, cursor and count. keyLength is the length of the keys of
// the list.
func parsePage(q *query, keyLength int) page.Request {
	return page.Request{
		Limit: int(q.integer("limit", defaultLimit, maxLimit)),
		After: q.cursor(keyLength),
		Count: q.oneOf("count", "", "bounded") == "bounded",
	}
}

func (q *query) cursor(keyLength int) []int64 {
	text := q.text("cursor")
	if text == "" {
		return nil
	}
	var c cursor
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	switch {
	case err != nil || len(c.After) != keyLength:
		q.reject("cursor", fault.FieldInvalidValue, "must be the next of a page")
	case c.Filter != filterHash(q.path, q.values):
		q.reject("cursor", fault.FieldInvalidValue, "belongs to a list with another filter or order")
	}
	return c.After
}

// filterHash identifies a list by its path and by all parameters but those that
// select a page of it.
func filterHash(path string, values url.Values) string {
	filter := url.Values{}
	for name := range values {
		value := values.Get(name) // an empty one counts as absent
		if value != "" && !slices.Contains([]string{"cursor", "limit", "count", "expand"}, name) {
			filter.Set(name, value)
		}
	}
	hash := sha256.Sum256([]byte(path + "?" + filter.Encode()))
	return base64.RawURLEncoding.EncodeToString(hash[:9])
}

// pageResponse returns the response with a page and a Link to the next one.
func pageResponse[T, B any](r *http.Request, result resource.Resource[page.Page[T]], newBody func(T) B) (wire.Response, error) {
	p, err := result.Get()
	if err != nil {
		return wire.Response{}, err
	}
	mapped := page.Map(p, newBody)
	body := pageBody[B]{Items: mapped.Items}
	if p.Count != nil {
		body.Count, body.CountAccuracy = &p.Count.N, "at_least"
		if p.Count.Exact {
			body.CountAccuracy = "exact"
		}
	}
	response := wire.JSON(nil)
	if p.Next != nil {
		values := r.URL.Query()
		data, err := json.Marshal(cursor{Filter: filterHash(r.URL.Path, values), After: p.Next})
		if err != nil {
			return wire.Response{}, err
		}
		next := base64.RawURLEncoding.EncodeToString(data)
		body.Next = &next
		values.Set("cursor", next)
		response.Header = http.Header{"Link": {fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), values.Encode())}}
	}
	response.Body = wire.Success(body)
	return response, nil
}

// parseID parses an id in a path. Everything that is not an id is NotFound, with
// missing as its message.
func parseID(text, missing string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return 0, fault.New(fault.NotFound, missing)
	}
	return id, nil
}
