package simulator

import (
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// graphRequest is the body of POST /messages: a message or a read receipt.
type graphRequest struct {
	MessagingProduct string            `json:"messaging_product"`
	RecipientType    string            `json:"recipient_type"`
	To               string            `json:"to"`
	Recipient        string            `json:"recipient"`
	Type             string            `json:"type"`
	Text             *graphText        `json:"text"`
	Interactive      *graphInteractive `json:"interactive"`
	Context          struct {
		MessageID string `json:"message_id"`
	} `json:"context"`
	Callback string `json:"biz_opaque_callback_data"`

	Status          string `json:"status"`
	MessageID       string `json:"message_id"`
	TypingIndicator *struct {
		Type string `json:"type"`
	} `json:"typing_indicator"`
}

type graphText struct {
	Body string `json:"body"`
}

// graphMessages handles POST /{version}/{phone-number-id}/messages.
func (s *Simulator) graphMessages(w http.ResponseWriter, r *http.Request) {
	response, failure := s.graphMessageResponse(r)
	if failure != nil {
		failure.write(w)
		return
	}
	writeJSON(w, http.StatusOK, response)
}

func (s *Simulator) graphMessageResponse(r *http.Request) (any, *graphError) {
	if !s.graphAuthorized(r) {
		return nil, invalidToken()
	}
	if chi.URLParam(r, "number") != s.options.PhoneNumberID {
		return nil, unknownObject(chi.URLParam(r, "number"))
	}
	request, failure := decodeGraphRequest(r)
	if failure != nil {
		return nil, failure
	}
	if request.Status != "" {
		return s.graphMarkRead(r, request)
	}
	return s.graphSendMessage(r, request)
}

// graphAuthorized checks the access token. With GraphRejectsToken no token is
// valid.
func (s *Simulator) graphAuthorized(r *http.Request) bool {
	if faults, _ := s.store.currentFaults(); faults.Graph.Kind == GraphRejectsToken {
		return false
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && secretsEqual(token, s.options.AccessToken)
}

// secretsEqual returns false if want is empty, so an option that is not set
// authorizes no call.
func secretsEqual(given, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// decodeGraphRequest reads the body. The Graph API ignores a body whose content
// type is not JSON, so all its parameters are missing.
func decodeGraphRequest(r *http.Request) (graphRequest, *graphError) {
	var request graphRequest
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == "application/json" {
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			return request, invalidParameter("The body is not valid JSON, or a parameter has the wrong type.")
		}
	}
	if request.MessagingProduct == "" {
		return request, missingGraphParameter("messaging_product")
	}
	if request.MessagingProduct != "whatsapp" {
		return request, invalidValue("messaging_product must be \"whatsapp\".")
	}
	return request, nil
}

// graphMarkRead marks a message as read and can show the typing indicator.
func (s *Simulator) graphMarkRead(r *http.Request, request graphRequest) (any, *graphError) {
	typing := request.TypingIndicator != nil
	label := exchangeLabel{Summary: "mark read", Person: s.store.authorOfMessage(request.MessageID)}
	if typing {
		label.Summary = "mark read, typing"
	}
	setLabel(r, label)
	switch {
	case request.Status != "read":
		return nil, invalidValue("status must be \"read\".")
	case typing && request.TypingIndicator.Type != "text":
		return nil, invalidValue("typing_indicator type must be \"text\".")
	case request.MessageID == "":
		return nil, missingWhatsAppParameter("message_id")
	}
	if !s.store.markRead(ReadCall{WAMID: request.MessageID, Typing: typing}) {
		return nil, invalidValue("message_id is not the id of a message that was sent to this number.")
	}
	return object{"success": true}, nil
}
