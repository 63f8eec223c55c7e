package geminiapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// quotaPause is how long to wait at least when a day's quota is used up. The
// API's own delay is then that of the quota by the minute, and the day ends at
// midnight in California; asking once an hour finds that out soon enough.
const quotaPause = time.Hour

// statusError is the error that the API puts into a body, whole or as the last
// item of a stream that began well.
type statusError struct {
	Code    int               `json:"code"`
	Status  string            `json:"status"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
}

// errorDetail holds the members that matter of three kinds of detail:
// ErrorInfo (reason), QuotaFailure (violations) and RetryInfo (retryDelay).
type errorDetail struct {
	Reason     string `json:"reason"`
	RetryDelay string `json:"retryDelay"`
	Violations []struct {
		QuotaID string `json:"quotaId"`
	} `json:"violations"`
}

// failure says what e means. Where the error came with an HTTP status of its
// own, that is e's code already.
func (e *statusError) failure() *failure {
	f := &failure{detail: e.text()}
	var perDay, badKey bool
	for _, raw := range e.Details {
		var d errorDetail
		if json.Unmarshal(raw, &d) != nil {
			continue // a kind of detail that has these members in another form
		}
		badKey = badKey || strings.HasPrefix(d.Reason, "API_KEY_")
		for _, v := range d.Violations {
			perDay = perDay || strings.Contains(v.QuotaID, "PerDay")
		}
		if delay, err := time.ParseDuration(d.RetryDelay); err == nil && delay > 0 {
			f.retryAfter = delay
		}
	}
	f.reason = e.reason(perDay, badKey)
	if f.reason == quotaSpent {
		f.retryAfter = max(f.retryAfter, quotaPause)
	}
	return f
}

// reason goes by the status, except for two things that the API says with 400:
// that the key is wrong, in a detail, and that a model has been retired, which
// only its message tells.
func (e *statusError) reason(perDay, badKey bool) reason {
	switch {
	case badKey, e.Code == http.StatusUnauthorized, e.Code == http.StatusForbidden:
		return keyRejected
	case e.Code == http.StatusNotFound:
		return gone
	case e.Code == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "no longer available"):
		return gone
	case e.Code == http.StatusTooManyRequests && perDay:
		return quotaSpent
	case e.Code == http.StatusTooManyRequests, e.Code == http.StatusServiceUnavailable:
		return overloaded
	case e.Code >= http.StatusInternalServerError:
		return broken
	default:
		return rejected
	}
}

// text is what the log shows of e.
func (e *statusError) text() string {
	text := fmt.Sprintf("status %d", e.Code)
	if e.Status != "" {
		text += " " + e.Status
	}
	if e.Message != "" {
		text += ": " + brief(e.Message)
	}
	return text
}

// brief is text in one line of a bearable length.
func brief(text string) string {
	const most = 300
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
