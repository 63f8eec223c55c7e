package simulator

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
)

// maxTextBody is the longest text, in UTF-16 units: the stricter reading of
// Meta's "4096 characters".
const maxTextBody = 4096

// graphCall is the body of POST /messages: a message, or a read receipt.
type graphCall struct {
	MessagingProduct string     `json:"messaging_product"`
	RecipientType    string     `json:"recipient_type"`
	To               string     `json:"to"`
	Recipient        string     `json:"recipient"`
	Type             string     `json:"type"`
	Text             *graphText `json:"text"`
	Interactive      *graphMenu `json:"interactive"`
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

// graphMessages is POST /{version}/{phone-number-id}/messages.
func (s *Simulator) graphMessages(w http.ResponseWriter, r *http.Request) {
	answer, refusal := s.graphAnswer(r)
	if refusal != nil {
		refusal.write(w)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Simulator) graphAnswer(r *http.Request) (any, *graphError) {
	if !s.graphAuthorized(r) {
		return nil, invalidToken()
	}
	if chi.URLParam(r, "number") != s.options.PhoneNumberID {
		return nil, unknownObject(chi.URLParam(r, "number"))
	}
	call, refusal := decodeGraphCall(r)
	if refusal != nil {
		return nil, refusal
	}
	if call.Status != "" {
		return s.graphRead(r, call)
	}
	return s.graphSend(r, call)
}

func (s *Simulator) graphAuthorized(r *http.Request) bool {
	if faults, _ := s.store.currentFaults(); faults.Graph.Kind == GraphToken {
		return false
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && sameSecret(token, s.options.AccessToken)
}

// sameSecret is false for an empty secret: what is not set lets nobody in.
func sameSecret(given, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// decodeGraphCall reads the body. The Graph API takes what is not declared as
// JSON for a form without any members.
func decodeGraphCall(r *http.Request) (graphCall, *graphError) {
	var call graphCall
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == "application/json" {
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			return call, invalidParameter("The body is not valid JSON, or a parameter has the wrong type.")
		}
	}
	if call.MessagingProduct == "" {
		return call, requiredParameter("messaging_product")
	}
	if call.MessagingProduct != "whatsapp" {
		return call, badValue("messaging_product must be \"whatsapp\".")
	}
	return call, nil
}

// graphRead marks a message as read and may show that an answer is typed.
func (s *Simulator) graphRead(r *http.Request, call graphCall) (any, *graphError) {
	typing := call.TypingIndicator != nil
	describe(r, "mark read")
	switch {
	case call.Status != "read":
		return nil, badValue("status must be \"read\".")
	case typing && call.TypingIndicator.Type != "text":
		return nil, badValue("typing_indicator type must be \"text\".")
	case call.MessageID == "":
		return nil, missingParameter("message_id")
	}
	if typing {
		describe(r, "mark read · typing")
	}
	if !s.store.read(call.MessageID, typing) {
		return nil, badValue("message_id is not the id of a message that was sent to this number.")
	}
	return object{"success": true}, nil
}

// graphSend accepts a text and starts to tell how far it comes, unless a fault
// is in the way.
func (s *Simulator) graphSend(r *http.Request, call graphCall) (any, *graphError) {
	describe(r, "send text")
	if refusal := call.check(); refusal != nil {
		return nil, refusal
	}
	_, lifted := s.store.currentFaults()
	fault := s.drawGraph()
	if !pause(r.Context(), s.chance.within(fault.Slow)) {
		cut(r)
	}
	switch fault.Kind {
	case GraphRefuses:
		return nil, refusalOf(fault.Code)
	case GraphCutsBefore:
		cut(r)
	case GraphHangs:
		s.hang(r, lifted)
	case GraphCutsAfter:
		s.act(r.Context(), call)
		cut(r)
	}
	return accepted(call, s.act(r.Context(), call)), nil
}

// act takes a message. Where statuses come first it waits for one, for as long
// as the caller does.
func (s *Simulator) act(ctx context.Context, call graphCall) Outbound {
	to, state := call.addressee()
	out, open := s.store.accept(Outbound{
		PhoneNumberID: s.options.PhoneNumberID,
		To:            call.To,
		Recipient:     call.Recipient,
		Body:          call.body(),
		Buttons:       call.Interactive.buttons(),
		Callback:      call.Callback,
		ContextID:     call.Context.MessageID,
		State:         state,
	}, to)
	if state == Lost {
		return out
	}
	told := make(chan struct{})
	once := sync.OnceFunc(func() { close(told) })
	s.spawn(func(ctx context.Context) { s.report(ctx, out, open, once) })
	if faults, _ := s.store.currentFaults(); faults.Webhooks.StatusFirst {
		select {
		case <-told:
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
	}
	return out
}

// check refuses what the Graph API refuses. Only texts are taken, with reply
// buttons or without: the service sends nothing else.
func (c graphCall) check() *graphError {
	switch {
	case c.RecipientType != "" && c.RecipientType != "individual":
		return badValue("recipient_type must be \"individual\".")
	case c.To == "" && c.Recipient == "":
		return missingParameter("to")
	case c.To != "" && !phonePattern.MatchString(bareNumber(c.To)) && !userIDPattern.MatchString(c.To):
		return badValue("to is not a phone number.")
	case c.To == "" && !userIDPattern.MatchString(c.Recipient):
		return badValue("recipient is not a business-scoped user id.")
	case c.Type == "interactive":
		return c.Interactive.check()
	case c.Type != "" && c.Type != "text":
		return badValue("type must be \"text\" or \"interactive\": the simulator takes no other.")
	case c.Text == nil || c.Text.Body == "":
		return missingParameter("text.body")
	case utf16Units(c.Text.Body) > maxTextBody:
		return invalidParameter("Param text['body'] must be at most 4096 characters long.")
	}
	return nil
}

// addressee is who gets a message. A user id in the member for phone numbers is
// the trap that it is at Meta: the call succeeds, and the message is lost.
func (c graphCall) addressee() (Person, State) {
	switch {
	case userIDPattern.MatchString(c.To):
		return Person{UserID: c.To}, Lost
	case c.To != "":
		return Person{Phone: bareNumber(c.To)}, Accepted
	default:
		return Person{UserID: c.Recipient}, Accepted
	}
}

// accepted is the answer to a send, which promises nothing but that it was taken.
func accepted(call graphCall, out Outbound) object {
	contact := contactOf(out.Person)
	contact["input"] = call.To
	if call.To == "" {
		contact["input"] = call.Recipient
	}
	return object{
		"messaging_product": "whatsapp",
		"contacts":          []object{contact},
		"messages":          []object{{"id": out.WAMID, "message_status": "accepted"}},
	}
}
