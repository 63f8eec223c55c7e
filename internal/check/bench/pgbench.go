package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"aisha/internal/dev/localpg"
)

// The pgbench baseline does the least that the service has to do: commit a
// sign-up, or a message and a job.
const (
	baselineTables = `
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

// pgbench measures a script. With several clients it logs only a tenth of the
// transactions, so that logging does not slow pgbench down. With one client it
// logs all of them.
func (b *bench) pgbench(ctx context.Context, script string, clients int) (result, error) {
	bin, err := localpg.BinDir()
	if err != nil {
		return result{}, err
	}
	dir, err := os.MkdirTemp(b.dir, "pgbench-")
	if err != nil {
		return result{}, err
	}
	file, log := filepath.Join(dir, "script.sql"), filepath.Join(dir, "log")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return result{}, err
	}
	samplingRate := "0.1"
	if clients == 1 {
		samplingRate = "1"
	}
	before, err := b.cpuTimes(nil)
	if err != nil {
		return result{}, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "pgbench"), "--no-vacuum", "--protocol=prepared",
		"--client", strconv.Itoa(clients), "--jobs", strconv.Itoa(min(clients, 2)), "--time", strconv.Itoa(int(duration.Seconds())),
		"--log", "--log-prefix", log, "--sampling-rate", samplingRate,
		"--file", file, b.cluster.URL("baseline")).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	after, err := b.cpuTimes(nil)
	if err != nil {
		return result{}, err
	}
	var measured result
	if match := tpsLine.FindSubmatch(out); match != nil {
		measured.perSecond, err = strconv.ParseFloat(string(match[1]), 64)
	}
	if err != nil || measured.perSecond == 0 {
		return result{}, fmt.Errorf("pgbench printed no tps: %s", out)
	}
	measured.cpu.database = time.Duration(float64(after.database-before.database) / (measured.perSecond * duration.Seconds()))
	latencies, err := readLatencies(log)
	if err != nil {
		return result{}, err
	}
	measured.p50, measured.p99 = percentiles(latencies)
	return measured, nil
}

// readLatencies reads pgbench's log files, one per thread. A line starts with the
// client id, the transaction number and the latency in microseconds.
func readLatencies(prefix string) ([]time.Duration, error) {
	files, err := filepath.Glob(prefix + ".*")
	if err != nil {
		return nil, err
	}
	var latencies []time.Duration
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 3 {
				continue
			}
			if micros, err := strconv.Atoi(fields[2]); err == nil {
				latencies = append(latencies, time.Duration(micros)*time.Microsecond)
			}
		}
		_ = file.Close()
	}
	if len(latencies) == 0 {
		return nil, fmt.Errorf("pgbench logged no transaction")
	}
	return latencies, nil
}
