// Package audit reports who did what through the operator API. Repositories write
// the audit, in the transactions of the changes.
package audit

import (
	"context"
	"encoding/json"
	"time"

	"aisha/internal/page"
	"aisha/internal/resource"
)

// Entry is a row of the audit.
type Entry struct {
	ID        int64
	At        time.Time
	Actor     string
	Action    string
	Subject   string
	SubjectID *int64
	RequestID string
	Details   json.RawMessage
}

// Filter selects rows. Empty members match every row.
type Filter struct {
	Actor, Action, Subject string
	SubjectID              int64
	From, To               *time.Time // From is included, To is not
}

// Store reads the audit.
type Store interface {
	// List returns the newest rows first. Errors: fault.Unavailable.
	List(ctx context.Context, filter Filter, request page.Request) (page.Page[Entry], error)
}

// Service reports on the audit.
type Service struct{ store Store }

// New returns a Service.
func New(store Store) *Service { return &Service{store: store} }

// List returns a page of the audit, the newest rows first. Errors:
// fault.Unavailable.
func (s *Service) List(ctx context.Context, filter Filter, request page.Request) resource.Resource[page.Page[Entry]] {
	return resource.From(s.store.List(ctx, filter, request))
}
