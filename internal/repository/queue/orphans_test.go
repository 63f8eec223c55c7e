package queue_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/instance"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/queue"
	"aisha/internal/sensitive"
)

// startInstance announces an instance until the test ends.
func startInstance(t *testing.T, pool *pgxpool.Pool, name string) *instance.Locks {
	t.Helper()
	locks := instance.New(pool, name, nil)
	t.Cleanup(func() {
		if err := locks.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close the locks of %s: %v", name, err)
		}
	})
	if err := locks.Heartbeat(t.Context()); err != nil {
		t.Fatalf("Heartbeat of %s: %v", name, err)
	}
	return locks
}

func TestOrphans_Requeue(t *testing.T) {
	t.Parallel()
	// The instance that calls Requeue is "own". The instance "other" lives too,
	// and "dead" does not.
	for name, tt := range map[string]struct {
		attemptedBy string // a PostgreSQL array; its last element runs the job
		age         string // since the attempt began
		state       string
		isRunning   bool // this instance runs it
		want        bool // it is re-queued
	}{
		"of_a_dead_instance":                        {"{dead}", "0", "running", false, true},
		"of_a_dead_instance_after_a_living_one":     {"{other,dead}", "0", "running", false, true},
		"of_a_living_instance":                      {"{other}", "1 hour", "running", false, false},
		"of_a_living_instance_after_a_dead_one":     {"{dead,other}", "1 hour", "running", false, false},
		"of_this_instance_and_running":              {"{own}", "1 minute", "running", true, false},
		"of_this_instance_after_a_dead_one":         {"{dead,own}", "1 minute", "running", true, false},
		"of_this_instance_fetched_just_now":         {"{own}", "0", "running", false, false},
		"of_this_instance_whose_fetch_was_lost":     {"{own}", "1 minute", "running", false, true},
		"of_this_instance_lost_after_another_fetch": {"{other,own}", "1 minute", "running", false, true},
		"of_a_dead_instance_but_available":          {"{dead}", "1 minute", "available", false, false},
		"of_a_dead_instance_but_retryable":          {"{dead}", "1 minute", "retryable", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			startInstance(t, pool, "own")
			startInstance(t, pool, "other")
			testdb.Exec(t, pool, `SELECT queue_answers(ARRAY[7])`)
			testdb.Exec(t, pool, `
				UPDATE river_job
				SET state = $1::text::river_job_state, attempt = 1, attempted_by = $2::text::text[],
				    attempted_at = now() - $3::text::interval, scheduled_at = now() - interval '1 day'`, tt.state, tt.attemptedBy, tt.age)
			var running []int64
			if tt.isRunning {
				running = []int64{int64(testdb.QueryInt(t, pool, `SELECT id FROM river_job`))}
			}
			n, err := queue.NewOrphans(pool, "own").Requeue(t.Context(), running)
			if err != nil || (n == 1) != tt.want || n > 1 {
				t.Errorf("Requeue: got %d, %v; want it re-queued: %t", n, err, tt.want)
			}
			if got := testdb.QueryInt(t, pool, `
				SELECT count(*) FROM river_job
				WHERE state = 'available' AND scheduled_at BETWEEN now() - interval '1 minute' AND now()`); (got == 1) != tt.want {
				t.Errorf("%d jobs are available at once, want that: %t", got, tt.want)
			}
		})
	}
}

func TestOrphans_Requeue_severalJobs(t *testing.T) {
	t.Parallel()
	t.Run("of_dead_instances", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		testdb.Exec(t, pool, `SELECT queue_answers(ARRAY[1, 2])`)
		testdb.Exec(t, pool, `
			UPDATE river_job SET state = 'running', attempted_at = now(), attempt = 1,
			       attempted_by = CASE WHEN id = (SELECT min(id) FROM river_job) THEN '{x,alive}' ELSE '{alive,dead}' END::text[]`)
		startInstance(t, pool, "alive")
		if n, err := queue.NewOrphans(pool, "alive").Requeue(t.Context(), nil); err != nil || n != 1 {
			t.Errorf("Requeue: got %d, %v; want the one job of the dead instance", n, err)
		}
	})
	t.Run("of_lost_fetches", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		testdb.Exec(t, pool, `SELECT queue_answers(ARRAY[1, 2, 3])`)
		testdb.Exec(t, pool, `
			UPDATE river_job SET state = 'running', attempt = 1, attempted_by = '{me}',
			       attempted_at = CASE WHEN id = (SELECT max(id) FROM river_job) THEN now() ELSE now() - interval '1 minute' END`)
		startInstance(t, pool, "me")
		running := int64(testdb.QueryInt(t, pool, `SELECT min(id) FROM river_job`))
		if n, err := queue.NewOrphans(pool, "me").Requeue(t.Context(), []int64{running}); err != nil || n != 1 {
			t.Errorf("Requeue: got %d, %v; want the one job that this instance does not run", n, err)
		}
		rows, err := pool.Query(t.Context(), `SELECT state::text FROM river_job ORDER BY id`)
		if err != nil {
			t.Fatalf("read the jobs: %v", err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("read the jobs: %v", err)
		}
		if diff := cmp.Diff([]string{"running", "available", "running"}, got); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

// River counts each fetch as an attempt, so a re-queued job has one attempt more
// than errors for each interruption.
func TestOrphans_Requeue_countsTheInterruption(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	testdb.Exec(t, pool, `SELECT queue_answers(ARRAY[1]), queue_answers(ARRAY[1]), queue_answers(ARRAY[1]), queue_answers(ARRAY[1]), queue_answers(ARRAY[2])`)
	testdb.Exec(t, pool, `UPDATE river_job SET state = 'running', attempt = 3, attempted_at = now(), attempted_by = '{dead}', errors = '{"{}"}' WHERE id = 1`)
	testdb.Exec(t, pool, `UPDATE river_job SET state = 'retryable', attempt = 2, errors = '{"{}","{}"}' WHERE id = 2`)
	testdb.Exec(t, pool, `UPDATE river_job SET state = 'completed', attempt = 1, finalized_at = now() WHERE id = 4`)
	startInstance(t, pool, "own")
	if n, err := queue.NewOrphans(pool, "own").Requeue(t.Context(), nil); err != nil || n != 1 {
		t.Fatalf("Requeue: got %d, %v; want the one job of the dead instance", n, err)
	}
	rows, err := pool.Query(t.Context(), `SELECT format('%s of person %s: %s attempts, %s errors', state, args->>'person_id', attempt, coalesce(cardinality(errors), 0)) FROM river_job ORDER BY id`)
	if err != nil {
		t.Fatalf("read the jobs: %v", err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("read the jobs: %v", err)
	}
	want := []string{
		"available of person 1: 3 attempts, 1 errors",
		"retryable of person 1: 4 attempts, 2 errors",
		"available of person 1: 2 attempts, 0 errors",
		"completed of person 1: 1 attempts, 0 errors",
		"available of person 2: 0 attempts, 0 errors",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestOrphans_Requeue_unreachable(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), sensitive.NewSecret("postgres://127.0.0.1:1/x?sslmode=disable"))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer pool.Close()
	if _, err := queue.NewOrphans(pool, "own").Requeue(t.Context(), nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Requeue = %v, want %v", err, fault.Unavailable)
	}
}
