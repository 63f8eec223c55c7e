package geminiapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// dailyQuotaDelay is the minimum RetryAfter once a daily quota is used up. The
// API's own RetryInfo then refers to the quota per minute. Daily quotas are
// reset at midnight Pacific time; one request per hour notices that.
const dailyQuotaDelay = time.Hour

// apiError is the error object of the API (google.rpc.Status). It is the whole
// body, or an item of a stream that began with status 200.
type apiError struct {
	Code    int               `json:"code"`
	Status  string            `json:"status"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
}

// errorDetail combines the members we use of three types of detail:
// google.rpc.ErrorInfo (reason), QuotaFailure (violations) and RetryInfo
// (retryDelay).
type errorDetail struct {
	Reason     string `json:"reason"`
	RetryDelay string `json:"retryDelay"`
	Violations []struct {
		QuotaID string `json:"quotaId"`
	} `json:"violations"`
}

// failure translates e. The caller has set e.Code to the response's HTTP status
// if that is not 200.
func (e *apiError) failure() *failure {
	f := &failure{detail: e.summary()}
	var perDay, badKey bool
	for _, raw := range e.Details {
		var d errorDetail
		if json.Unmarshal(raw, &d) != nil {
			continue // another type of detail, with members of the same names
		}
		badKey = badKey || strings.HasPrefix(d.Reason, "API_KEY_")
		for _, v := range d.Violations {
			perDay = perDay || strings.Contains(v.QuotaID, "PerDay")
		}
		if delay, err := time.ParseDuration(d.RetryDelay); err == nil && delay > 0 {
			f.retryAfter = delay
		}
	}
	f.outcome = e.outcome(perDay, badKey)
	if f.outcome == dailyQuotaExceeded {
		f.retryAfter = max(f.retryAfter, dailyQuotaDelay)
	}
	return f
}

// outcome classifies e by its code. The API uses 400 also for an invalid key,
// which is recognized by a detail (badKey), and for a retired model, which is
// recognized by the message.
func (e *apiError) outcome(perDay, badKey bool) outcome {
	switch {
	case badKey, e.Code == http.StatusUnauthorized, e.Code == http.StatusForbidden:
		return keyRejected
	case e.Code == http.StatusNotFound:
		return modelNotFound
	case e.Code == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "no longer available"):
		return modelNotFound
	case e.Code == http.StatusTooManyRequests && perDay:
		return dailyQuotaExceeded
	case e.Code == http.StatusTooManyRequests, e.Code == http.StatusServiceUnavailable:
		return overloaded
	case e.Code >= http.StatusInternalServerError:
		return serverError
	default:
		return requestRejected
	}
}

// summary returns e in one line, for the log.
func (e *apiError) summary() string {
	summary := fmt.Sprintf("status %d", e.Code)
	if e.Status != "" {
		summary += " " + e.Status
	}
	if e.Message != "" {
		summary += ": " + oneLine(e.Message)
	}
	return summary
}

// oneLine joins the lines of text and cuts it after 300 characters.
func oneLine(text string) string {
	const maxCharacters = 300
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > maxCharacters {
		return string(runes[:maxCharacters]) + "…"
	}
	return string(runes)
}
