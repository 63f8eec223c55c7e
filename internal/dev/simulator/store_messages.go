package simulator

import (
	"strings"
	"time"
)

// addInbound stores a message of a person. Its webhook must wait for previous,
// which closes after the first attempt for the person's message before it. The
// caller must close attempted after the first attempt for this one.
//
// An edit, a deletion and a reaction change the message that they name. The page
// shows them there and not as messages of their own.
func (st *store) addInbound(p Person, kind string, content object) (in Inbound, previous <-chan struct{}, attempted chan struct{}) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	c := st.ensureConversation(p)
	m := &Inbound{
		Seq: st.nextSeq(), WAMID: newWAMID(), Person: c.person, Kind: kind, Text: displayText(kind, content), At: st.now(),
		content: content, file: st.viewFile(kind, content),
	}
	c.lastInboundAt = m.At
	c.inbound = append(c.inbound, m)
	if len(c.inbound) > maxMessages {
		delete(st.inbound, c.inbound[0].WAMID)
		c.inbound = keepLast(c.inbound, maxMessages)
	}
	st.inbound[m.WAMID] = m
	st.counts.Inbound++

	previous, attempted = c.lastAttempted, make(chan struct{})
	c.lastAttempted = attempted
	st.applyChange(c, m)
	st.publishInbound(m)
	return *m, previous, attempted
}

// recordMessageAttempt records one attempt to deliver the webhook of a message.
func (st *store) recordMessageAttempt(wamid string, a webhookAttempt) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	m := st.inbound[wamid]
	if m == nil {
		return // removed because the store was full
	}
	m.Attempts++
	if a.acknowledged() && m.AcknowledgedAt.IsZero() {
		m.AcknowledgedAt = st.now()
		st.counts.Acknowledged++
	}
	st.publishInbound(m)
}

// markRead marks a message and the person's earlier ones as read. It reports
// false if there is no message with this wamid.
func (st *store) markRead(call ReadCall) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	m := st.inbound[call.WAMID]
	if m == nil {
		return false
	}
	call.At = st.now()
	c := st.people[m.Person.UserID]
	for _, in := range c.inbound {
		if in.Seq <= m.Seq && in.ReadAt.IsZero() {
			in.ReadAt = call.At
			st.publishInbound(in)
		}
	}
	if call.Typing {
		c.typingUntil = call.At.Add(typingTime)
		st.publish(eventPerson, viewPerson(c))
	}
	st.counts.ReadCalls++
	st.readCalls = keepLast(append(st.readCalls, call), maxCalls)
	return true
}

// addOutbound stores a message to a person. It reports whether the person's
// customer service window is open.
func (st *store) addOutbound(m Outbound, to Person) (out Outbound, windowOpen bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	c := st.ensureConversation(to)
	m.Seq, m.WAMID, m.At = st.nextSeq(), newWAMID(), st.now()
	m.Person = c.person
	c.outbound = keepLast(append(c.outbound, &m), maxMessages)
	st.counts.Outbound++
	if m.Status != StatusLost {
		st.endTyping(c)
	}
	st.publish(eventMessage, viewOutbound(&m))
	// The window counts as open for a person without inbound messages: someone
	// may have posted a webhook for them to the service by hand.
	return m, c.lastInboundAt.IsZero() || m.At.Sub(c.lastInboundAt) < customerWindow
}

// endTyping removes the typing indicator from a person's phone, as each message
// to the person does. The caller holds the lock.
func (st *store) endTyping(c *conversation) {
	if c.typingUntil.IsZero() {
		return
	}
	c.typingUntil = time.Time{}
	st.publish(eventPerson, viewPerson(c))
}

// setStatus sets the status of a message to a person, and the error code if
// sending it failed.
func (st *store) setStatus(m Outbound, status Status, errorCode int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	c := st.people[m.Person.UserID]
	if c == nil {
		return
	}
	for _, out := range c.outbound {
		if out.WAMID == m.WAMID {
			out.Status, out.ErrorCode = status, errorCode
			st.publish(eventMessage, viewOutbound(out))
		}
	}
}

func (st *store) addModelCall(call ModelCall) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	call.At = st.now()
	st.counts.ModelCalls++
	st.modelCalls = keepLast(append(st.modelCalls, call), maxCalls)
}

// countError counts a call that got an error response.
func (st *store) countError(kind exchangeKind) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	if kind == kindGraph {
		st.counts.GraphErrors++
	} else {
		st.counts.ModelErrors++
	}
}

// displayText returns the text that the page shows for a message of any kind.
func displayText(kind string, content map[string]any) string {
	inner, _ := content[kind].(map[string]any)
	if reply, ok := inner["button_reply"].(map[string]any); ok {
		inner = reply
	}
	for _, key := range []string{"body", "caption", "emoji", "name", "filename", "title"} {
		if text, ok := inner[key].(string); ok && strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}
