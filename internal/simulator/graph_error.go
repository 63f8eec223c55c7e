package simulator

import (
	"crypto/rand"
	"fmt"
	"net/http"
)

// graphError is a refusal in the shape of the Graph API.
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

// invalidToken says nothing about the token that came.
func invalidToken() *graphError {
	return &graphError{
		status:  http.StatusUnauthorized,
		code:    190,
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

// requiredParameter is what the Graph API itself misses.
func requiredParameter(name string) *graphError {
	return &graphError{
		status:  http.StatusBadRequest,
		code:    100,
		message: fmt.Sprintf("(#100) The parameter %s is required.", name),
	}
}

func invalidParameter(message string) *graphError {
	return &graphError{status: http.StatusBadRequest, code: 100, message: "(#100) " + message}
}

// missingParameter is what WhatsApp misses.
func missingParameter(name string) *graphError {
	return &graphError{
		status:  http.StatusBadRequest,
		code:    131008,
		message: "(#131008) Required parameter is missing",
		details: name + " is missing.",
	}
}

func badValue(details string) *graphError {
	return &graphError{
		status:  http.StatusBadRequest,
		code:    131009,
		message: "(#131009) Parameter value is not valid",
		details: details,
	}
}
