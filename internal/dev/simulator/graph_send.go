package simulator

import (
	"context"
	"net/http"
	"sync"
	"unicode/utf16"
)

// maxTextBody is the longest text, in UTF-16 units. Meta's "4096 characters"
// can mean this or Unicode code points; UTF-16 is stricter.
const maxTextBody = 4096

// graphSendMessage accepts a message and starts to send its statuses, unless a
// fault prevents it.
func (s *Simulator) graphSendMessage(r *http.Request, request graphRequest) (any, *graphError) {
	setLabel(r, exchangeLabel{Summary: "send message"})
	if failure := request.validate(); failure != nil {
		return nil, failure
	}
	to, _ := request.recipient()
	setLabel(r, exchangeLabel{Summary: "send message", Person: s.store.userIDOf(to), Excerpt: excerpt(request.bodyText())})
	_, faultCleared := s.store.currentFaults()
	fault := s.nextGraphFault()
	if !sleep(r.Context(), s.random.durationIn(fault.Delay)) {
		dropConnection(r)
	}
	switch fault.Kind {
	case GraphReturnsError:
		return nil, graphErrorForCode(fault.Code)
	case GraphDropsRequest:
		dropConnection(r)
	case GraphHangs:
		s.hangUntilCleared(r, faultCleared)
	case GraphDropsResponse:
		s.acceptMessage(r.Context(), request)
		dropConnection(r)
	}
	return sendResponse(request, s.acceptMessage(r.Context(), request)), nil
}

// acceptMessage stores a message and sends its statuses in the background. With
// StatusBeforeResponse it returns after the first status, or when ctx ends.
func (s *Simulator) acceptMessage(ctx context.Context, request graphRequest) Outbound {
	to, status := request.recipient()
	out, windowOpen := s.store.addOutbound(Outbound{
		PhoneNumberID: s.options.PhoneNumberID,
		To:            request.To,
		Recipient:     request.Recipient,
		Body:          request.bodyText(),
		Buttons:       request.Interactive.buttons(),
		Callback:      request.Callback,
		ContextID:     request.Context.MessageID,
		Status:        status,
	}, to)
	if status == StatusLost {
		return out
	}
	steps := s.deliveredSteps()
	if !windowOpen {
		steps = s.windowClosedSteps()
	}
	firstSent := make(chan struct{})
	markFirstSent := sync.OnceFunc(func() { close(firstSent) })
	s.spawn(func(ctx context.Context) { s.sendStatuses(ctx, out, steps, markFirstSent) })
	if faults, _ := s.store.currentFaults(); faults.Webhooks.StatusBeforeResponse {
		select {
		case <-firstSent:
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
	}
	return out
}

// validate returns the error with which the Graph API rejects an invalid
// request. The simulator accepts texts only, with or without reply buttons,
// because the service sends nothing else.
func (c graphRequest) validate() *graphError {
	switch {
	case c.RecipientType != "" && c.RecipientType != "individual":
		return invalidValue("recipient_type must be \"individual\".")
	case c.To == "" && c.Recipient == "":
		return missingWhatsAppParameter("to")
	case c.To != "" && !phonePattern.MatchString(normalizePhone(c.To)) && !userIDPattern.MatchString(c.To):
		return invalidValue("to is not a phone number.")
	case c.To == "" && !userIDPattern.MatchString(c.Recipient):
		return invalidValue("recipient is not a business-scoped user id.")
	case c.Type == "interactive":
		return c.Interactive.validate()
	case c.Type != "" && c.Type != "text":
		return invalidValue("type must be \"text\" or \"interactive\": the simulator takes no other.")
	case c.Text == nil || c.Text.Body == "":
		return missingWhatsAppParameter("text.body")
	case utf16Len(c.Text.Body) > maxTextBody:
		return invalidParameter("Param text['body'] must be at most 4096 characters long.")
	}
	return nil
}

func utf16Len(text string) int { return len(utf16.Encode([]rune(text))) }

// recipient returns the person and the first status of the message. A user id
// in "to" instead of "recipient" fails as it does at Meta: the call succeeds,
// but the message is never delivered.
func (c graphRequest) recipient() (Person, Status) {
	switch {
	case userIDPattern.MatchString(c.To):
		return Person{UserID: c.To}, StatusLost
	case c.To != "":
		return Person{Phone: normalizePhone(c.To)}, StatusAccepted
	default:
		return Person{UserID: c.Recipient}, StatusAccepted
	}
}

func (c graphRequest) bodyText() string {
	if c.Interactive != nil {
		return c.Interactive.Body.Text
	}
	return c.Text.Body
}

// sendResponse is the response to an accepted message. Meta has not delivered
// the message yet when it sends this response.
func sendResponse(request graphRequest, out Outbound) object {
	contact := contactObject(out.Person)
	contact["input"] = request.To
	if request.To == "" {
		contact["input"] = request.Recipient
	}
	return object{
		"messaging_product": "whatsapp",
		"contacts":          []object{contact},
		"messages":          []object{{"id": out.WAMID, "message_status": "accepted"}},
	}
}
