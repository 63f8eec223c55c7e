package waitlist

import (
	"context"
	"slices"
	"time"

	"aisha/internal/fault"
	"aisha/internal/page"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// MaxConversation limits how many messages and answers of a person are returned.
const MaxConversation = 50

// Expansion is a part of an entry's details that is read only on request.
type Expansion string

// The expansions.
const (
	ExpandPosition     Expansion = "position"
	ExpandEvents       Expansion = "events"
	ExpandReferrals    Expansion = "referrals"
	ExpandConsents     Expansion = "consents"
	ExpandConversation Expansion = "conversation"
)

// Expansions returns all expansions.
func Expansions() []Expansion {
	return []Expansion{ExpandPosition, ExpandEvents, ExpandReferrals, ExpandConsents, ExpandConversation}
}

// Details are an entry with its requested expansions. Expansions that were not
// requested are empty.
type Details struct {
	Entry
	Position     *int64 // 1 is next; nil: the entry does not wait
	Events       []EntryEvent
	Referees     []Referee
	Consents     []ConsentRecord
	Conversation []ConversationText
}

// EntryEvent is a change of an entry's status.
type EntryEvent struct {
	At       time.Time
	From, To Status
	Actor    string
	Reason   *sensitive.Text
}

// Referee is an entry that signed up with the referral code of another one.
type Referee struct {
	ID        int64
	State     string // of the referral
	CreatedAt time.Time
}

// ConsentRecord is what a person agreed to or withdrew.
type ConsentRecord struct {
	Purpose string
	Given   bool
	Version *string // of the text
	Channel string
	At      time.Time
}

// ConversationText is a message of a person, or an answer to one.
type ConversationText struct {
	At       time.Time
	IsAnswer bool
	Text     sensitive.Text
}

// ListRequest selects a page of the list.
type ListRequest struct {
	Filter     Filter
	Order      Order
	Page       page.Request
	Expansions []Expansion // only ExpandPosition
}

// Edit is a change of an entry by an operator. Nil members stay as they are.
type Edit struct {
	Username *string
	Source   *string  // blank: none
	Note     *string  // blank: none
	Versions []string // one of which the entry must have; nil: any
}

// EntryUpdate is a validated Edit.
type EntryUpdate struct {
	Username *sensitive.Text
	Source   *string // empty: none
	Note     *sensitive.Text
	Versions []string
}

// EntryStore reads and updates entries. Errors of all methods: fault.Unavailable.
type EntryStore interface {
	// List returns a page of the list. A search adds a row to the audit.
	List(ctx context.Context, filter Filter, order Order, request page.Request) (page.Page[Entry], error)
	// Get returns an entry with everything that expansions request but its position.
	// Errors: also fault.NotFound.
	Get(ctx context.Context, id int64, expansions []Expansion) (Details, error)
	// Update updates an entry, adds the names of the changed members to the audit, and
	// returns the entry. It writes nothing if nothing changes. Errors: also
	// fault.NotFound, and fault.Conflict if the entry has another version.
	Update(ctx context.Context, id int64, update EntryUpdate) (Entry, error)
}

// Positions reports positions in the list.
type Positions interface {
	// Positions returns the positions of those of the entries that wait. Errors:
	// fault.Unavailable.
	Positions(ctx context.Context, ids []int64) (map[int64]int64, error)
}

// Manager shows the list to operators and changes its entries.
type Manager struct {
	store     EntryStore
	positions Positions
}

// NewManager returns a Manager.
func NewManager(store EntryStore, positions Positions) *Manager {
	return &Manager{store: store, positions: positions}
}

// List returns a page of the list. Errors: fault.Unavailable.
func (m *Manager) List(ctx context.Context, in ListRequest) resource.Resource[page.Page[Details]] {
	return resource.From(m.list(ctx, in))
}

// Get returns an entry. Errors: fault.NotFound, fault.Unavailable.
func (m *Manager) Get(ctx context.Context, id int64, expansions []Expansion) resource.Resource[Details] {
	return resource.From(m.get(ctx, id, expansions))
}

// Update changes an entry and returns it. Errors: fault.Invalid, fault.NotFound,
// fault.Conflict if the entry has another version than the edit requires,
// fault.Unavailable.
func (m *Manager) Update(ctx context.Context, id int64, in Edit) resource.Resource[Entry] {
	return resource.From(m.update(ctx, id, in))
}

func (m *Manager) list(ctx context.Context, in ListRequest) (page.Page[Details], error) {
	entries, err := m.store.List(ctx, in.Filter, in.Order, in.Page)
	if err != nil {
		return page.Page[Details]{}, err
	}
	details := page.Map(entries, func(e Entry) Details { return Details{Entry: e} })
	if slices.Contains(in.Expansions, ExpandPosition) {
		return details, m.addPositions(ctx, details.Items)
	}
	return details, nil
}

func (m *Manager) get(ctx context.Context, id int64, expansions []Expansion) (Details, error) {
	details, err := m.store.Get(ctx, id, expansions)
	if err != nil || !slices.Contains(expansions, ExpandPosition) {
		return details, err
	}
	one := []Details{details}
	err = m.addPositions(ctx, one)
	return one[0], err
}

// addPositions sets the positions of entries that wait.
func (m *Manager) addPositions(ctx context.Context, details []Details) error {
	var ids []int64
	for _, d := range details {
		if d.Status == Waiting {
			ids = append(ids, d.ID)
		}
	}
	if ids == nil {
		return nil
	}
	positions, err := m.positions.Positions(ctx, ids)
	if err != nil {
		return err
	}
	for i := range details {
		if position, waits := positions[details[i].ID]; waits && details[i].Status == Waiting {
			details[i].Position = &position
		}
	}
	return nil
}

func (m *Manager) update(ctx context.Context, id int64, in Edit) (Entry, error) {
	update, err := in.validate()
	if err != nil {
		return Entry{}, err
	}
	return m.store.Update(ctx, id, update)
}

// validate applies the rules of a sign-up to the name. Its error lists all invalid
// members.
func (in Edit) validate() (EntryUpdate, error) {
	update := EntryUpdate{Versions: in.Versions}
	var invalid []fault.Field
	clean := func(name string, typed *string, rules func(string) (string, *fault.Field)) *string {
		if typed == nil {
			return nil
		}
		text, problem := rules(*typed)
		if problem != nil {
			invalid = append(invalid, fault.Field{Name: name, Code: problem.Code, Message: problem.Message})
		}
		return &text
	}
	update.Username = asText(clean("username", in.Username, cleanName))
	update.Source = clean("source", in.Source, func(typed string) (string, *fault.Field) { return cleanLine(typed, maxLabel) })
	update.Note = asText(clean("note", in.Note, func(typed string) (string, *fault.Field) { return cleanLines(typed, maxNote) }))
	if invalid != nil {
		return EntryUpdate{}, fault.InvalidFields(invalid)
	}
	return update, nil
}

func asText(text *string) *sensitive.Text {
	if text == nil {
		return nil
	}
	wrapped := sensitive.NewText(*text)
	return &wrapped
}
