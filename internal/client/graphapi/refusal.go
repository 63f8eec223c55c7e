package graphapi

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"aisha/internal/client/upstream"
	"aisha/internal/service/whatsapp"
)

// graphError is the error in a response of the Graph API.
// https://developers.facebook.com/docs/graph-api/guides/error-handling
type graphError struct {
	Message   string
	Subcode   string
	Transient bool
	TraceID   string
	Details   string
}

// err returns nil where the call succeeded, and a *whatsapp.Refusal where the
// Graph API refused it. A response without a Graph API error comes from a proxy
// or gateway. It is a *whatsapp.UnknownOutcome where that may have forwarded
// the request first, and otherwise a *whatsapp.Refusal.
func (r response) err(private upstream.Private) error {
	if e, code, ok := r.graphError(); ok {
		return &whatsapp.Refusal{
			Reaction:   r.reaction(e, code),
			Code:       code,
			HTTPStatus: r.status,
			RetryAfter: r.retryAfter,
			Detail:     e.detail(private),
		}
	}
	switch {
	case r.status >= 200 && r.status < 300:
		return nil
	case r.status >= 500, r.status == http.StatusRequestTimeout:
		return &whatsapp.UnknownOutcome{Cause: cmp.Or(r.readErr, fmt.Errorf("status %d without a Graph API error", r.status))}
	default:
		return &whatsapp.Refusal{
			Reaction:   r.reactionToProxy(),
			HTTPStatus: r.status,
			RetryAfter: r.retryAfter,
			Detail:     "the response is not from the Graph API; check its base URL",
		}
	}
}

// graphError returns the error in the body and its code. The Graph API sends a
// numeric code with every error, so an error without one is a gateway's. Other
// members of an unexpected type are read as empty.
func (r response) graphError() (e graphError, code int, ok bool) {
	body, err := upstream.ParseJSON(r.body)
	if err != nil {
		return graphError{}, 0, false
	}
	member := body.Member("error").Member
	number, ok := member("code").Int()
	if !ok || int64(int(number)) != number {
		return graphError{}, 0, false
	}
	e.Message, e.TraceID, e.Transient = member("message").Text(), member("fbtrace_id").Text(), member("is_transient").Bool()
	e.Details = member("error_data").Member("details").Text()
	if subcode, ok := member("error_subcode").Int(); ok {
		e.Subcode = strconv.FormatInt(subcode, 10)
	}
	return e, int(number), true
}

// detail returns what helps to find the cause of the error, for the log.
func (e graphError) detail(private upstream.Private) string {
	detail := e.Message
	if details := e.Details; details != "" && details != e.Message {
		detail = strings.TrimPrefix(detail+"; "+details, "; ")
	}
	detail = private.Mask(detail)
	if e.Subcode != "" {
		detail += "; subcode " + e.Subcode
	}
	if e.TraceID != "" {
		detail += "; trace " + private.Mask(e.TraceID)
	}
	return detail
}

// With error code 100, subcodeNoAccess means that the phone number id does not
// exist or that the token has no permission for it. Every other error 100 is
// about a parameter of the message.
const subcodeNoAccess = "33"

func isNoAccess(e graphError, code int) bool { return code == 100 && e.Subcode == subcodeNoAccess }

func (r response) reaction(e graphError, code int) whatsapp.Reaction {
	if isNoAccess(e, code) {
		return whatsapp.HoldForOperator
	}
	return whatsapp.ReactionTo(code, r.reactionToStatus(e.Transient))
}

// reactionToStatus returns the reaction to an error with an unknown code.
func (r response) reactionToStatus(transient bool) whatsapp.Reaction {
	switch {
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		return whatsapp.HoldForOperator
	case r.status == http.StatusTooManyRequests, r.status >= 500, transient:
		return whatsapp.HoldNumber
	default:
		return whatsapp.GiveUp
	}
}

// reactionToProxy returns the reaction to a response of a proxy or gateway. It
// never gives up the message, because the Graph API has not judged it.
func (r response) reactionToProxy() whatsapp.Reaction {
	if r.status == http.StatusTooManyRequests {
		return whatsapp.HoldNumber
	}
	return whatsapp.HoldForOperator
}
