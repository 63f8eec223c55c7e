package simulator

import (
	"crypto/rand"
	"fmt"
	"net/http"
)

// graphError is an error response of the Graph API.
type graphError struct {
	status  int
	code    int
	subcode int
	message string
	details string
}

func (e *graphError) write(w http.ResponseWriter) {
	body := object{
		"message":    e.message,
		"type":       "OAuthException",
		"code":       e.code,
		"fbtrace_id": "A" + rand.Text()[:22],
	}
	if e.subcode != 0 {
		body["error_subcode"] = e.subcode
	}
	if e.details != "" {
		body["error_data"] = object{"messaging_product": "whatsapp", "details": e.details}
	}
	writeJSON(w, e.status, object{"error": body})
}

// codeInvalidToken is Meta's error code for a token that is wrong or expired.
const codeInvalidToken = 190

func invalidToken() *graphError {
	return &graphError{
		status:  http.StatusUnauthorized,
		code:    codeInvalidToken,
		message: "Invalid OAuth access token - Cannot parse access token",
	}
}

func unknownObject(id string) *graphError {
	return &graphError{
		status:  http.StatusBadRequest,
		code:    100,
		subcode: 33,
		message: fmt.Sprintf("Unsupported post request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation.", id),
	}
}

// missingGraphParameter is the error for a parameter that the Graph API itself
// requires.
func missingGraphParameter(name string) *graphError {
	return &graphError{
		status:  http.StatusBadRequest,
		code:    100,
		message: fmt.Sprintf("(#100) The parameter %s is required.", name),
	}
}

func invalidParameter(message string) *graphError {
	return &graphError{status: http.StatusBadRequest, code: 100, message: "(#100) " + message}
}

// missingWhatsAppParameter is the error for a parameter that the WhatsApp API
// requires.
func missingWhatsAppParameter(name string) *graphError {
	return &graphError{
		status:  http.StatusBadRequest,
		code:    131008,
		message: "(#131008) Required parameter is missing",
		details: name + " is missing.",
	}
}

func invalidValue(details string) *graphError {
	return &graphError{
		status:  http.StatusBadRequest,
		code:    131009,
		message: "(#131009) Parameter value is not valid",
		details: details,
	}
}

// graphErrorForCode returns the error for one of Meta's codes, with the status
// and the title that Meta documents.
func graphErrorForCode(code int) *graphError {
	if code == codeInvalidToken {
		return invalidToken()
	}
	status, title := statusAndTitle(code)
	return &graphError{
		status:  status,
		code:    code,
		message: fmt.Sprintf("(#%d) %s", code, title),
		details: "The simulator was told to answer like this.",
	}
}

// statusAndTitle returns the HTTP status and the title that Meta documents for
// an error code.
func statusAndTitle(code int) (status int, title string) {
	switch code {
	case 1, 2:
		return http.StatusServiceUnavailable, "Service temporarily unavailable"
	case 4:
		return http.StatusTooManyRequests, "Application request limit reached"
	case 10, 131005:
		return http.StatusForbidden, "Permission denied"
	case 368, 131031:
		return http.StatusForbidden, "Business account has been locked"
	case 80007, 130429:
		return http.StatusTooManyRequests, "Rate limit hit"
	case 131000:
		return http.StatusInternalServerError, "Something went wrong"
	case 131016, 131057:
		return http.StatusServiceUnavailable, "Service unavailable"
	case 131026:
		return http.StatusBadRequest, "Message undeliverable"
	case 131048:
		return http.StatusBadRequest, "Spam rate limit hit"
	case 131056:
		return http.StatusTooManyRequests, "(Business Account, Consumer Account) pair rate limit hit"
	default:
		return http.StatusBadRequest, "Something is wrong with this message"
	}
}
