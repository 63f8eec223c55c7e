// Package operator says who acts through the operator API, and what they may do.
//
// It decides nothing. Package guard authenticates the caller, repositories write
// the actor into the audit.
package operator

import (
	"context"
	"slices"
)

// Right is what a route of the operator API requires.
type Right string

// The rights.
const (
	ReadList      Right = "list:read"
	WriteList     Right = "list:write"
	DecideCredit  Right = "referrals:decide"
	ImportList    Right = "list:import"
	ExportList    Right = "list:export"
	ReadAudit     Right = "audit:read"
	ReadUnhandled Right = "unhandled:read"
)

// Caller is an authenticated user of the operator API.
type Caller struct {
	Name   string // for the audit
	All    bool   // has every right
	Rights []Right
}

// May reports whether the caller has the right.
func (c Caller) May(right Right) bool { return c.All || slices.Contains(c.Rights, right) }

// Action is what the audit needs to know about a request, or about the operation
// that a request has started.
type Action struct {
	Caller    Caller
	RequestID string
}

type actionKey struct{}

// WithAction returns a context for calls on behalf of an operator.
func WithAction(ctx context.Context, action Action) context.Context {
	return context.WithValue(ctx, actionKey{}, action)
}

// ActionOf returns the action of a context, and the zero Action if it has none.
func ActionOf(ctx context.Context) Action {
	action, _ := ctx.Value(actionKey{}).(Action)
	return action
}
