package simulator

import (
	"strings"
	"time"
)

// receive keeps what a person wrote. The message is tried after the one before
// it: wait for before, and close tried.
func (st *store) receive(p Person, kind, text string) (in Inbound, before <-chan struct{}, tried chan struct{}) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.touch()
	c := st.conversation(p)
	m := &Inbound{Seq: st.next(), WAMID: newWAMID(), Person: c.person, Kind: kind, Text: text, At: st.now()}
	c.lastWrote = m.At
	c.inbound = append(c.inbound, m)
	if len(c.inbound) > maxMessages {
		delete(st.inbound, c.inbound[0].WAMID)
		c.inbound = last(c.inbound, maxMessages)
	}
	st.inbound[m.WAMID] = m
	st.counts.Inbound++

	before, tried = c.tried, make(chan struct{})
	c.tried = tried
	st.publish(eventMessage, viewInbound(m))
	return *m, before, tried
}

// attempted notes one attempt to deliver a message's webhook.
func (st *store) attempted(wamid string, acknowledged bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.touch()
	m := st.inbound[wamid]
	if m == nil {
		return // forgotten since
	}
	m.Attempts++
	if acknowledged && m.AcknowledgedAt.IsZero() {
		m.AcknowledgedAt = st.now()
		st.counts.Acknowledged++
	}
	st.publish(eventMessage, viewInbound(m))
}

// read marks a message and all before it as read. It reports false for a
// message that nobody sent.
func (st *store) read(wamid string, typing bool) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.touch()
	m := st.inbound[wamid]
	if m == nil {
		return false
	}
	now := st.now()
	c := st.people[m.Person.UserID]
	for _, in := range c.inbound {
		if in.Seq <= m.Seq && in.ReadAt.IsZero() {
			in.ReadAt = now
			st.publish(eventMessage, viewInbound(in))
		}
	}
	if typing {
		c.typingUntil = now.Add(typingTime)
		st.publish(eventPerson, viewPerson(c))
	}
	st.counts.ReadCalls++
	st.readCalls = last(append(st.readCalls, ReadCall{WAMID: wamid, Typing: typing, At: now}), maxCalls)
	return true
}

// accept keeps a message to a person. It reports whether the person's customer
// service window is open.
func (st *store) accept(m Outbound, to Person) (out Outbound, open bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.touch()
	c := st.conversation(to)
	m.Seq, m.WAMID, m.At = st.next(), newWAMID(), st.now()
	m.Person = c.person
	c.outbound = last(append(c.outbound, &m), maxMessages)
	st.counts.Outbound++
	if m.State != Lost && !c.typingUntil.IsZero() {
		c.typingUntil = time.Time{}
		st.publish(eventPerson, viewPerson(c))
	}
	st.publish(eventMessage, viewOutbound(&m))
	// Of somebody who never wrote through us nothing is known: a webhook that was
	// made by hand may have opened their window.
	return m, c.lastWrote.IsZero() || m.At.Sub(c.lastWrote) < customerWindow
}

// move notes how far a message to a person has come.
func (st *store) move(m Outbound, to State, errorCode int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.touch()
	c := st.people[m.Person.UserID]
	if c == nil {
		return
	}
	for _, out := range c.outbound {
		if out.WAMID == m.WAMID {
			out.State, out.ErrorCode = to, errorCode
			st.publish(eventMessage, viewOutbound(out))
		}
	}
}

// asked keeps a prompt.
func (st *store) asked(call ModelCall) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.touch()
	call.At = st.now()
	st.counts.ModelCalls++
	st.modelCalls = last(append(st.modelCalls, call), maxCalls)
}

// refused counts a call that was answered with an error.
func (st *store) refused(kind exchangeKind) {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.touch()
	if kind == kindGraph {
		st.counts.GraphRefused++
	} else {
		st.counts.ModelRefused++
	}
}

// caption is the words of a message that is not a text, for the phone.
func caption(kind string, content map[string]any) string {
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
