// Package operation runs long work of operators in chunks, and reports on it.
//
// What a chunk does is decided by the Runner of its kind. A chunk and the position
// after it are stored in one transaction, so that a crash repeats nothing that was
// committed.
package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/resource"
)

// State is how far an operation is.
type State string

// The states. The last three are final.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports whether the state is final.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Operation is long work that an operator has started.
type Operation struct {
	ID     int64
	Kind   string
	Args   json.RawMessage // what to do
	Cursor json.RawMessage // where the next chunk begins; {} at first
	Chunks int64           // how many chunks are committed
	Action operator.Action // on whose behalf

	State     State
	Done      int64
	Total     *int64 // nil: not known
	Result    json.RawMessage
	Failure   *Failure // of a failed operation
	StartedAt *time.Time
}

// Failure is why an operation failed, as the caller sees it.
type Failure struct {
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Fields  []fault.Field `json:"fields,omitempty"`
}

// Step is the result of a chunk.
type Step struct {
	Cursor any    // where the next chunk begins
	Done   int64  // how much the chunk has done
	Total  *int64 // nil: as before
	Result any    // of the whole operation; nil: there is more to do
}

// Chunks does the work of one operation. Next does one chunk, in the transaction of
// the context (see postgres.On), beginning at the operation's Cursor. After an error the
// transaction is undone and the Chunks are not used again. A fault that is not
// transient ends the operation; another error is retried.
type Chunks interface {
	Next(ctx context.Context, op Operation) (Step, error)
}

// Runner does the work of operations of one kind.
type Runner interface {
	Open(ctx context.Context, op Operation) (Chunks, error)
}

// ErrEnded is returned by Store.Chunk for an operation that has ended, for example
// because it was cancelled.
var ErrEnded = errors.New("the operation has ended")

// Store keeps operations. Errors of all methods: fault.Unavailable.
type Store interface {
	Get(ctx context.Context, id int64) (Operation, error) // also fault.NotFound
	// Chunk locks the operation, calls next with it in a transaction, and stores its
	// Step. It returns ErrEnded for an operation that has ended.
	Chunk(ctx context.Context, id int64, next func(context.Context, Operation) (Step, error)) (State, error)
	// End stores a final state, and audits a cancellation. It returns ErrEnded if the
	// operation has a final state already, and fault.NotFound.
	End(ctx context.Context, id int64, state State, failure *Failure) error
}

// Service runs operations.
type Service struct {
	store   Store
	runners map[string]Runner
}

// New returns a Service. runners are the kinds of operations.
func New(store Store, runners map[string]Runner) *Service {
	return &Service{store: store, runners: runners}
}

// Run runs an operation until it ends. Errors: those of its Runner that are worth a
// retry, fault.Unavailable.
func (s *Service) Run(ctx context.Context, id int64) resource.Resource[State] {
	return resource.From(s.run(ctx, id))
}

// Get returns the result of an operation. It is loading while the operation goes on.
// Errors: fault.NotFound, fault.Conflict if the operation was cancelled,
// fault.Unavailable, and the fault with which the operation failed.
func (s *Service) Get(ctx context.Context, id int64) resource.Resource[json.RawMessage] {
	op, err := s.store.Get(ctx, id)
	switch {
	case err != nil:
		return resource.Failure[json.RawMessage](err)
	case op.State == Succeeded:
		return resource.Success(op.Result)
	case op.State == Cancelled:
		return resource.Failure[json.RawMessage](fault.New(fault.Conflict, "the operation was cancelled"))
	case op.State == Failed:
		return resource.Failure[json.RawMessage](op.Failure.fault())
	default:
		return resource.Loading[json.RawMessage](Location(id))
	}
}

// Progress returns how far an operation is. Errors: fault.NotFound,
// fault.Unavailable.
func (s *Service) Progress(ctx context.Context, id int64) resource.Resource[Operation] {
	return resource.From(s.store.Get(ctx, id))
}

// Cancel ends an operation before its next chunk. Errors: fault.NotFound,
// fault.Conflict if the operation has ended, fault.Unavailable.
func (s *Service) Cancel(ctx context.Context, id int64) resource.Resource[Operation] {
	return resource.From(s.cancel(ctx, id))
}

// Location returns the address of an operation's result.
func Location(id int64) string { return fmt.Sprintf("/operator/operations/%d", id) }

func (s *Service) cancel(ctx context.Context, id int64) (Operation, error) {
	err := s.store.End(ctx, id, Cancelled, nil)
	if errors.Is(err, ErrEnded) {
		return Operation{}, fault.New(fault.Conflict, "the operation has ended already")
	}
	if err != nil {
		return Operation{}, err
	}
	return s.store.Get(ctx, id)
}

func (s *Service) run(ctx context.Context, id int64) (State, error) {
	op, err := s.store.Get(ctx, id)
	if err != nil || op.State.Ended() {
		return op.State, err
	}
	runner, exists := s.runners[op.Kind]
	if !exists {
		return "", fmt.Errorf("operation %d is of the unknown kind %q", op.ID, op.Kind)
	}
	ctx = operator.WithAction(ctx, op.Action)
	state, err := s.runChunks(ctx, op, runner)
	if err == nil || !isFinal(err) {
		return state, err
	}
	f := fault.Of(err)
	err = s.store.End(ctx, id, Failed, &Failure{Code: f.Kind.Code(), Message: f.Message, Fields: f.Fields})
	if errors.Is(err, ErrEnded) {
		err = nil
	}
	return Failed, err
}

func (s *Service) runChunks(ctx context.Context, op Operation, runner Runner) (State, error) {
	chunks, err := runner.Open(ctx, op)
	if err != nil {
		return "", err
	}
	for committed := op.Chunks; ; committed++ {
		state, err := s.store.Chunk(ctx, op.ID, func(ctx context.Context, op Operation) (Step, error) {
			if op.Chunks != committed {
				return Step{}, errTakenOver
			}
			return chunks.Next(ctx, op)
		})
		if errors.Is(err, ErrEnded) {
			return state, nil
		}
		if err != nil || state.Ended() {
			return state, err
		}
	}
}

// errTakenOver stops a worker that was suspended while another one ran further chunks:
// its Chunks are at an earlier place than the operation.
var errTakenOver = fault.New(fault.Unavailable, "another instance runs this operation")

// isFinal reports whether a retry would fail in the same way.
func isFinal(err error) bool {
	f := fault.Of(err)
	return f.Kind != fault.Internal && !f.Transient
}

func (f *Failure) fault() error {
	err := fault.New(fault.KindOf(f.Code), f.Message)
	err.Fields = f.Fields
	return err
}
