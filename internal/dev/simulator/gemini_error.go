package simulator

import "net/http"

// geminiError is an error response of Google's APIs.
type geminiError struct {
	status  int
	name    string // the canonical error code
	message string
	reason  string // adds an ErrorInfo if not empty
	retryIn string // adds a RetryInfo if not empty
}

// write responds to a streaming call with an array of one element, as Google does.
func (e *geminiError) write(w http.ResponseWriter, method geminiMethod) {
	inner := object{"code": e.status, "message": e.message, "status": e.name}
	if details := e.details(); len(details) > 0 {
		inner["details"] = details
	}
	var body any = object{"error": inner}
	if method == methodStream {
		body = []any{body}
	}
	writeJSON(w, e.status, body)
}

func (e *geminiError) details() []object {
	var details []object
	if e.reason != "" {
		details = append(details, object{
			"@type":    "type.googleapis.com/google.rpc.ErrorInfo",
			"reason":   e.reason,
			"domain":   "googleapis.com",
			"metadata": object{"service": "generativelanguage.googleapis.com"},
		})
	}
	if e.retryIn != "" {
		details = append(details, object{
			"@type":      "type.googleapis.com/google.rpc.RetryInfo",
			"retryDelay": e.retryIn,
		})
	}
	return details
}

// geminiErrorForFault returns the error response of a fault. It is nil without a
// fault and for faults that are not error responses.
func geminiErrorForFault(fault GeminiFaultKind) *geminiError {
	switch fault {
	case GeminiRateLimited:
		return &geminiError{
			status: http.StatusTooManyRequests, name: "RESOURCE_EXHAUSTED", retryIn: "1s",
			message: "You exceeded your current quota, please check your plan and billing details.",
		}
	case GeminiInternalError:
		return &geminiError{status: http.StatusInternalServerError, name: "INTERNAL", message: "An internal error has occurred."}
	case GeminiUnavailable:
		return &geminiError{status: http.StatusServiceUnavailable, name: "UNAVAILABLE", message: "The model is overloaded. Please try again later."}
	}
	return nil
}

func invalidArgument(message string) *geminiError {
	return &geminiError{status: http.StatusBadRequest, name: "INVALID_ARGUMENT", message: message}
}

func missingKey() *geminiError {
	return &geminiError{
		status:  http.StatusForbidden,
		name:    "PERMISSION_DENIED",
		message: "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
	}
}

func invalidKey() *geminiError {
	e := invalidArgument("API key not valid. Please pass a valid API key.")
	e.reason = "API_KEY_INVALID"
	return e
}

func unknownMethod() *geminiError {
	return &geminiError{status: http.StatusNotFound, name: "NOT_FOUND", message: "The method is not known to this API."}
}
