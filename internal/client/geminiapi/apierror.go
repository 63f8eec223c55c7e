package geminiapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"aisha/internal/client/upstream"
)

// dailyQuotaDelay is the minimum RetryAfter once a daily quota is used up. The
// API's own RetryInfo then refers to the quota per minute. Daily quotas are
// reset at midnight Pacific time; one request per hour notices that.
const dailyQuotaDelay = time.Hour

// apiError is the error object of the API (google.rpc.Status). It is the whole
// body, or an item of a stream that began with status 200.
type apiError struct {
	Code    int
	Status  string
	Message string // may quote the key and the prompt
	Details []upstream.Value
}

// newAPIError reads an error object, or a text in its place.
func newAPIError(value upstream.Value) *apiError {
	code, _ := value.Member("code").Int()
	e := &apiError{
		Code:    int(code),
		Message: value.Text() + value.Member("message").Text(),
		Details: value.Member("details").Items(),
	}
	if status := value.Member("status").Text(); isEnumName(status) {
		e.Status = status
	}
	return e
}

// isEnumName reports whether s is a name of google.rpc.Code. Any other text could
// quote the request.
func isEnumName(s string) bool {
	return new(codes.Code).UnmarshalJSON([]byte(strconv.Quote(s))) == nil
}

// errorFromBody returns the API's error in a body, or a zero apiError if there
// is none, for example in the error page of a proxy.
func errorFromBody(body []byte) *apiError {
	chunks, err := parseChunks(body)
	if err != nil {
		return &apiError{}
	}
	for _, chunk := range chunks {
		if value := chunk.Member("error"); !value.IsZero() {
			return newAPIError(value)
		}
	}
	return &apiError{}
}

// failure translates e. The caller has set e.Code to the response's HTTP status
// if that is not 200. The members of the details are those of three types:
// google.rpc.ErrorInfo (reason), QuotaFailure (violations) and RetryInfo
// (retryDelay).
func (e *apiError) failure(private upstream.Private) *Failure {
	f := &Failure{detail: e.summary(private), status: e.Code}
	var perDay, badKey bool
	for _, detail := range e.Details {
		badKey = badKey || strings.HasPrefix(detail.Member("reason").Text(), "API_KEY_")
		for _, violation := range detail.Member("violations").Items() {
			perDay = perDay || strings.Contains(violation.Member("quotaId").Text(), "PerDay")
		}
		if delay, err := time.ParseDuration(detail.Member("retryDelay").Text()); err == nil && delay > 0 {
			f.retryAfter = min(delay, upstream.MaxRetryAfter)
		}
	}
	f.outcome = e.outcome(perDay, badKey)
	if f.outcome == dailyQuotaExceeded {
		f.retryAfter = max(f.retryAfter, dailyQuotaDelay)
	}
	return f
}

// outcome classifies e by its code. The API uses 400 also for an invalid key,
// which is recognized by a detail (badKey); for a country without the API and
// for missing billing, which have a status of their own; and for a retired
// model, which is recognized by the message.
// https://ai.google.dev/gemini-api/docs/troubleshooting
func (e *apiError) outcome(perDay, badKey bool) outcome {
	switch {
	case badKey, e.Code == http.StatusUnauthorized, e.Code == http.StatusForbidden:
		return keyRejected
	case e.Code == http.StatusNotFound:
		return modelNotFound
	case e.Code == http.StatusBadRequest && e.Status == "FAILED_PRECONDITION":
		return locationUnsupported
	case e.Code == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "no longer available"):
		return modelNotFound
	case e.Code == http.StatusTooManyRequests && perDay:
		return dailyQuotaExceeded
	case e.Code == http.StatusTooManyRequests, e.Code == http.StatusServiceUnavailable:
		return overloaded
	case e.Code >= http.StatusInternalServerError, e.Code == http.StatusRequestTimeout:
		return serverError
	default:
		return requestRejected
	}
}

// summary returns e in one line, for the log.
func (e *apiError) summary(private upstream.Private) string {
	summary := fmt.Sprintf("status %d", e.Code)
	if e.Status != "" {
		summary += " " + e.Status
	}
	if e.Message != "" {
		summary += ": " + private.Mask(e.Message)
	}
	return summary
}
