package waitlist

import (
	"context"
	"fmt"
	"slices"

	"aisha/internal/fault"
	"aisha/internal/resource"
)

// maxBulkIDs limits the list of ids of a bulk action.
const maxBulkIDs = 10_000

// BulkAction is what a bulk action does with each entry.
type BulkAction string

// The bulk actions.
const (
	Invite  BulkAction = "invite"
	Remove  BulkAction = "remove"
	Restore BulkAction = "restore"
)

// Change returns the change of status that the action makes, or the zero
// StatusChange for an unknown action.
func (a BulkAction) Change() StatusChange {
	switch a {
	case Invite:
		return StatusChange{From: Invited.predecessors(), To: Invited}
	case Remove:
		return StatusChange{From: Removed.predecessors(), To: Removed}
	case Restore:
		return StatusChange{From: []Status{Removed}, To: Waiting}
	default:
		return StatusChange{}
	}
}

// Selection is a set of entries: those with the ids, or those that the filter
// selects. One of the two is nil.
type Selection struct {
	IDs    []int64
	Filter *Filter
}

// Bulk is a request to change the statuses of many entries.
type Bulk struct {
	Action    BulkAction
	Selection Selection
	Expect    *int64 // how many entries must match; nil: any number
	DryRun    bool   // count them and change nothing
}

// Matches are the entries that a bulk action changes.
type Matches struct {
	N      int64
	Sample []int64 // the first ids, at most ten
}

// StartedBulk is a bulk action that was found valid.
type StartedBulk struct {
	Action    BulkAction
	Selection Selection // the ids are sorted and each is there once
	Matches   int64
}

// Bulk starts to change the statuses of many entries. Its result is loading, or the
// Matches of a dry run. Errors: fault.Invalid, fault.Conflict if another number of
// entries than expected matches, fault.Unavailable.
func (t *Transitions) Bulk(ctx context.Context, in Bulk) resource.Resource[Matches] {
	matches, err := t.match(ctx, &in)
	if err != nil {
		return resource.Failure[Matches](err)
	}
	if in.DryRun {
		return resource.From(matches, t.recordSearch(ctx, in.Selection.Filter, matches.N))
	}
	location, err := t.store.StartBulk(ctx, StartedBulk{Action: in.Action, Selection: in.Selection, Matches: matches.N})
	if err != nil {
		return resource.Failure[Matches](err)
	}
	return resource.Loading[Matches](location)
}

// recordSearch adds a dry run to the audit if its filter searches. Like a list, it
// returns the entries with a name or a number.
func (t *Transitions) recordSearch(ctx context.Context, filter *Filter, matches int64) error {
	if filter == nil || !filter.HasSearch() {
		return nil
	}
	return t.store.RecordSearch(ctx, *filter, matches)
}

func (t *Transitions) match(ctx context.Context, in *Bulk) (Matches, error) {
	if err := in.validate(); err != nil {
		return Matches{}, err
	}
	slices.Sort(in.Selection.IDs)
	in.Selection.IDs = slices.Compact(in.Selection.IDs)

	matches, err := t.store.Match(ctx, in.Selection, in.Action.Change())
	if err != nil {
		return Matches{}, err
	}
	if in.Expect != nil && *in.Expect != matches.N {
		return Matches{}, fault.New(fault.Conflict, fmt.Sprintf("%d entries match, and %d were expected", matches.N, *in.Expect))
	}
	return matches, nil
}

func (in *Bulk) validate() error {
	var invalid []fault.Field
	add := func(name string, code fault.FieldCode, message string) {
		invalid = append(invalid, fault.Field{Name: name, Code: code, Message: message})
	}
	if in.Action.Change().From == nil {
		add("action", fault.FieldInvalidValue, "must be invite, remove or restore")
	}
	ids := in.Selection.IDs
	switch {
	case ids == nil && in.Selection.Filter == nil:
		add("ids", fault.FieldRequired, "is missing: give ids or a filter")
	case ids != nil && in.Selection.Filter != nil:
		add("filter", fault.FieldInvalidValue, "must not be given together with ids")
	case ids != nil && (len(ids) == 0 || len(ids) > maxBulkIDs):
		add("ids", fault.FieldInvalidValue, fmt.Sprintf("must have from 1 to %d ids", maxBulkIDs))
	case slices.ContainsFunc(ids, func(id int64) bool { return id < 1 }):
		add("ids", fault.FieldOutOfRange, "must have ids of at least 1 only")
	}
	if invalid != nil {
		return fault.InvalidFields(invalid)
	}
	return nil
}
