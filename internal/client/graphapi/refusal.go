package graphapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"aisha/internal/service/whatsapp"
)

// graphError is what the Graph API says when it refuses.
type graphError struct {
	Message   string      `json:"message"`
	Code      json.Number `json:"code"`
	Subcode   json.Number `json:"error_subcode"`
	Transient bool        `json:"is_transient"`
	Trace     string      `json:"fbtrace_id"`
	Data      struct {
		Details string `json:"details"`
	} `json:"error_data"`
}

// refusal is nil where the call succeeded, a *whatsapp.Refusal where the API
// said no, and a *whatsapp.Uncertain where something else answered in its
// place, after it may have done its part.
func (a answer) refusal(veil veil) error {
	if e, code, said := a.graphError(); said {
		return &whatsapp.Refusal{
			Reaction:   a.reaction(e, code),
			Code:       code,
			HTTPStatus: a.status,
			RetryAfter: a.retryAfter,
			Detail:     e.detail(veil),
		}
	}
	switch {
	case a.status >= 200 && a.status < 300:
		return nil
	case a.status >= 500, a.status == http.StatusRequestTimeout:
		return &whatsapp.Uncertain{Cause: cmp.Or(a.cut, fmt.Errorf("status %d without a word of the Graph API", a.status))}
	default:
		return &whatsapp.Refusal{
			Reaction: a.standIn(), HTTPStatus: a.status, RetryAfter: a.retryAfter,
			Detail: "the answer is not the Graph API's: is its address right?",
		}
	}
}

// graphError finds the error in the body, and its code: an error without one
// is a gateway's. Another member of an unexpected type reads as empty.
func (a answer) graphError() (e graphError, code int, said bool) {
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	var odd *json.UnmarshalTypeError
	if json.Unmarshal(a.body, &body) != nil || len(body.Error) == 0 {
		return graphError{}, 0, false
	}
	if err := json.Unmarshal(body.Error, &e); err != nil && !errors.As(err, &odd) {
		return graphError{}, 0, false
	}
	code, err := strconv.Atoi(e.Code.String())
	return e, code, err == nil
}

// detail is everything in it that helps to find the cause, and nothing that
// the veil hides.
func (e graphError) detail(veil veil) string {
	detail := e.Message
	if details := e.Data.Details; details != "" && details != e.Message {
		detail = strings.TrimPrefix(detail+"; "+details, "; ")
	}
	detail = veil.over(detail)
	if e.Subcode != "" {
		detail += "; subcode " + e.Subcode.String()
	}
	if e.Trace != "" {
		detail += "; trace " + veil.over(e.Trace)
	}
	return detail
}

// notOurs is the subcode of an error 100 that says that the token has no right
// to the number. Any other 100 is about a parameter.
const notOurs = "33"

func (a answer) reaction(e graphError, code int) whatsapp.Reaction {
	if code == 100 && e.Subcode.String() == notOurs {
		return whatsapp.Stop
	}
	return whatsapp.ReactionTo(code, a.byStatus(e.Transient))
}

// byStatus is the reaction to an error whose code is not known.
func (a answer) byStatus(transient bool) whatsapp.Reaction {
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return whatsapp.Stop
	case a.status == http.StatusTooManyRequests, a.status >= 500, transient:
		return whatsapp.WaitAll
	default:
		return whatsapp.GiveUp
	}
}

// standIn is the reaction to an answer of something that stands before the
// Graph API, such as a proxy. It says nothing about the message, which is
// therefore never given up.
func (a answer) standIn() whatsapp.Reaction {
	if a.status == http.StatusTooManyRequests {
		return whatsapp.WaitAll
	}
	return whatsapp.Stop
}
