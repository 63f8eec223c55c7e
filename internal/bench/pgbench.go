package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"aisha/internal/localpg"
)

// The yardstick does what the service has to do at least: make a sign-up, or a
// message and a job, durable.
const (
	yardstickTables = `
		CREATE TABLE signup (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, username text NOT NULL,
			phone_number text NOT NULL UNIQUE, created_at timestamptz NOT NULL DEFAULT now());
		CREATE TABLE message (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, wamid text NOT NULL UNIQUE,
			person_id bigint NOT NULL, body text NOT NULL, received_at timestamptz NOT NULL DEFAULT now());
		CREATE TABLE job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL,
			args jsonb NOT NULL, state text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());`

	upsertScript = `
\set n random(1, 2000000000)
INSERT INTO signup (username, phone_number) VALUES ('John Doe', '+2547' || :n)
ON CONFLICT (phone_number) DO UPDATE SET username = excluded.username RETURNING id;
`
	twoInsertsScript = `
\set n random(1, 2000000000)
\set m random(1, 2000000000)
BEGIN;
INSERT INTO message (wamid, person_id, body) VALUES ('wamid.' || :n || '.' || :m, :n, 'Habari, I would like to know more')
ON CONFLICT DO NOTHING;
INSERT INTO job (kind, args, state) VALUES ('reply', '{"person_id": 1}', 'available');
COMMIT;
`
)

var tpsLine = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench returns the transactions a second of a script.
func pgbench(ctx context.Context, cluster *localpg.Cluster, script string, clients int) (float64, error) {
	bin, err := localpg.BinDir()
	if err != nil {
		return 0, err
	}
	file, err := os.CreateTemp("", "aisha-bench-*.sql")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.WriteString(script); err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "pgbench"), "--no-vacuum", "--protocol=prepared",
		"--client", strconv.Itoa(clients), "--jobs=2", "--time", strconv.Itoa(int(duration.Seconds())),
		"--file", file.Name(), cluster.URL("yardstick")).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	match := tpsLine.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("pgbench printed no tps: %s", out)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}
