package simulator

import "unicode/utf16"

// Meta's limits of a message with reply buttons.
const (
	maxMenuBody    = 1024 // UTF-16 units
	maxButtons     = 3
	maxButtonTitle = 20
	maxButtonID    = 256
)

// graphMenu is a text with reply buttons, as it is sent.
type graphMenu struct {
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

// check refuses what the Graph API refuses.
func (m *graphMenu) check() *graphError {
	switch {
	case m == nil || m.Body.Text == "":
		return missingParameter("interactive.body.text")
	case m.Type != "button":
		return badValue("interactive.type must be \"button\": the simulator takes no other.")
	case utf16Units(m.Body.Text) > maxMenuBody:
		return invalidParameter("Param interactive['body']['text'] must be at most 1024 characters long.")
	case len(m.Action.Buttons) == 0 || len(m.Action.Buttons) > maxButtons:
		return invalidParameter("Param interactive['action']['buttons'] must have 1 to 3 buttons.")
	}
	for _, b := range m.Action.Buttons {
		if b.Type != "reply" || b.Reply.ID == "" || len(b.Reply.ID) > maxButtonID ||
			b.Reply.Title == "" || utf16Units(b.Reply.Title) > maxButtonTitle {
			return invalidParameter("A button must be a reply with an id of at most 256 and a title of at most 20 characters.")
		}
	}
	return nil
}

func (m *graphMenu) buttons() []Button {
	if m == nil {
		return nil
	}
	var buttons []Button
	for _, b := range m.Action.Buttons {
		buttons = append(buttons, b.Reply)
	}
	return buttons
}

// body is the words of the message.
func (c graphCall) body() string {
	if c.Interactive != nil {
		return c.Interactive.Body.Text
	}
	return c.Text.Body
}

func utf16Units(text string) int { return len(utf16.Encode([]rune(text))) }

// Press is a person who presses a reply button under a message that they got.
// It reports false where there is no such message or button.
func (s *Simulator) Press(p Person, wamid, buttonID string) (reply string, ok bool) {
	button, from, found := s.store.button(p, wamid, buttonID)
	if !found {
		return "", false
	}
	return s.Send(p, "interactive", object{
		"context":     object{"from": from, "id": wamid},
		"interactive": object{"type": "button_reply", "button_reply": object{"id": button.ID, "title": button.Title}},
	}), true
}

// button finds a button under a message to a person, and which number of ours
// it came from.
func (st *store) button(p Person, wamid, id string) (button Button, from string, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, out := range st.conversation(p).outbound {
		if out.WAMID != wamid {
			continue
		}
		for _, b := range out.Buttons {
			if b.ID == id {
				return b, out.PhoneNumberID, true
			}
		}
	}
	return Button{}, "", false
}
