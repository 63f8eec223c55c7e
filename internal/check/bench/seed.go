package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// seedSize is the number of rows stored before a measurement starts.
type seedSize struct{ people, messages int }

// parseSeeding reads "people,messages".
func parseSeedSize(text string) (seedSize, error) {
	var s seedSize
	if _, err := fmt.Sscanf(text, "%d,%d", &s.people, &s.messages); err != nil {
		return seedSize{}, fmt.Errorf("-seed %s: want people,messages, for example 100000,1000000", text)
	}
	if s.people < 1 || s.people > maxPeople || s.messages < 1 {
		return seedSize{}, fmt.Errorf("-seed %s: want 1 to %d people and at least one message", text, maxPeople)
	}
	return s, nil
}

// seedTable describes how to fill a table. Its SQL inserts the rows numbered $1
// to $2.
type seedTable struct {
	name, sql string
	rows      int
}

// tables returns eighty days of messages and answers, which is shorter than the
// retention period. People write in turn, so the rows of one person are scattered
// over the tables as in production. All people are also on the waiting list, with
// numbers from the range that newSignUps uses.
func (s seedSize) tables() []seedTable {
	const age = `now() - interval '80 days' * (1 - n::float8 / %[2]d)`
	fill := func(name, sql string, rows int) seedTable {
		sql = strings.ReplaceAll(sql, "AGE", age)
		return seedTable{name, fmt.Sprintf(sql+` FROM generate_series($1::bigint, $2::bigint) AS n`, s.people, rows), rows}
	}
	return []seedTable{
		fill("waitlist_entry", `
			INSERT INTO waitlist_entry (id, username, phone_number, created_at) OVERRIDING SYSTEM VALUE
			SELECT n, 'John Doe', '+2547' || (20000000 + n - 1), AGE`, s.people),
		fill("person", `
			INSERT INTO person (id, bsuid, wa_id, name, created_at) OVERRIDING SYSTEM VALUE
			SELECT n, 'KE.' || (n - 1), '25471' || lpad((n - 1)::text, 7, '0'), 'Wanjiru', AGE`, s.people),
		fill("answer", `
			INSERT INTO answer (id, person_id, phone_number_id, question, body, model, prompt_tokens, response_tokens, created_at) OVERRIDING SYSTEM VALUE
			SELECT n, 1 + n %% %[1]d, '1234567890', 'Habari, I would like to know more', repeat('Karibu! The waiting list is open. ', 4), 'gemini', 120, 34, AGE`, s.messages),
		fill("message", `
			INSERT INTO message (id, wamid, person_id, phone_number_id, type, body, sent_at, sent_hour, received_at, answer_id) OVERRIDING SYSTEM VALUE
			SELECT n, 'wamid.' || md5(n::text), 1 + n %% %[1]d, '1234567890', 'text', 'Habari, I would like to know more', AGE, date_bin('1 hour', AGE, 'epoch'), AGE, n`, s.messages),
		fill("answer_part", `
			INSERT INTO answer_part (answer_id, person_id, position, body, quoted_wamid, delivery, wamid, attempts, attempted_at)
			SELECT n, 1 + n %% %[1]d, 0, repeat('Karibu! The waiting list is open. ', 4), '', 'read', 'wamid.' || md5('part' || n), 1, AGE`, s.messages),
	}
}

// seed fills a migrated, empty database. It restores indexes and keys after it
// has inserted the rows, which takes a fraction of the time.
func (b *bench) seed(ctx context.Context, database string, s seedSize) error {
	conn, err := pgx.Connect(ctx, b.cluster.URL(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, setting := range []string{
		`SET synchronous_commit = off`, `SET maintenance_work_mem = '1GB'`, `SET timezone = 'UTC'`,
	} {
		if _, err := conn.Exec(ctx, setting); err != nil {
			return err
		}
	}
	tables := s.tables()
	names := make([]string, len(tables))
	for i, table := range tables {
		names[i] = table.name
	}
	restore, err := dropIndexes(ctx, conn, names)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := table.fill(ctx, conn); err != nil {
			return fmt.Errorf("fill %s: %w", table.name, err)
		}
	}
	return finishSeeding(ctx, conn, names, restore)
}

// fill inserts the rows in chunks and logs its progress after each.
func (t seedTable) fill(ctx context.Context, conn *pgx.Conn) error {
	const chunk = 1_000_000
	for first := 1; first <= t.rows; first += chunk {
		last := min(first+chunk-1, t.rows)
		if _, err := conn.Exec(ctx, t.sql, first, last); err != nil {
			return err
		}
		logProgress(fmt.Sprintf("%s: %d of %d rows", t.name, last, t.rows))
	}
	_, err := conn.Exec(ctx, `
		SELECT setval(sequence, $2)
		FROM pg_get_serial_sequence($1, 'id') AS sequence
		WHERE sequence IS NOT NULL`, t.name, t.rows)
	return err
}

// finishSeeding restores the indexes, then runs VACUUM and CHECKPOINT so that
// neither happens during a measurement. It reads the tables and indexes that the
// service uses, to warm the caches as in a database that has been in use.
func finishSeeding(ctx context.Context, conn *pgx.Conn, tables, restore []string) error {
	steps := append(restore, `VACUUM (ANALYZE) `+strings.Join(tables, ", "), `CHECKPOINT`,
		`SELECT sum(length(body)) FROM answer`, `SELECT sum(id) FROM person`, `SELECT sum(id) FROM waitlist_entry`,
		`SET enable_seqscan = off`, // so that the following statements read the indexes
		`SELECT count(created_at) FROM answer WHERE person_id > 0`,
		`SELECT count(wa_id) FROM person`, `SELECT count(bsuid) FROM person`, `SELECT count(phone_number) FROM waitlist_entry`,
		`SELECT count(id) FROM person`, `SELECT count(wamid) FROM message`)
	for _, sql := range steps {
		begin := time.Now()
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		logProgress(fmt.Sprintf("%s: %s", time.Since(begin).Round(time.Second), sql))
	}
	return nil
}
