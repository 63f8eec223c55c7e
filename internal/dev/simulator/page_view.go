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
	File      *fileView `json:"file,omitempty"`
	Location  object    `json:"location,omitempty"` // as in the webhook
	Buttons   []Button  `json:"buttons,omitempty"`
	Quotes    string    `json:"quotes,omitempty"`   // a wamid
	Reaction  string    `json:"reaction,omitempty"` // an emoji
	At        time.Time `json:"at"`
	State     string    `json:"state"`
	Change    string    `json:"change,omitempty"`

	FromBusinessPhone bool `json:"from_business_phone,omitempty"`
}

// fileView describes a file that a person sent.
type fileView struct {
	ID       string `json:"id"`
	MIMEType string `json:"mime_type"`
	Name     string `json:"name,omitempty"`
	Size     int    `json:"size"`
}

// The states of a messageView with direction "out". One with direction "in" has
// a [Status].
const (
	stateSent      = "sent"      // the webhook was not attempted yet
	stateRetrying  = "retrying"  // the webhook was attempted and not acknowledged
	stateDelivered = "delivered" // the webhook was acknowledged
	stateRead      = "read"
)

// The changes of a messageView with direction "out".
const (
	changeEdited  = "edited"
	changeDeleted = "deleted" // for everyone; the view has no content
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
		ID: m.WAMID, Seq: m.Seq, Person: m.Person.UserID, Direction: "out", Kind: m.Kind, At: m.At, State: inboundState(m),
	}
	if !m.DeletedAt.IsZero() {
		view.Change = changeDeleted
		return view
	}
	if !m.EditedAt.IsZero() {
		view.Change = changeEdited
	}
	context, _ := m.content["context"].(object)
	view.Quotes, _ = context["id"].(string)
	view.Location, _ = m.content[kindLocation].(object)
	view.Text, view.File, view.Reaction = m.Text, m.file, m.Reaction
	if m.file != nil && m.Text == m.file.Name {
		view.Text = "" // it has no caption
	}
	return view
}

func inboundState(m *Inbound) string {
	switch {
	case !m.ReadAt.IsZero():
		return stateRead
	case !m.AcknowledgedAt.IsZero():
		return stateDelivered
	case m.Attempts > 0:
		return stateRetrying
	default:
		return stateSent
	}
}

// viewFile describes the file of a message. It returns nil if the message has
// none, or none that is stored. The caller holds the lock.
func (st *store) viewFile(kind string, content object) *fileView {
	media, _ := content[kind].(object)
	id, _ := media["id"].(string)
	f, found := st.files[id]
	if !found {
		return nil
	}
	name, _ := media["filename"].(string)
	return &fileView{ID: id, MIMEType: f.mimeType, Name: name, Size: len(f.data)}
}

func viewOutbound(m *Outbound) messageView {
	return messageView{
		ID: m.WAMID, Seq: m.Seq, Person: m.Person.UserID, Direction: "in", Kind: "text", Text: m.Body, Buttons: m.Buttons,
		Quotes: m.ContextID, Reaction: m.Reaction, At: m.At, State: string(m.Status), FromBusinessPhone: m.fromBusinessPhone,
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
			if !in.changesAnother() {
				s.Messages = append(s.Messages, viewInbound(in))
			}
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
