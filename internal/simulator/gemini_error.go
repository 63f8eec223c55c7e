package simulator

import "net/http"

// geminiError is a refusal in the shape of Google's APIs.
type geminiError struct {
	status  int
	name    string // the canonical code
	message string
	reason  string // of the ErrorInfo; empty for none
}

// write answers a stream with an array of one element, as Google does.
func (e *geminiError) write(w http.ResponseWriter, stream bool) {
	inner := object{"code": e.status, "message": e.message, "status": e.name}
	if e.reason != "" {
		inner["details"] = []object{{
			"@type":    "type.googleapis.com/google.rpc.ErrorInfo",
			"reason":   e.reason,
			"domain":   "googleapis.com",
			"metadata": object{"service": "generativelanguage.googleapis.com"},
		}}
	}
	var body any = object{"error": inner}
	if stream {
		body = []any{body}
	}
	writeJSON(w, e.status, body)
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
