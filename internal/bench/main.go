// Command bench measures the built service beside pgbench on the same cluster
// in the same run, because machines differ and are noisy. It prints the table
// that the README shows.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/localpg"
)

const (
	rounds   = 3
	duration = 5 * time.Second // of each measurement in a round
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "aisha-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// PostgreSQL may run as another user, who has to get to its folder.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // see above
		return err
	}

	progress("building the service and starting a cluster")
	binary := filepath.Join(dir, "aisha")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/aisha")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	cluster, err := localpg.Start(ctx, localpg.Options{Dir: filepath.Join(dir, "postgres"), Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop() }()
	if err := prepare(ctx, cluster); err != nil {
		return err
	}
	return measure(ctx, binary, cluster)
}

// prepare makes the service's database and the yardstick's tables.
func prepare(ctx context.Context, cluster *localpg.Cluster) error {
	conn, err := pgx.Connect(ctx, cluster.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range []string{`CREATE DATABASE aisha`, `CREATE DATABASE yardstick`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	yardstick, err := pgx.Connect(ctx, cluster.URL("yardstick"))
	if err != nil {
		return err
	}
	defer func() { _ = yardstick.Close(ctx) }()
	_, err = yardstick.Exec(ctx, yardstickTables)
	return err
}

// row is one line of the table.
type row struct {
	name      string
	ours      []float64
	yardstick []float64
	p99       []time.Duration
}

func measure(ctx context.Context, binary string, cluster *localpg.Cluster) error {
	signups := row{name: "signups a second, 32 clients, beside pgbench's upsert"}
	webhooks := row{name: "webhooks acknowledged a second, 64 clients, beside pgbench's two inserts"}
	for round := range rounds {
		progress(fmt.Sprintf("round %d of %d", round+1, rounds))
		for _, m := range []struct {
			row      *row
			script   string
			clients  int
			generate func(n int) request
		}{
			{&signups, upsertScript, 32, signUp},
			{&webhooks, twoInsertsScript, 64, webhook},
		} {
			tps, err := pgbench(ctx, cluster, m.script, m.clients)
			if err != nil {
				return err
			}
			result, err := underLoad(ctx, binary, cluster, m.clients, m.generate)
			if err != nil {
				return err
			}
			m.row.yardstick = append(m.row.yardstick, tps)
			m.row.ours = append(m.row.ours, result.perSecond)
			m.row.p99 = append(m.row.p99, result.p99)
		}
	}
	starts, err := startTimes(ctx, binary, cluster)
	if err != nil {
		return err
	}
	memory, err := idleMemory(ctx, binary, cluster)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s, %d cores, %s; medians of %d rounds of %s\n\n", runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rounds, duration)
	fmt.Println("| | Aisha | yardstick | ratio | p99 |")
	fmt.Println("|---|---|---|---|---|")
	for _, r := range []row{signups, webhooks} {
		ours, yardstick := median(r.ours), median(r.yardstick)
		fmt.Printf("| %s | %.0f | %.0f | %.2f | %s |\n", r.name, ours, yardstick, ours/yardstick, median(r.p99).Round(100*time.Microsecond))
	}
	fmt.Printf("| start to first 200, existing database | %s | | | |\n", median(starts).Round(time.Millisecond))
	fmt.Printf("| memory (RSS) when idle | %.0f MB | | | |\n", memory)
	return nil
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func progress(text string) { fmt.Fprintln(os.Stderr, "bench:", text) }
