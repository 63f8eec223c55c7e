// Command bench compares the built service with pgbench on the same PostgreSQL
// cluster in the same run, because machines differ in speed and are noisy. It
// prints the tables of internal/docs/figures.md. With -profile it only writes CPU
// profiles of the service under the same load. With -seed it only compares an
// empty database with a seeded one, and with -list it only measures the operator's
// routes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"

	"aisha/internal/dev/localpg"
)

func main() {
	profiles := flag.String("profile", "", "only write CPU profiles of the service into this `directory`")
	seed := flag.String("seed", "", "only compare an empty database with one seeded with `people,messages`")
	entries := flag.Int("list", 0, "only measure the operator's routes with an empty waiting list and one of so many `entries`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, options{profiles: *profiles, seed: *seed, entries: *entries}); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// defaultEntries is the length of the long waiting list.
const defaultEntries = 5_000_000

// bench holds what all measurements share.
type bench struct {
	dir     string // temporary directory
	binary  string // path of the built service
	cluster *localpg.Cluster

	upstream *fakeUpstream
}

// options are the flags of the command.
type options struct {
	profiles, seed string
	entries        int
}

func run(ctx context.Context, o options) error {
	var size seedSize
	if o.seed != "" {
		var err error
		if size, err = parseSeedSize(o.seed); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "aisha-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// PostgreSQL may run as another user, which needs access to its data directory.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server's user needs access
		return err
	}

	logProgress("building the service and starting a cluster")
	b := &bench{dir: dir, binary: filepath.Join(dir, "aisha")}
	var extra []string
	if o.profiles != "" {
		if extra, err = profilerOverlay(dir); err != nil {
			return err
		}
	}
	if err := build(ctx, b.binary, extra...); err != nil {
		return err
	}
	b.cluster, err = localpg.Start(ctx, localpg.Options{Dir: filepath.Join(dir, "postgres"), Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = b.cluster.Stop() }()
	if b.upstream, err = startFakeUpstream(ctx); err != nil {
		return err
	}
	return b.measureSelected(ctx, o, size)
}

func (b *bench) measureSelected(ctx context.Context, o options, size seedSize) error {
	if o.seed != "" {
		return b.measureGrowth(ctx, size)
	}
	if o.entries > 0 {
		return b.measureWaitingList(ctx, o.entries)
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if o.profiles != "" {
		return b.profile(ctx, o.profiles)
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.measureWaitingList(ctx, defaultEntries)
}

func build(ctx context.Context, binary string, extra ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", binary}, extra...)
	command := exec.CommandContext(ctx, "go", append(args, "./cmd/aisha")...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// prepare creates the databases of the service and the tables of the pgbench
// baseline.
func (b *bench) prepare(ctx context.Context) error {
	for _, name := range []string{"aisha", "answering", "baseline"} {
		if err := b.createDatabase(ctx, name); err != nil {
			return err
		}
	}
	baseline, err := pgx.Connect(ctx, b.cluster.URL("baseline"))
	if err != nil {
		return err
	}
	defer func() { _ = baseline.Close(ctx) }()
	_, err = baseline.Exec(ctx, baselineTables)
	return err
}

func (b *bench) createDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, b.cluster.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `CREATE DATABASE `+name)
	return err
}

func logProgress(text string) { fmt.Fprintln(os.Stderr, "bench:", text) }
