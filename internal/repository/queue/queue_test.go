package queue_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"aisha/internal/check/testdb"
	"aisha/internal/job"
	"aisha/internal/repository/queue"
)

// riverSchemaVersion is the version of River's schema that our SQL was written
// for.
const riverSchemaVersion = 8

func TestMigrations_version(t *testing.T) {
	t.Parallel()
	migrations, err := queue.Migrations()
	if err != nil {
		t.Fatalf("Migrations: %v", err)
	}
	got := 0
	for _, migration := range migrations {
		got = max(got, migration.Version)
	}
	if got != riverSchemaVersion {
		t.Errorf(`River's schema has version %d, want %d. Before this constant is changed, read the SQL of the new migrations and check:
  - the columns of river_job, and their defaults, that the function queue_answers of migrations/00003_river.sql inserts;
  - the columns of river_job and the job states that Orphans.Requeue uses;
  - the names of the indexes that migrations/00003_river.sql drops and ReindexerIndexNames leaves out;
  - the channel river_insert and the payload of its notifications, which queue_answers sends.`, got, riverSchemaVersion)
	}
}

// The migrations drop two of River's indexes, so River must not rebuild them.
func TestReindexerIndexNames(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	rows, err := pool.Query(t.Context(), `SELECT indexname::text FROM pg_indexes WHERE tablename LIKE 'river\_%'`)
	if err != nil {
		t.Fatalf("read the indexes: %v", err)
	}
	existing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("read the indexes: %v", err)
	}
	names := queue.ReindexerIndexNames()
	if len(names) == 0 {
		t.Error("ReindexerIndexNames is empty")
	}
	for _, name := range names {
		if !slices.Contains(existing, name) {
			t.Errorf("ReindexerIndexNames contains %s, which does not exist", name)
		}
	}
	for _, name := range river.ReindexerIndexNamesDefault() {
		if slices.Contains(existing, name) != slices.Contains(names, name) {
			t.Errorf("index %s: exists: %t, in ReindexerIndexNames: %t", name, slices.Contains(existing, name), slices.Contains(names, name))
		}
	}
}

func TestQueueAnswers_insertsWhatRiverInserts(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	testdb.Exec(t, pool, `SELECT queue_answers(ARRAY[7])`)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		t.Fatalf("make a River client: %v", err)
	}
	if _, err := client.Insert(t.Context(), job.AnswerPerson{PersonID: 7}, nil); err != nil {
		t.Fatalf("insert a job with River's client: %v", err)
	}
	rows, err := pool.Query(t.Context(), `
		SELECT to_jsonb(river_job) - ARRAY ['id', 'created_at', 'scheduled_at'] FROM river_job ORDER BY id`)
	if err != nil {
		t.Fatalf("read the jobs: %v", err)
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowTo[map[string]any])
	if err != nil || len(jobs) != 2 {
		t.Fatalf("got jobs %v, %v; want 2", jobs, err)
	}
	if diff := cmp.Diff(jobs[1], jobs[0]); diff != "" {
		t.Errorf("the job of queue_answers differs (-River's client +queue_answers):\n%s", diff)
	}
	if n := testdb.QueryInt(t, pool, `
		SELECT count(*) FROM river_job
		WHERE scheduled_at <= now() AND scheduled_at > now() - interval '1 minute'
		  AND created_at <= now() AND created_at > now() - interval '1 minute'`); n != 2 {
		t.Errorf("%d jobs can be worked at once, want 2", n)
	}
}

func TestQueueAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		personIDs  []int64
		wantJobs   int
		wantNotify bool
	}{
		"one_person":     {[]int64{1}, 1, true},
		"several":        {[]int64{1, 2, 3}, 3, true},
		"duplicates":     {[]int64{2, 1, 2, 2, 1}, 2, true},
		"empty_array":    {[]int64{}, 0, false},
		"null_array":     {nil, 0, false},
		"very_large_ids": {[]int64{1<<63 - 1}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			listener := listen(t, pool)
			testdb.Exec(t, pool, `SELECT queue_answers($1)`, tt.personIDs)
			if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM river_job`); n != tt.wantJobs {
				t.Errorf("queued %d jobs, want %d", n, tt.wantJobs)
			}
			if n := testdb.QueryInt(t, pool, `
				SELECT count(DISTINCT args->>'person_id') FROM river_job
				WHERE kind = 'answer_person' AND (args->>'person_id')::bigint = ANY ($1)`, tt.personIDs); n != tt.wantJobs {
				t.Errorf("jobs of %d of the persons, want %d", n, tt.wantJobs)
			}
			var want []string
			if tt.wantNotify {
				want = []string{`{"queue": "default"}`}
			}
			if diff := cmp.Diff(want, listener.received(t, pool)); diff != "" {
				t.Errorf("notifications (-want +got):\n%s", diff)
			}
		})
	}
}

// A notification and a job become visible together, when the caller commits.
func TestQueueAnswers_isPartOfTheTransaction(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	listener := listen(t, pool)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT queue_answers(ARRAY[7])`); err != nil {
		t.Fatalf("queue_answers: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatalf("rollback: %v", err)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM river_job`); n != 0 {
		t.Errorf("%d jobs after the rollback, want 0", n)
	}
	if got := listener.received(t, pool); len(got) != 0 {
		t.Errorf("notifications after the rollback: %q, want none", got)
	}
}

// listener receives the notifications that wake the workers.
type listener struct{ conn *pgx.Conn }

func listen(t *testing.T, pool *pgxpool.Pool) listener {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	t.Cleanup(conn.Release)
	if _, err := conn.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil {
		t.Fatalf("listen: %v", err)
	}
	return listener{conn.Conn()}
}

// received returns the payloads of all notifications so far. PostgreSQL delivers
// them in the order of the commits, so it sends a last one and reads up to that.
func (l listener) received(t *testing.T, pool *pgxpool.Pool) (payloads []string) {
	t.Helper()
	const last = "last"
	testdb.Exec(t, pool, `SELECT pg_notify('public.river_insert', $1)`, last)
	for {
		notification, err := l.conn.WaitForNotification(t.Context())
		if err != nil {
			t.Fatalf("wait for a notification: %v", err)
		}
		if notification.Payload == last {
			return payloads
		}
		payloads = append(payloads, notification.Payload)
	}
}

// River's tables are an interface that may change with each of its versions, so
// only this package and one migration may name them.
func TestRiverTablesAreNamedInOnePlace(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("find the module: %v", err)
	}
	allowed := 0
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && strings.HasPrefix(name, ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(name); ext != ".go" && ext != ".sql" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		for number, line := range strings.Split(string(text), "\n") {
			if !strings.Contains(line, "river_job") && !strings.Contains(line, "river_insert") {
				continue
			}
			// The functions of these two migrations queue jobs.
			isMigration := relative == "migrations/00003_river.sql" || relative == "migrations/00006_operator.sql"
			if strings.HasPrefix(relative, "internal/repository/queue/") || isMigration {
				allowed++
				continue
			}
			t.Errorf("%s:%d names a table or channel of River: %s", relative, number+1, strings.TrimSpace(line))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read the sources: %v", err)
	}
	if allowed == 0 {
		t.Error("found no line that names River's tables, so the search does not work")
	}
}
