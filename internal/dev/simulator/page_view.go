package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// Views are what a page receives. Each view is complete and replaces the one
// with the same id, so a page may receive it more than once.

type personView struct {
	ID          string    `json:"id"` // the user id
	Phone       string    `json:"phone,omitempty"`
	Name        string    `json:"name,omitempty"`
	Seq         int64     `json:"seq"`
	TypingUntil time.Time `json:"typing_until,omitzero"`
}

// messageView is a message as the person's phone shows it. The direction is
// "out" for messages of the person and "in" for messages of the service.
type messageView struct {
	ID        string    `json:"id"` // the wamid
	Seq       int64     `json:"seq"`
	Person    string    `json:"person"` // a user id
	Direction string    `json:"direction"`
	Kind      string    `json:"kind"`
	Text      string    `json:"text"`
	Buttons   []Button  `json:"buttons,omitempty"`
	Quotes    string    `json:"quotes,omitempty"` // a wamid
	At        time.Time `json:"at"`
	State     string    `json:"state"`
}

// The states of a messageView with direction "out". One with direction "in" has
// a [Status].
const (
	statePending  = "pending"  // the webhook was not attempted yet
	stateRetrying = "retrying" // the webhook was attempted and not acknowledged
	stateSent     = "sent"     // the webhook was acknowledged
	stateRead     = "read"
)

// serviceHealth is the outcome of the latest call of the service's webhook.
type serviceHealth struct {
	State string `json:"state"`
	URL   string `json:"url"`
	Error string `json:"error,omitempty"`
}

const (
	serviceUnknown     = "unknown"     // the webhook was not called yet
	serviceOK          = "ok"          // it acknowledged the latest call
	serviceRefusing    = "refusing"    // it responded with a status other than 200
	serviceUnreachable = "unreachable" // it did not respond
)

// updateServiceHealth takes over the outcome of a call of the service. The
// caller holds the lock.
func (st *store) updateServiceHealth(a webhookAttempt) {
	current := serviceHealth{State: serviceOK, URL: a.url}
	switch {
	case a.err != nil:
		current.State, current.Error = serviceUnreachable, a.err.Error()
	case a.status != http.StatusOK:
		current.State, current.Error = serviceRefusing, http.StatusText(a.status)
	}
	if current != st.serviceHealth {
		st.serviceHealth = current
		st.publish(eventService, current)
	}
}

func viewPerson(c *conversation) personView {
	return personView{
		ID: c.person.UserID, Phone: c.person.Phone, Name: c.person.Name, Seq: c.seq, TypingUntil: c.typingUntil,
	}
}

func viewInbound(m *Inbound) messageView {
	view := messageView{
		ID: m.WAMID, Seq: m.Seq, Person: m.Person.UserID, Direction: "out", Kind: m.Kind, Text: m.Text, At: m.At,
	}
	switch {
	case !m.ReadAt.IsZero():
		view.State = stateRead
	case !m.AcknowledgedAt.IsZero():
		view.State = stateSent
	case m.Attempts > 0:
		view.State = stateRetrying
	default:
		view.State = statePending
	}
	return view
}

func viewOutbound(m *Outbound) messageView {
	return messageView{
		ID: m.WAMID, Seq: m.Seq, Person: m.Person.UserID, Direction: "in", Kind: "text", Text: m.Body, Buttons: m.Buttons,
		Quotes: m.ContextID, At: m.At, State: string(m.Status),
	}
}

// viewExchange copies an exchange without its bodies.
func viewExchange(x *exchange) exchange {
	view := *x
	view.request, view.response = nil, nil
	return view
}

// pageState is everything that a page shows at first.
type pageState struct {
	People   []personView  `json:"people"`
	Messages []messageView `json:"messages"`
	Traffic  []exchange    `json:"traffic"`
	Service  serviceHealth `json:"service"`
	Faults   Faults        `json:"faults"`
}

// pageState returns the current state. The caller holds the lock.
func (st *store) pageState() pageState {
	s := pageState{
		People:   []personView{},
		Messages: []messageView{},
		Traffic:  []exchange{},
		Service:  st.serviceHealth,
		Faults:   st.faults,
	}
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
	slices.SortFunc(s.Messages, func(a, b messageView) int { return cmp.Compare(a.Seq, b.Seq) })
	return s
}
