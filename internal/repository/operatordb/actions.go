// Package operatordb stores what all routes of the operator API share: the audit,
// responses to requests with an idempotency key, and long operations.
package operatordb

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/repository/postgres"
)

// keyRetention is how long the response to a request with an idempotency key is
// returned again.
const keyRetention = 24 * time.Hour

// Actions runs the changes of operators.
type Actions struct{ pool *pgxpool.Pool }

// NewActions returns an Actions.
func NewActions(pool *pgxpool.Pool) *Actions { return &Actions{pool: pool} }

// Run calls act in a transaction, which the context carries (see postgres.On), and
// stores the answer in it. If the key was used before, Run returns the stored answer
// and does not call act. The changes of act are committed only if its answer is a
// success; failures of our own (5xx) are not stored. Errors: fault.Conflict while another
// request with the key is in progress, fault.Invalid if the key was used for another
// request, fault.Unavailable, and errors of HashBody.
func (a *Actions) Run(ctx context.Context, attempt operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
	tx, err := a.pool.Begin(ctx)
	if err != nil {
		return operator.Answer{}, postgres.Translate(err)
	}
	defer rollback(ctx, tx)

	if attempt.Key != "" {
		stored, err := lockKey(ctx, tx, attempt)
		if err != nil || stored.Replayed {
			return stored, err
		}
	}
	answer, err := runInSavepoint(ctx, tx, act)
	if err != nil || answer.Status >= 500 {
		return answer, err
	}
	if attempt.Key != "" {
		if err := storeAnswer(ctx, tx, attempt, answer); err != nil {
			return operator.Answer{}, err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return operator.Answer{}, postgres.Translate(err)
	}
	return answer, nil
}

// rollback ends a transaction that was not committed. Where it fails the pool
// discards the connection.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// runInSavepoint undoes what act has changed unless its answer is a success.
func runInSavepoint(ctx context.Context, tx pgx.Tx, act func(context.Context) operator.Answer) (operator.Answer, error) {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return operator.Answer{}, postgres.Translate(err)
	}
	answer := act(postgres.WithTx(ctx, savepoint))
	end := savepoint.Rollback
	if answer.Status < 400 {
		end = savepoint.Commit
	}
	if err := end(ctx); err != nil && answer.Status < 500 {
		return operator.Answer{}, postgres.Translate(err)
	}
	return answer, nil
}

// lockKey locks the key until the transaction ends and returns the answer that was
// stored under it, if there is one.
func lockKey(ctx context.Context, tx pgx.Tx, attempt operator.Attempt) (operator.Answer, error) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(attempt.Caller + "\x00" + attempt.Key))
	var locked bool
	err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1, $2)`,
		postgres.LockIdempotency, int32(hash.Sum32())).Scan(&locked) //nolint:gosec // the bits are used as they are
	if err != nil {
		return operator.Answer{}, postgres.Translate(err)
	}
	if !locked {
		return operator.Answer{}, fault.New(fault.Conflict, "a request with this Idempotency-Key is still in progress")
	}
	var path string
	var bodyHash []byte
	stored := operator.Answer{Replayed: true}
	err = tx.QueryRow(ctx, `
		SELECT path, body_sha256, status, header, body
		FROM idempotency_key
		WHERE caller = $1 AND key = $2 AND created_at > now() - $3::interval`,
		attempt.Caller, attempt.Key, keyRetention,
	).Scan(&path, &bodyHash, &stored.Status, &stored.Header, &stored.Body)
	if errors.Is(err, pgx.ErrNoRows) {
		return operator.Answer{}, nil
	}
	if err != nil {
		return operator.Answer{}, postgres.Translate(err)
	}
	sent, err := attempt.HashBody()
	if err != nil {
		return operator.Answer{}, err
	}
	if path != attempt.Path || !bytes.Equal(sent, bodyHash) {
		return operator.Answer{}, fault.InvalidField("Idempotency-Key", fault.FieldInvalidValue, "was used for another request")
	}
	return stored, nil
}

func storeAnswer(ctx context.Context, tx pgx.Tx, attempt operator.Attempt, answer operator.Answer) error {
	bodyHash, err := attempt.HashBody()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO idempotency_key (caller, key, path, body_sha256, status, header, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (caller, key) DO UPDATE SET -- the stored one has expired
		    path = excluded.path, body_sha256 = excluded.body_sha256, status = excluded.status,
		    header = excluded.header, body = excluded.body, created_at = now()`,
		attempt.Caller, attempt.Key, attempt.Path, bodyHash, answer.Status, answer.Header, answer.Body)
	return postgres.Translate(err)
}
