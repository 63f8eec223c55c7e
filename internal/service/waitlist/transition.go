package waitlist

import (
	"context"
	"fmt"
	"slices"

	"aisha/internal/fault"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// Transition is a change of an entry's status, as an operator requests it.
type Transition struct {
	To     Status
	Reason sensitive.Text // for the history; empty: none
	Notify bool           // send a message to the person
}

// StatusChange is a change of status as it is stored. An entry whose status is not
// in From stays as it is.
type StatusChange struct {
	From   []Status
	To     Status
	Reason sensitive.Text // empty: none
}

// AuditAction returns the name that the audit has for the change of one entry.
func (c StatusChange) AuditAction(from Status) string {
	if from == Removed && c.To == Waiting {
		return "entry.restored"
	}
	return "entry." + string(c.To)
}

// TransitionStore changes statuses. Errors of all methods: fault.Unavailable.
type TransitionStore interface {
	// Change changes the status of an entry, with its history and its audit, and
	// returns the entry as it is then. changed is false if the change does not
	// allow its status. Errors: also fault.NotFound.
	Change(ctx context.Context, id int64, change StatusChange) (entry Entry, changed bool, err error)
	// Match counts the entries of a selection whose status the change allows.
	Match(ctx context.Context, selection Selection, change StatusChange) (Matches, error)
	// RecordSearch records in the audit that a filter with a search was counted.
	RecordSearch(ctx context.Context, filter Filter, matches int64) error
	// StartBulk starts an operation and returns the address of its result.
	StartBulk(ctx context.Context, bulk StartedBulk) (location string, err error)
}

// Transitions changes the statuses of entries on behalf of operators.
type Transitions struct{ store TransitionStore }

// NewTransitions returns a Transitions.
func NewTransitions(store TransitionStore) *Transitions { return &Transitions{store: store} }

// Apply changes the status of one entry and returns the entry. Errors:
// fault.Invalid, fault.NotFound, fault.Conflict if the entry's status does not allow
// the change, fault.Unavailable.
func (t *Transitions) Apply(ctx context.Context, id int64, in Transition) resource.Resource[Entry] {
	return resource.From(t.apply(ctx, id, in))
}

func (t *Transitions) apply(ctx context.Context, id int64, in Transition) (Entry, error) {
	change, err := in.validate()
	if err != nil {
		return Entry{}, err
	}
	entry, changed, err := t.store.Change(ctx, id, change)
	if err != nil {
		return Entry{}, err
	}
	if !changed {
		return Entry{}, cannotBecome(entry.Status, change.To)
	}
	return entry, nil
}

func cannotBecome(status, to Status) error {
	if status == to {
		return fault.New(fault.Conflict, fmt.Sprintf("the entry is %s already", status))
	}
	return fault.New(fault.Conflict, fmt.Sprintf("the entry is %s and cannot become %s", status, to))
}

func (in Transition) validate() (StatusChange, error) {
	var invalid []fault.Field
	if !slices.Contains(Statuses(), in.To) {
		invalid = append(invalid, fault.Field{Name: "to", Code: fault.FieldInvalidValue, Message: "must be waiting, invited, joined or removed"})
	}
	reason, problem := cleanLines(in.Reason.Reveal(), maxReason)
	if problem != nil {
		invalid = append(invalid, fault.Field{Name: "reason", Code: problem.Code, Message: problem.Message})
	}
	if in.Notify {
		invalid = append(invalid, fault.Field{Name: "notify", Code: fault.FieldInvalidValue, Message: "must be false, because invitations cannot be sent yet"})
	}
	if invalid != nil {
		return StatusChange{}, fault.InvalidFields(invalid)
	}
	return StatusChange{From: in.To.predecessors(), To: in.To, Reason: sensitive.NewText(reason)}, nil
}
