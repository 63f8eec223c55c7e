package operatordb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/operation"
)

// Operations stores long operations. It implements operation.Store.
type Operations struct{ pool *pgxpool.Pool }

// NewOperations returns an Operations.
func NewOperations(pool *pgxpool.Pool) *Operations { return &Operations{pool: pool} }

// Start stores an operation on behalf of the action in ctx and queues its job, in
// the transaction of ctx. A nil total is unknown. Errors: fault.Unavailable.
func (o *Operations) Start(ctx context.Context, kind string, args any, total *int64) (id int64, err error) {
	action := operator.ActionOf(ctx)
	err = postgres.On(ctx, o.pool).QueryRow(ctx, `
		WITH started AS (
		    INSERT INTO operation (kind, args, actor, request_id, total) VALUES ($1, $2, $3, $4, $5) RETURNING id)
		SELECT id, queue_operation(id) IS NULL FROM started`,
		kind, args, action.Caller.Name, action.RequestID, total,
	).Scan(&id, nil)
	return id, postgres.Translate(err)
}

const operationColumns = `id, kind, args, cursor, chunks, actor, request_id, state, done, total, result, failure, started_at`

func scanOperation(row pgx.Row) (operation.Operation, error) {
	var op operation.Operation
	var failure json.RawMessage
	err := row.Scan(&op.ID, &op.Kind, &op.Args, &op.Cursor, &op.Chunks, &op.Action.Caller.Name, &op.Action.RequestID,
		&op.State, &op.Done, &op.Total, &op.Result, &failure, &op.StartedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return op, fault.New(fault.NotFound, "there is no operation with this id")
	}
	if err != nil {
		return op, postgres.Translate(err)
	}
	if failure != nil {
		op.Failure = &operation.Failure{}
		if err := json.Unmarshal(failure, op.Failure); err != nil {
			return op, fmt.Errorf("read the failure of operation %d: %w", op.ID, err)
		}
	}
	return op, nil
}

// Get implements operation.Store.
func (o *Operations) Get(ctx context.Context, id int64) (operation.Operation, error) {
	return scanOperation(postgres.On(ctx, o.pool).QueryRow(ctx, `SELECT `+operationColumns+` FROM operation WHERE id = $1`, id))
}

// Chunk implements operation.Store.
func (o *Operations) Chunk(
	ctx context.Context, id int64,
	next func(context.Context, operation.Operation) (operation.Step, error),
) (operation.State, error) {
	state := operation.Running
	err := o.locked(ctx, id, func(ctx context.Context, tx pgx.Tx, op operation.Operation) error {
		if op.State.Ended() {
			state = op.State
			return operation.ErrEnded
		}
		step, err := next(ctx, op)
		if err != nil {
			return err
		}
		if step.Result != nil {
			state = operation.Succeeded
		}
		_, err = tx.Exec(ctx, `
			UPDATE operation
			SET state = $2, cursor = coalesce($3, cursor), chunks = chunks + 1, done = done + $4, total = coalesce($5, total), result = $6,
			    started_at = coalesce(started_at, now()),
			    finished_at = CASE WHEN $2 <> 'running' THEN now() END
			WHERE id = $1`, id, state, step.Cursor, step.Done, step.Total, step.Result)
		return postgres.Translate(err)
	})
	return state, err
}

// End implements operation.Store. A cancellation is audited, because an operator
// requests it.
func (o *Operations) End(ctx context.Context, id int64, state operation.State, failure *operation.Failure) error {
	return o.locked(ctx, id, func(ctx context.Context, tx pgx.Tx, op operation.Operation) error {
		if op.State.Ended() {
			return operation.ErrEnded
		}
		_, err := tx.Exec(ctx, `
			UPDATE operation SET state = $2, failure = $3, finished_at = now() WHERE id = $1`, id, state, failure)
		if err != nil || state != operation.Cancelled {
			return postgres.Translate(err)
		}
		return Record(ctx, tx, operator.Event{
			Action: "operation.cancelled", Subject: "operation", SubjectID: id,
			Details: map[string]any{"kind": op.Kind, "done": op.Done},
		})
	})
}

// locked calls work in a transaction that has locked the operation. It is part of
// the transaction of ctx, if there is one.
//
// The lock is an advisory one, because that is granted in the order of the requests.
// With a row lock, the next chunk could overtake a cancellation that waits for the
// chunk in progress.
func (o *Operations) locked(ctx context.Context, id int64, work func(context.Context, pgx.Tx, operation.Operation) error) error {
	tx, err := postgres.On(ctx, o.pool).Begin(ctx)
	if err != nil {
		return postgres.Translate(err)
	}
	defer rollback(ctx, tx)

	_, err = tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, ($2::bigint % 2147483648)::int)`, postgres.LockOperation, id)
	if err != nil {
		return postgres.Translate(err)
	}
	op, err := scanOperation(tx.QueryRow(ctx, `SELECT `+operationColumns+` FROM operation WHERE id = $1`, id))
	if err != nil {
		return err
	}
	if err := work(postgres.WithTx(ctx, tx), tx, op); err != nil {
		return err
	}
	return postgres.Translate(tx.Commit(ctx))
}
