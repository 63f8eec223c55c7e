package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// What the page is told. Each view is whole and replaces the one with the same
// id, so it does no harm to be told a thing twice.

type personView struct {
	ID          string    `json:"id"` // the user id
	Phone       string    `json:"phone,omitempty"`
	Name        string    `json:"name,omitempty"`
	Seq         int64     `json:"seq"`
	TypingUntil time.Time `json:"typing_until,omitzero"`
}

// bubble is a message as it stands on the phone: "out" is what its owner wrote.
type bubble struct {
	ID        string    `json:"id"` // the wamid
	Seq       int64     `json:"seq"`
	Person    string    `json:"person"`
	Direction string    `json:"direction"`
	Kind      string    `json:"kind"`
	Text      string    `json:"text"`
	Buttons   []Button  `json:"buttons,omitempty"`
	Quotes    string    `json:"quotes,omitempty"` // a wamid
	At        time.Time `json:"at"`
	State     string    `json:"state"`
}

// The states of a bubble that goes out; one that comes in has a [State].
const (
	statePending  = "pending"  // the webhook has not been answered yet
	stateRetrying = "retrying" // it was tried and not acknowledged
	stateSent     = "sent"     // acknowledged
	stateRead     = "read"
)

// service is how the webhook of the service is doing.
type service struct {
	State string `json:"state"`
	URL   string `json:"url"`
	Error string `json:"error,omitempty"`
}

const (
	serviceUnknown     = "unknown"     // nothing has been sent yet
	serviceOK          = "ok"          // it acknowledged the latest call
	serviceRefusing    = "refusing"    // it answers, but not with 200
	serviceUnreachable = "unreachable" // it does not answer
)

// serviceIs notes what a call of the service showed. The caller holds the lock.
func (st *store) serviceIs(a attempt) {
	now := service{State: serviceOK, URL: a.url}
	switch {
	case a.err != nil:
		now.State, now.Error = serviceUnreachable, a.err.Error()
	case a.status != http.StatusOK:
		now.State, now.Error = serviceRefusing, http.StatusText(a.status)
	}
	if now != st.service {
		st.service = now
		st.publish(eventService, now)
	}
}

func viewPerson(c *conversation) personView {
	return personView{
		ID: c.person.UserID, Phone: c.person.Phone, Name: c.person.Name, Seq: c.seq, TypingUntil: c.typingUntil,
	}
}

func viewInbound(m *Inbound) bubble {
	b := bubble{
		ID: m.WAMID, Seq: m.Seq, Person: m.Person.UserID, Direction: "out", Kind: m.Kind, Text: m.Text, At: m.At,
	}
	switch {
	case !m.ReadAt.IsZero():
		b.State = stateRead
	case !m.AcknowledgedAt.IsZero():
		b.State = stateSent
	case m.Attempts > 0:
		b.State = stateRetrying
	default:
		b.State = statePending
	}
	return b
}

func viewOutbound(m *Outbound) bubble {
	return bubble{
		ID: m.WAMID, Seq: m.Seq, Person: m.Person.UserID, Direction: "in", Kind: "text", Text: m.Body, Buttons: m.Buttons,
		Quotes: m.ContextID, At: m.At, State: string(m.State),
	}
}

// viewExchange is an exchange without its bodies.
func viewExchange(x *exchange) exchange {
	view := *x
	view.request, view.response = nil, nil
	return view
}

// state is everything that a page needs to begin with.
type state struct {
	People   []personView `json:"people"`
	Messages []bubble     `json:"messages"`
	Traffic  []exchange   `json:"traffic"`
	Service  service      `json:"service"`
	Faults   Faults       `json:"faults"`
}

// state is a copy of what there is. The caller holds the lock.
func (st *store) state() state {
	s := state{People: []personView{}, Messages: []bubble{}, Traffic: []exchange{}, Service: st.service, Faults: st.faults}
	for _, c := range st.people {
		s.People = append(s.People, viewPerson(c))
		for _, in := range c.inbound {
			s.Messages = append(s.Messages, viewInbound(in))
		}
		for _, out := range c.outbound {
			s.Messages = append(s.Messages, viewOutbound(out))
		}
	}
	for _, x := range st.exchanges {
		s.Traffic = append(s.Traffic, viewExchange(x))
	}
	slices.SortFunc(s.People, func(a, b personView) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(s.Messages, func(a, b bubble) int { return cmp.Compare(a.Seq, b.Seq) })
	return s
}
