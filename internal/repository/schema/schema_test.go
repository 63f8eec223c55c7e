package schema_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/schema"
	"aisha/migrations"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func list(t *testing.T, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return names
}

func tables(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	return list(t, pool, `SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)
}

// objects lists the columns, indexes, constraints, functions, enum values and
// comments of the schema.
func objects(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	return list(t, pool, `
		SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default, generation_expression)
		FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL
		SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL
		SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL
		SELECT concat_ws(' ', 'function', oid::regprocedure, md5(coalesce(prosrc, '') || coalesce(pg_get_function_sqlbody(oid), '')))
		FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL
		SELECT concat_ws(' ', 'enum', enumtypid::regtype, enumsortorder, enumlabel) FROM pg_enum
		UNION ALL
		SELECT concat_ws(' ', 'comment', objoid::regclass, objsubid, md5(description))
		FROM pg_description
		WHERE classoid = 'pg_class'::regclass AND objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
		ORDER BY 1`)
}

func TestMigrate_concurrently(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	var group sync.WaitGroup
	for range 4 {
		pool := testdb.Connect(t, url)
		group.Go(func() {
			if err := schema.Migrate(t.Context(), pool); err != nil {
				t.Errorf("Migrate: %v", err)
			}
		})
	}
	group.Wait()
	pool := testdb.Connect(t, url)
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry`); n != 0 {
		t.Errorf("a new database has %d waitlist entries, want 0", n)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); n != 0 {
		t.Errorf("%d advisory locks are still held, want 0", n)
	}
}

func TestMigrate_again(t *testing.T) {
	t.Parallel()
	pool := testdb.Connect(t, testdb.New(t))
	testdb.Exec(t, pool, `INSERT INTO waitlist_entry (username, phone_number) VALUES ('x', '+254712345678')`)
	before := objects(t, pool)
	if err := schema.Migrate(t.Context(), pool); err != nil {
		t.Errorf("Migrate: %v", err)
	}
	if diff := cmp.Diff(before, objects(t, pool)); diff != "" {
		t.Errorf("the schema changed (-before +after):\n%s", diff)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry`); n != 1 {
		t.Errorf("%d waitlist entries are left, want 1", n)
	}
}

func TestMigrations_downAndUp(t *testing.T) {
	t.Parallel()
	url := testdb.New(t)
	pool := testdb.Connect(t, url)
	tablesBefore, objectsBefore := tables(t, pool), objects(t, pool)

	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS)
	if err != nil {
		t.Fatalf("read the migrations: %v", err)
	}
	if _, err := provider.DownTo(t.Context(), 0); err != nil {
		t.Fatalf("migrate down: %v", err)
	}
	for _, table := range tables(t, pool) {
		if table != "goose_db_version" && !strings.HasPrefix(table, "river_") {
			t.Errorf("table %s still exists after the migration down", table)
		}
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM pg_proc WHERE proname IN ('queue_answers', 'send_hold_next_check')`); n != 0 {
		t.Errorf("%d of our functions still exist after the migration down, want 0", n)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatalf("migrate up again: %v", err)
	}
	if diff := cmp.Diff(tablesBefore, tables(t, pool)); diff != "" {
		t.Errorf("tables (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(objectsBefore, objects(t, pool)); diff != "" {
		t.Errorf("schema (-before +after):\n%s", diff)
	}
	for _, table := range []string{"waitlist_entry", "message", "answer_part", "river_job"} {
		if !slices.Contains(tables(t, pool), table) {
			t.Errorf("table %s does not exist", table)
		}
	}

	pool = testdb.Connect(t, url) // without plans for the former tables
	testdb.Exec(t, pool, `INSERT INTO waitlist_entry (username, phone_number) VALUES ('x', '+254712345678')`)
	testdb.Exec(t, pool, `INSERT INTO person (wa_id) VALUES ('254712345678')`)
	testdb.Exec(t, pool, `SELECT queue_answers(ARRAY(SELECT id FROM person))`)
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM river_job JOIN person ON (args->>'person_id')::bigint = person.id`); n != 1 {
		t.Errorf("%d jobs are queued, want 1", n)
	}
}

func TestMigrate_tooOld(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	pool := testdb.Connect(t, url)
	testdb.Exec(t, pool, `CREATE TABLE waiting_list (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, username text NOT NULL, phone_number text NOT NULL UNIQUE)`)
	testdb.Exec(t, pool, `CREATE TABLE kept_item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, raw bytea NOT NULL)`)
	testdb.Exec(t, pool, `INSERT INTO waiting_list (username, phone_number) VALUES ('John', '+254712345678')`)
	testdb.Exec(t, pool, `CREATE TABLE goose_db_version (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now())`)
	testdb.Exec(t, pool, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (13, true)`)
	before := objects(t, pool)

	// The second call shows that the first one released its lock.
	for _, pool := range []*pgxpool.Pool{pool, testdb.Connect(t, url)} {
		if err := schema.Migrate(t.Context(), pool); !errors.Is(err, schema.ErrTooOld) {
			t.Errorf("Migrate = %v, want %v", err, schema.ErrTooOld)
		}
	}
	if diff := cmp.Diff([]string{"goose_db_version", "kept_item", "waiting_list"}, tables(t, pool)); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, objects(t, pool)); diff != "" {
		t.Errorf("the schema changed (-before +after):\n%s", diff)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waiting_list WHERE username = 'John' AND phone_number = '+254712345678'`); n != 1 {
		t.Errorf("%d rows of the old table are left, want 1", n)
	}
	if n := testdb.QueryInt(t, pool, `SELECT max(version_id) FROM goose_db_version`); n != 13 {
		t.Errorf("the version is %d, want 13", n)
	}
}

func TestMigrate_foreignTable(t *testing.T) {
	t.Parallel()
	pool := testdb.Connect(t, testdb.Empty(t))
	testdb.Exec(t, pool, `CREATE TABLE waiting_list (id int)`) // of another program
	if err := schema.Migrate(t.Context(), pool); err != nil {
		t.Errorf("Migrate = %v, want no error", err)
	}
}

func TestMigrate_unreachable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	pool := testdb.Connect(t, "postgres://x:secret-password@"+address+"/x?sslmode=disable")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = schema.Migrate(ctx, pool)
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("Migrate = %v, want %v", err, fault.Unavailable)
	}
	if err != nil && strings.Contains(err.Error(), "secret-password") {
		t.Errorf("the error contains the password: %v", err)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	first, err := schema.Fingerprint()
	if err != nil {
		t.Fatalf("Fingerprint: %v", err)
	}
	// It becomes part of the name of a database.
	if len(first) != 16 || strings.Trim(first, "0123456789abcdef") != "" {
		t.Errorf("Fingerprint = %q, want 16 hexadecimal digits", first)
	}
	for range 10 {
		if again, err := schema.Fingerprint(); err != nil || again != first {
			t.Errorf("Fingerprint: got %q, %v; want %q each time", again, err, first)
		}
	}
}
