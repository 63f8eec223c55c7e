package operatordb_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/operation"
)

// operationTest has one operation, whose chunk n adds a row of the audit about the
// subject n.
type operationTest struct {
	*testing.T
	pool       *pgxpool.Pool
	operations *operatordb.Operations
	id         int64
}

const chunks = 20

func newOperationTest(t *testing.T) *operationTest {
	t.Helper()
	pool := testdb.Open(t)
	operations := operatordb.NewOperations(pool)
	total := int64(chunks)
	id, err := operations.Start(asOperator(t), "test", map[string]any{"a": "é"}, &total)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	return &operationTest{T: t, pool: pool, operations: operations, id: id}
}

func (o *operationTest) next(ctx context.Context, op operation.Operation) (operation.Step, error) {
	var cursor struct{ N int64 }
	if err := json.Unmarshal(op.Cursor, &cursor); err != nil {
		return operation.Step{}, err
	}
	cursor.N++
	err := operatordb.Record(ctx, postgres.On(ctx, o.pool), operator.Event{Action: "chunk", Subject: "test", SubjectID: cursor.N})
	if err != nil {
		return operation.Step{}, err
	}
	if cursor.N == chunks {
		return operation.Step{Done: 1, Result: map[string]any{"n": cursor.N}}, nil
	}
	return operation.Step{Cursor: cursor, Done: 1}, nil
}

// run runs chunks until the operation ends.
func (o *operationTest) run() operation.State {
	for {
		state, err := o.operations.Chunk(o.Context(), o.id, o.next)
		if errors.Is(err, operation.ErrEnded) || err == nil && state.Ended() {
			return state
		}
		if err != nil {
			o.Errorf("Chunk: %v", err)
			return state
		}
	}
}

func (o *operationTest) get() operation.Operation {
	o.Helper()
	op, err := o.operations.Get(o.Context(), o.id)
	if err != nil {
		o.Fatalf("Get: %v", err)
	}
	return op
}

// wantChunks checks that each chunk up to n ran once.
func (o *operationTest) wantChunks(n int) {
	o.Helper()
	all := testdb.QueryInt(o.T, o.pool, `SELECT count(*) FROM audit WHERE action = 'chunk'`)
	distinct := testdb.QueryInt(o.T, o.pool, `SELECT count(DISTINCT subject_id) FROM audit WHERE action = 'chunk' AND subject_id <= $1`, n)
	if all != n || distinct != n {
		o.Errorf("%d chunks ran, %d of the first %d; want each of them once", all, distinct, n)
	}
}

func TestOperations_Start(t *testing.T) {
	t.Parallel()
	o := newOperationTest(t)
	total := int64(chunks)
	want := operation.Operation{
		ID: o.id, Kind: "test", Args: json.RawMessage(`{"a": "é"}`), Cursor: json.RawMessage(`{}`),
		Action: operator.Action{Caller: operator.Caller{Name: "admin"}, RequestID: "req1"},
		State:  operation.Queued, Total: &total,
	}
	if diff := cmp.Diff(want, o.get()); diff != "" {
		t.Errorf("the operation (-want +got):\n%s", diff)
	}
	if n := testdb.QueryInt(t, o.pool, `
		SELECT count(*) FROM river_job
		WHERE kind = 'run_operation' AND queue = 'operations' AND state = 'available' AND args = jsonb_build_object('operation_id', $1::bigint)`, o.id); n != 1 {
		t.Errorf("%d jobs for the operation, want 1", n)
	}
}

// An operation that a refused action started does not exist.
func TestOperations_Start_refusedAction(t *testing.T) {
	t.Parallel()
	o := newOperationTest(t)
	_, err := operatordb.NewActions(o.pool).Run(asOperator(t), newAttempt("k", "p", ""), func(ctx context.Context) operator.Answer {
		if _, err := o.operations.Start(ctx, "test", struct{}{}, nil); err != nil {
			t.Errorf("Start: %v", err)
		}
		return answer(http.StatusConflict)
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	for _, table := range []string{"operation", "river_job"} {
		if n := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM `+table); n != 1 {
			t.Errorf("%d rows in %s, want only that of the other operation", n, table)
		}
	}
}

func TestOperations_Chunk_concurrentWorkers(t *testing.T) {
	t.Parallel()
	o := newOperationTest(t)
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			if state := o.run(); state != operation.Succeeded {
				t.Errorf("the operation ended as %s, want %s", state, operation.Succeeded)
			}
		})
	}
	workers.Wait()
	o.wantChunks(chunks)
	op := o.get()
	if op.State != operation.Succeeded || op.Done != chunks || op.StartedAt == nil || string(op.Result) != `{"n": 20}` {
		t.Errorf("got %+v, want it succeeded with %d done, a start and a result", op, chunks)
	}
	if n := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM operation WHERE finished_at >= started_at`); n != 1 {
		t.Errorf("%d operations with an end after their start, want 1", n)
	}
}

// A chunk whose transaction is lost leaves nothing, and runs again.
func TestOperations_Chunk_failures(t *testing.T) {
	t.Parallel()
	errNext := errors.New("next failed")
	for name, tt := range map[string]struct {
		fail func(context.Context, *operationTest) error
		want func(error) bool
	}{
		"error":           {func(context.Context, *operationTest) error { return errNext }, func(err error) bool { return errors.Is(err, errNext) }},
		"connection_lost": {kill, func(err error) bool { return fault.Is(err, fault.Unavailable) }},
		"stopped":         {func(context.Context, *operationTest) error { return context.Canceled }, func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOperationTest(t)
			if _, err := o.operations.Chunk(t.Context(), o.id, o.next); err != nil {
				t.Fatalf("the first chunk: %v", err)
			}
			before := o.get()
			_, err := o.operations.Chunk(t.Context(), o.id, func(ctx context.Context, op operation.Operation) (operation.Step, error) {
				step, err := o.next(ctx, op)
				if err == nil {
					err = tt.fail(ctx, o)
				}
				return step, err
			})
			if !tt.want(err) {
				t.Errorf("Chunk: got %v, want another error", err)
			}
			if diff := cmp.Diff(before, o.get()); diff != "" {
				t.Errorf("the operation changed (-want +got):\n%s", diff)
			}
			o.wantChunks(1)
			o.run()
			o.wantChunks(chunks)
		})
	}
}

func kill(ctx context.Context, o *operationTest) error {
	killOwn(ctx, o.T, o.pool)
	return nil
}

// A cancellation waits for the chunk in progress, and the next chunk does not
// overtake it.
func TestOperations_End_cancelsBetweenChunks(t *testing.T) {
	t.Parallel()
	o := newOperationTest(t)
	cancelled := make(chan error)
	ran := 0
	for {
		state, err := o.operations.Chunk(t.Context(), o.id, func(ctx context.Context, op operation.Operation) (operation.Step, error) {
			if ran++; ran == 3 {
				go func() { cancelled <- o.operations.End(asOperator(t), o.id, operation.Cancelled, nil) }()
				await(t, "the cancellation waits", func() bool {
					return testdb.QueryInt(t, o.pool, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
						AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == 1
				})
			}
			return o.next(ctx, op)
		})
		if errors.Is(err, operation.ErrEnded) {
			if state != operation.Cancelled {
				t.Errorf("the state of the ended operation: got %s, want %s", state, operation.Cancelled)
			}
			break
		}
		if err != nil || state.Ended() {
			t.Fatalf("Chunk: got %s, %v; want the operation to go on until it is cancelled", state, err)
		}
	}
	if err := <-cancelled; err != nil {
		t.Errorf("End: %v", err)
	}
	o.wantChunks(3)
	if op := o.get(); op.State != operation.Cancelled || op.Done != 3 {
		t.Errorf("got %+v, want it cancelled with 3 done", op)
	}
	if n := testdb.QueryInt(t, o.pool, `
		SELECT count(*) FROM audit
		WHERE action = 'operation.cancelled' AND actor = 'admin' AND subject = 'operation' AND subject_id = $1
		  AND details = '{"kind": "test", "done": 3}'`, o.id); n != 1 {
		t.Errorf("%d rows of the audit for the cancellation, want 1", n)
	}
}

func TestOperations_End(t *testing.T) {
	t.Parallel()
	o := newOperationTest(t)
	failure := &operation.Failure{Code: "invalid", Message: "m", Fields: []fault.Field{{Name: "f", Code: fault.FieldTooLong, Message: "is long"}}}
	if err := o.operations.End(t.Context(), o.id, operation.Failed, failure); err != nil {
		t.Fatalf("End: %v", err)
	}
	if diff := cmp.Diff(failure, o.get().Failure, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the failure (-want +got):\n%s", diff)
	}
	if n := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM audit`); n != 0 {
		t.Errorf("%d rows of the audit for a failed operation, want none", n)
	}
	for _, state := range []operation.State{operation.Failed, operation.Cancelled} {
		if err := o.operations.End(asOperator(t), o.id, state, nil); !errors.Is(err, operation.ErrEnded) {
			t.Errorf("End as %s of an ended operation: got %v, want %v", state, err, operation.ErrEnded)
		}
	}
	if state, err := o.operations.Chunk(t.Context(), o.id, o.next); !errors.Is(err, operation.ErrEnded) || state != operation.Failed {
		t.Errorf("Chunk of an ended operation: got %s, %v; want %s, %v", state, err, operation.Failed, operation.ErrEnded)
	}
	if err := o.operations.End(t.Context(), o.id+1, operation.Cancelled, nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("End of an unknown operation: got %v, want %v", err, fault.NotFound)
	}
	if _, err := o.operations.Get(t.Context(), o.id+1); !fault.Is(err, fault.NotFound) {
		t.Errorf("Get of an unknown operation: got %v, want %v", err, fault.NotFound)
	}
}
