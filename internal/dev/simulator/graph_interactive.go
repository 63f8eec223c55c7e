package simulator

// Meta's limits of a message with reply buttons.
const (
	maxInteractiveBody = 1024 // UTF-16 units
	maxButtons         = 3
	maxButtonTitle     = 20 // UTF-16 units
	maxButtonID        = 256
)

// graphInteractive is a text with reply buttons, as the service sends it.
type graphInteractive struct {
	Type string `json:"type"`
	Body struct {
		Text string `json:"text"`
	} `json:"body"`
	Action struct {
		Buttons []struct {
			Type  string `json:"type"`
			Reply Button `json:"reply"`
		} `json:"buttons"`
	} `json:"action"`
}

// Button is a reply button under a message.
type Button struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// validate returns the error with which the Graph API rejects an invalid
// message.
func (m *graphInteractive) validate() *graphError {
	switch {
	case m == nil || m.Body.Text == "":
		return missingWhatsAppParameter("interactive.body.text")
	case m.Type != "button":
		return invalidValue("interactive.type must be \"button\": the simulator takes no other.")
	case utf16Len(m.Body.Text) > maxInteractiveBody:
		return invalidParameter("Param interactive['body']['text'] must be at most 1024 characters long.")
	case len(m.Action.Buttons) == 0 || len(m.Action.Buttons) > maxButtons:
		return invalidParameter("Param interactive['action']['buttons'] must have 1 to 3 buttons.")
	}
	for _, b := range m.Action.Buttons {
		if b.Type != "reply" || b.Reply.ID == "" || len(b.Reply.ID) > maxButtonID ||
			b.Reply.Title == "" || utf16Len(b.Reply.Title) > maxButtonTitle {
			return invalidParameter("A button must be a reply with an id of at most 256 and a title of at most 20 characters.")
		}
	}
	return nil
}

func (m *graphInteractive) buttons() []Button {
	if m == nil {
		return nil
	}
	var buttons []Button
	for _, b := range m.Action.Buttons {
		buttons = append(buttons, b.Reply)
	}
	return buttons
}

// PressButton presses a reply button as the person who got the message, and
// returns the wamid of the reply. It reports false if there is no such message
// or button.
func (s *Simulator) PressButton(p Person, wamid, buttonID string) (reply string, ok bool) {
	button, found := s.store.findButton(p, wamid, buttonID)
	if !found {
		return "", false
	}
	return s.Send(p, "interactive", object{
		"context":     object{"from": s.businessNumber(), "id": wamid},
		"interactive": object{"type": "button_reply", "button_reply": object{"id": button.ID, "title": button.Title}},
	}), true
}

// findButton finds a button under a message to a person.
func (st *store) findButton(p Person, wamid, id string) (Button, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, out := range st.ensureConversation(p).outbound {
		if out.WAMID != wamid {
			continue
		}
		for _, b := range out.Buttons {
			if b.ID == id {
				return b, true
			}
		}
	}
	return Button{}, false
}
