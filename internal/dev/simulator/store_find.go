package simulator

import (
	"slices"
	"strings"
)

// userIDOf returns the user id of a person, found by user id or phone number. It
// returns an empty string for an unknown person.
func (st *store) userIDOf(p Person) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.people[p.UserID]
	if p.UserID == "" {
		c = st.byPhone[normalizePhone(p.Phone)]
	}
	if c == nil {
		return ""
	}
	return c.person.UserID
}

// authorOfMessage returns the user id of the sender of a person's message. It
// returns an empty string for any other message.
func (st *store) authorOfMessage(wamid string) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	if m := st.inbound[wamid]; m != nil {
		return m.Person.UserID
	}
	return ""
}

// authorOfPrompt returns the user id of the person whose text is in a prompt. A
// call of Gemini names no person, so this compares the prompt with the latest
// texts of each person to whom the service shows "typing…". It returns an empty
// string if it matches none, or more than one.
func (st *store) authorOfPrompt(prompt string) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	author := ""
	for _, c := range st.people {
		if !c.typingUntil.After(st.now()) || !c.wroteIn(prompt) {
			continue
		}
		if author != "" {
			return ""
		}
		author = c.person.UserID
	}
	return author
}

// wroteIn reports whether a prompt contains one of the person's latest texts.
func (c *conversation) wroteIn(prompt string) bool {
	const latest = 10
	return slices.ContainsFunc(keepLast(c.inbound, latest), func(m *Inbound) bool {
		return m.Text != "" && strings.Contains(prompt, m.Text)
	})
}

// inboundByID returns a message of the person, or nil. A message that was
// deleted for everyone is no longer there.
func (c *conversation) inboundByID(wamid string) *Inbound {
	for _, m := range c.inbound {
		if m.WAMID == wamid && m.DeletedAt.IsZero() && !m.changesAnother() {
			return m
		}
	}
	return nil
}

// outboundByID returns a message to the person, or nil.
func (c *conversation) outboundByID(wamid string) *Outbound {
	for _, m := range c.outbound {
		if m.WAMID == wamid {
			return m
		}
	}
	return nil
}
