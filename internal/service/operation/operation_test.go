package operation

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/resource"
)

// fakeStore has one operation, with the id 7.
type fakeStore struct {
	op  Operation
	err error // of Get
}

func newFakeStore(state State) *fakeStore {
	return &fakeStore{op: Operation{
		ID: 7, Kind: "test", State: state, Cursor: json.RawMessage(`{}`),
		Action: operator.Action{Caller: operator.Caller{Name: "admin"}, RequestID: "r"},
	}}
}

func (s *fakeStore) Get(_ context.Context, id int64) (Operation, error) {
	if id != s.op.ID {
		return Operation{}, fault.New(fault.NotFound, "there is no operation with this id")
	}
	return s.op, s.err
}

func (s *fakeStore) Chunk(ctx context.Context, _ int64, next func(context.Context, Operation) (Step, error)) (State, error) {
	if s.op.State.Ended() {
		return s.op.State, ErrEnded
	}
	step, err := next(ctx, s.op)
	if err != nil {
		return "", err
	}
	s.op.State, s.op.Done, s.op.Chunks = Running, s.op.Done+step.Done, s.op.Chunks+1
	if s.op.Cursor, err = json.Marshal(step.Cursor); err != nil {
		return "", err
	}
	if step.Result != nil {
		s.op.State = Succeeded
		s.op.Result, err = json.Marshal(step.Result)
	}
	return s.op.State, err
}

func (s *fakeStore) End(_ context.Context, id int64, state State, failure *Failure) error {
	if id != s.op.ID {
		return fault.New(fault.NotFound, "there is no operation with this id")
	}
	if s.op.State.Ended() {
		return ErrEnded
	}
	s.op.State, s.op.Failure = state, failure
	return nil
}

// runnerFunc implements Runner and Chunks.
type runnerFunc func(context.Context, Operation) (Step, error)

func (f runnerFunc) Open(context.Context, Operation) (Chunks, error) { return f, nil }

func (f runnerFunc) Next(ctx context.Context, op Operation) (Step, error) { return f(ctx, op) }

// failingRunner cannot open an operation.
type failingRunner struct{ err error }

func (r failingRunner) Open(context.Context, Operation) (Chunks, error) { return nil, r.err }

// countTo returns a Runner whose operation has n chunks.
func countTo(n int, afterEach func(ctx context.Context, chunk int)) Runner {
	return runnerFunc(func(ctx context.Context, op Operation) (Step, error) {
		var cursor struct{ N int }
		if err := json.Unmarshal(op.Cursor, &cursor); err != nil {
			return Step{}, err
		}
		cursor.N++
		afterEach(ctx, cursor.N)
		if cursor.N == n {
			return Step{Done: 1, Result: cursor}, nil
		}
		return Step{Cursor: cursor, Done: 1}, nil
	})
}

func TestService_Run(t *testing.T) {
	t.Parallel()
	store := newFakeStore(Queued)
	var chunks []int
	service := New(store, map[string]Runner{"test": countTo(3, func(ctx context.Context, chunk int) {
		chunks = append(chunks, chunk)
		if diff := cmp.Diff(store.op.Action, operator.ActionOf(ctx)); diff != "" {
			t.Errorf("the action of the context (-want +got):\n%s", diff)
		}
	})})
	state, err := service.Run(t.Context(), 7).Get()
	if state != Succeeded || err != nil || store.op.Done != 3 {
		t.Errorf("Run: got %s, %v and %d done; want %s and 3", state, err, store.op.Done, Succeeded)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, chunks); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
	if state, err := service.Run(t.Context(), 7).Get(); state != Succeeded || err != nil || len(chunks) != 3 {
		t.Errorf("Run of an ended operation: got %s, %v and %d chunks; want %s and no more than 3", state, err, len(chunks), Succeeded)
	}
}

func TestService_Run_cancelledBetweenChunks(t *testing.T) {
	t.Parallel()
	store := newFakeStore(Queued)
	service := New(store, nil)
	service.runners = map[string]Runner{"test": runnerFunc(func(ctx context.Context, _ Operation) (Step, error) {
		if store.op.Done == 2 {
			if _, err := service.Cancel(ctx, 7).Get(); err != nil {
				t.Errorf("Cancel: %v", err)
			}
			return Step{}, ErrEnded
		}
		return Step{Done: 1}, nil
	})}
	if _, err := service.Run(t.Context(), 7).Get(); err != nil || store.op.State != Cancelled || store.op.Done != 2 {
		t.Errorf("Run: got %v, %s and %d done; want %s after 2", err, store.op.State, store.op.Done, Cancelled)
	}
}

// A worker that was suspended must not repeat what another one did meanwhile.
func TestService_Run_takenOver(t *testing.T) {
	t.Parallel()
	store := newFakeStore(Queued)
	runs := 0
	service := New(store, map[string]Runner{"test": runnerFunc(func(context.Context, Operation) (Step, error) {
		runs++
		store.op.Chunks += 2 // those of the other worker; the store adds ours
		return Step{Done: 1}, nil
	})})
	_, err := service.Run(t.Context(), 7).Get()
	if !fault.Is(err, fault.Unavailable) || runs != 1 || store.op.State != Running {
		t.Errorf("Run: got %v, %d chunks and %s; want an unavailable fault after 1 chunk, and %s", err, runs, store.op.State, Running)
	}
}

func TestService_Run_failures(t *testing.T) {
	t.Parallel()
	bug := errors.New("a bug")
	invalid := fault.InvalidField("header", fault.FieldRequired, "is missing")
	for name, tt := range map[string]struct {
		err   error
		state State
		retry bool // Run returns the error
	}{
		"invalid":       {invalid, Failed, false},
		"conflict":      {fault.New(fault.Conflict, "m"), Failed, false},
		"unavailable":   {fault.New(fault.Unavailable, "m"), Queued, true},
		"bug":           {bug, Queued, true},
		"stopped":       {context.Canceled, Queued, true},
		"out_of_time":   {context.DeadlineExceeded, Queued, true},
		"wrapped_fault": {errors.Join(errors.New("import"), invalid), Failed, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, runner := range []Runner{
				failingRunner{tt.err}, runnerFunc(func(context.Context, Operation) (Step, error) { return Step{}, tt.err }),
			} {
				store := newFakeStore(Queued)
				_, err := New(store, map[string]Runner{"test": runner}).Run(t.Context(), 7).Get()
				if tt.retry != errors.Is(err, tt.err) || !tt.retry && err != nil || store.op.State != tt.state {
					t.Errorf("%T: got %v and the state %s, want the error returned: %t, and %s", runner, err, store.op.State, tt.retry, tt.state)
				}
			}
		})
	}
}

func TestService_Run_notPossible(t *testing.T) {
	t.Parallel()
	store := newFakeStore(Queued)
	if _, err := New(store, nil).Run(t.Context(), 7).Get(); err == nil || !fault.Is(err, fault.Internal) || store.op.State != Queued {
		t.Errorf("unknown kind: got %v and the state %s, want an error and %s, so that a newer version runs it", err, store.op.State, Queued)
	}
	if _, err := New(store, nil).Run(t.Context(), 8).Get(); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown id: got %v, want %v", err, fault.NotFound)
	}
	store.err = fault.New(fault.Unavailable, "m")
	if _, err := New(store, nil).Run(t.Context(), 7).Get(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("database out of reach: got %v, want %v", err, fault.Unavailable)
	}
}

// An operation fails with the fault that it ended with.
func TestService_Get_failure(t *testing.T) {
	t.Parallel()
	for kind := fault.Malformed; kind <= fault.NotConfigured; kind++ {
		want := fault.New(kind, "message of "+kind.Code())
		want.Transient, want.RetryAfter = false, time.Minute
		if kind == fault.Invalid {
			want.Fields = []fault.Field{{Name: "f", Code: fault.FieldTooLong, Message: "is long"}, {Name: "g"}}
		}
		store := newFakeStore(Queued)
		service := New(store, map[string]Runner{"test": failingRunner{want}})
		if _, err := service.Run(t.Context(), 7).Get(); err != nil {
			t.Fatalf("%s: Run: %v", kind, err)
		}
		stored, err := json.Marshal(store.op.Failure)
		if err != nil {
			t.Fatal(err)
		}
		store.op.Failure = nil
		if err := json.Unmarshal(stored, &store.op.Failure); err != nil {
			t.Fatal(err)
		}
		_, err = service.Get(t.Context(), 7).Get()
		got := fault.Of(err)
		if got.Kind != kind || got.Message != want.Message {
			t.Errorf("%s: got %v, want %v", kind, got, want)
		}
		if diff := cmp.Diff(want.Fields, got.Fields); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", kind, diff)
		}
	}
}

func TestService_Get(t *testing.T) {
	t.Parallel()
	store := newFakeStore(Queued)
	service := New(store, nil)
	for _, state := range []State{Queued, Running} {
		store.op.State = state
		_, err := service.Get(t.Context(), 7).Get()
		if loading, ok := errors.AsType[*resource.LoadingError](err); !ok || loading.Location != "/operator/operations/7" {
			t.Errorf("%s: got %v, want it loading at /operator/operations/7", state, err)
		}
	}
	store.op.State, store.op.Result = Succeeded, json.RawMessage(`{"n":1}`)
	if result, err := service.Get(t.Context(), 7).Get(); err != nil || string(result) != `{"n":1}` {
		t.Errorf("succeeded: got %s, %v; want the result", result, err)
	}
	store.op.State = Cancelled
	if _, err := service.Get(t.Context(), 7).Get(); !fault.Is(err, fault.Conflict) {
		t.Errorf("cancelled: got %v, want %v", err, fault.Conflict)
	}
	if _, err := service.Get(t.Context(), 8).Get(); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown id: got %v, want %v", err, fault.NotFound)
	}
}

func TestService_Cancel(t *testing.T) {
	t.Parallel()
	for state, wantConflict := range map[State]bool{Queued: false, Running: false, Succeeded: true, Failed: true, Cancelled: true} {
		store := newFakeStore(state)
		op, err := New(store, nil).Cancel(t.Context(), 7).Get()
		if wantConflict != fault.Is(err, fault.Conflict) || !wantConflict && (err != nil || op.State != Cancelled) {
			t.Errorf("Cancel of a %s operation: got %+v, %v; want a conflict: %t", state, op, err, wantConflict)
		}
	}
	if _, err := New(newFakeStore(Queued), nil).Cancel(t.Context(), 8).Get(); !fault.Is(err, fault.NotFound) {
		t.Errorf("Cancel of an unknown operation: got %v, want %v", err, fault.NotFound)
	}
}

func TestService_Progress(t *testing.T) {
	t.Parallel()
	store := newFakeStore(Running)
	store.op.Done = 3
	op, err := New(store, nil).Progress(t.Context(), 7).Get()
	if diff := cmp.Diff(store.op, op); diff != "" || err != nil {
		t.Errorf("Progress: error %v, operation (-want +got):\n%s", err, diff)
	}
}
