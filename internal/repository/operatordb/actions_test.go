package operatordb_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
)

func newAttempt(key, path, body string) operator.Attempt {
	return operator.Attempt{Caller: "admin", Key: key, Path: path, HashBody: func() ([]byte, error) {
		hash := sha256.Sum256([]byte(body))
		return hash[:], nil
	}}
}

func answer(status int) operator.Answer {
	return operator.Answer{
		Status: status,
		Header: map[string][]string{"Content-Type": {"application/json"}, "Vary": {"A", "B"}},
		Body:   []byte(`{"status":"success","data":"é\u0000"}`),
	}
}

// addAnd returns an action that adds an entry and answers with the status.
func addAnd(t *testing.T, pool *pgxpool.Pool, number string, status int) func(context.Context) operator.Answer {
	return func(ctx context.Context) operator.Answer {
		addEntry(ctx, t, pool, number)
		return answer(status)
	}
}

func notCalled(t *testing.T) func(context.Context) operator.Answer {
	return func(context.Context) operator.Answer {
		t.Error("the action was called, want it replayed or refused")
		return operator.Answer{Status: http.StatusTeapot}
	}
}

// What an action changes, its audit and its stored answer are one transaction.
func TestActions_Run(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		key    string
		status int
		want   stored
	}{
		"success":                   {"k", http.StatusOK, stored{1, 1, 1}},
		"loading":                   {"k", http.StatusAccepted, stored{1, 1, 1}},
		"success_without_key":       {"", http.StatusOK, stored{1, 1, 0}},
		"refused":                   {"k", http.StatusConflict, stored{0, 0, 1}},
		"refused_without_key":       {"", http.StatusUnprocessableEntity, stored{0, 0, 0}},
		"failure_of_ours":           {"k", http.StatusInternalServerError, stored{0, 0, 0}},
		"unavailable_without_a_key": {"", http.StatusServiceUnavailable, stored{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			actions := operatordb.NewActions(pool)
			attempt := newAttempt(tt.key, "POST /operator/x", "{}")
			got, err := actions.Run(asOperator(t), attempt, addAnd(t, pool, "+254712345678", tt.status))
			if err != nil {
				t.Fatalf("Run: %v", err)
			}
			if diff := cmp.Diff(answer(tt.status), got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			wantStored(t, pool, tt.want)
			if tt.want.Keys == 0 {
				return
			}
			replayed, err := actions.Run(asOperator(t), attempt, notCalled(t))
			if err != nil {
				t.Fatalf("Run again: %v", err)
			}
			want := answer(tt.status)
			want.Replayed = true
			if diff := cmp.Diff(want, replayed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("replayed answer (-want +got):\n%s", diff)
			}
			wantStored(t, pool, tt.want)
		})
	}
}

func TestActions_Run_sameKey(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	actions := operatordb.NewActions(pool)
	first := newAttempt("k", "POST /operator/x?a=1", "{}")
	if _, err := actions.Run(asOperator(t), first, addAnd(t, pool, "+254712345678", http.StatusOK)); err != nil {
		t.Fatalf("Run: %v", err)
	}
	for name, attempt := range map[string]operator.Attempt{
		"other_body":   newAttempt("k", "POST /operator/x?a=1", "{} "),
		"other_query":  newAttempt("k", "POST /operator/x?a=2", "{}"),
		"other_method": newAttempt("k", "PATCH /operator/x?a=1", "{}"),
	} {
		_, err := actions.Run(asOperator(t), attempt, notCalled(t))
		want := []fault.Field{{Name: "Idempotency-Key", Code: fault.FieldInvalidValue, Message: "was used for another request"}}
		if diff := cmp.Diff(want, fieldsOf(err)); diff != "" || !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want it invalid (-want +got):\n%s", name, err, diff)
		}
	}
	other := newAttempt("k", "POST /operator/x?a=1", "{}")
	other.Caller = "another"
	if got, err := actions.Run(asOperator(t), other, addAnd(t, pool, "+254712345679", http.StatusOK)); err != nil || got.Replayed {
		t.Errorf("another caller: got %+v, %v; want its own answer", got, err)
	}
	wantStored(t, pool, stored{2, 2, 2})

	testdb.Exec(t, pool, `UPDATE idempotency_key SET created_at = now() - interval '24 hours' WHERE caller = 'admin'`)
	expired := newAttempt("k", "POST /operator/y", "[]")
	if got, err := actions.Run(asOperator(t), expired, addAnd(t, pool, "+254712345670", http.StatusAccepted)); err != nil || got.Replayed {
		t.Errorf("after a day: got %+v, %v; want a new answer", got, err)
	}
	if got, err := actions.Run(asOperator(t), expired, notCalled(t)); err != nil || got.Status != http.StatusAccepted || !got.Replayed {
		t.Errorf("after the new answer: got %+v, %v; want it replayed", got, err)
	}
	wantStored(t, pool, stored{3, 3, 2})
}

func fieldsOf(err error) []fault.Field {
	if err == nil {
		return nil
	}
	return fault.Of(err).Fields
}

func TestActions_Run_concurrentRequests(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	actions := operatordb.NewActions(pool)
	attempt := newAttempt("k", "POST /operator/x", "{}")
	_, err := actions.Run(asOperator(t), attempt, func(ctx context.Context) operator.Answer {
		addEntry(ctx, t, pool, "+254712345678")
		if _, err := actions.Run(asOperator(t), attempt, notCalled(t)); !fault.Is(err, fault.Conflict) {
			t.Errorf("the same key meanwhile: got %v, want %v", err, fault.Conflict)
		}
		if _, err := actions.Run(asOperator(t), newAttempt("k2", "POST /operator/x", "{}"), addAnd(t, pool, "+254712345679", 200)); err != nil {
			t.Errorf("another key meanwhile: got %v, want no error", err)
		}
		return answer(http.StatusOK)
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	wantStored(t, pool, stored{2, 2, 2})
}

func TestActions_Run_failures(t *testing.T) {
	t.Parallel()
	errBody := errors.New("the body broke off")
	for name, tt := range map[string]struct {
		act     func(ctx context.Context, t *testing.T, pool *pgxpool.Pool) operator.Answer
		attempt operator.Attempt
		want    func(error) bool
	}{
		"connection_lost": {
			func(ctx context.Context, t *testing.T, pool *pgxpool.Pool) operator.Answer {
				killOwn(ctx, t, pool)
				return answer(http.StatusOK)
			},
			newAttempt("k", "p", ""),
			func(err error) bool { return fault.Is(err, fault.Unavailable) },
		},
		"connection_lost_and_refused": {
			func(ctx context.Context, t *testing.T, pool *pgxpool.Pool) operator.Answer {
				killOwn(ctx, t, pool)
				return answer(http.StatusNotFound)
			},
			newAttempt("k", "p", ""),
			func(err error) bool { return fault.Is(err, fault.Unavailable) },
		},
		"body_not_readable": {
			func(context.Context, *testing.T, *pgxpool.Pool) operator.Answer { return answer(http.StatusOK) },
			operator.Attempt{Key: "k", HashBody: func() ([]byte, error) { return nil, errBody }},
			func(err error) bool { return errors.Is(err, errBody) },
		},
		"failed_statement_and_success": {
			func(ctx context.Context, t *testing.T, pool *pgxpool.Pool) operator.Answer {
				if _, err := postgres.On(ctx, pool).Exec(ctx, `SELECT 1 / 0`); err == nil {
					t.Error("SELECT 1 / 0: got no error, want one")
				}
				return answer(http.StatusOK)
			},
			newAttempt("k", "p", ""),
			func(err error) bool { return err != nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			_, err := operatordb.NewActions(pool).Run(asOperator(t), tt.attempt, func(ctx context.Context) operator.Answer {
				addEntry(ctx, t, pool, "+254712345678")
				return tt.act(ctx, t, pool)
			})
			if !tt.want(err) {
				t.Errorf("Run: got %v, want another error", err)
			}
			wantStored(t, pool, stored{})
		})
	}
}

func TestActions_Run_panic(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	actions := operatordb.NewActions(pool)
	func() {
		defer func() {
			if recovered := recover(); recovered != "a bug" {
				t.Errorf("recovered %v, want the panic of the action", recovered)
			}
		}()
		_, _ = actions.Run(asOperator(t), newAttempt("k", "p", ""), func(ctx context.Context) operator.Answer {
			addEntry(ctx, t, pool, "+254712345678")
			panic("a bug")
		})
	}()
	wantStored(t, pool, stored{})
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are still in use, want none", n)
	}
	if _, err := actions.Run(asOperator(t), newAttempt("k", "p", ""), addAnd(t, pool, "+254712345678", http.StatusOK)); err != nil {
		t.Errorf("the same key again: got %v, want no error", err)
	}
	wantStored(t, pool, stored{1, 1, 1})
}
