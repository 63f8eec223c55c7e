package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

const (
	rounds   = 3
	warmUp   = 500 * time.Millisecond // before a measurement: connections, statements
	duration = 5 * time.Second        // of each measurement in a round
)

// result is what one measurement found.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	service   time.Duration // CPU time of the service for one request; zero of the yardstick
	database  time.Duration // CPU time of PostgreSQL for one request or transaction
	memory    float64       // the service's peak, in MB
}

// row is one line of the table: a kind of request, and what it is held against.
type row struct {
	name    string
	clients int
	client  func() generator
	script  string // of pgbench

	ours, yardstick []result
}

func rows() []*row {
	return []*row{
		{name: "sign-ups, beside pgbench's upsert", clients: 32, client: signUps, script: upsertScript},
		{name: "webhooks, beside pgbench's two inserts", clients: 64, client: webhooks, script: twoInsertsScript},
		{name: "a lone sign-up, beside a lone upsert", clients: 1, client: signUps, script: upsertScript},
		{name: "a lone webhook, beside lone two inserts", clients: 1, client: webhooks, script: twoInsertsScript},
	}
}

func (b *bench) measure(ctx context.Context) error {
	table := rows()
	for round := range rounds {
		progress(fmt.Sprintf("round %d of %d", round+1, rounds))
		for _, r := range table {
			yardstick, err := b.pgbench(ctx, r.script, r.clients)
			if err != nil {
				return err
			}
			ours, err := b.underLoad(ctx, r)
			if err != nil {
				return err
			}
			r.yardstick, r.ours = append(r.yardstick, yardstick), append(r.ours, ours)
		}
	}
	starts, err := b.startTimes(ctx)
	if err != nil {
		return err
	}
	idle, err := b.idleMemory(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s, %d cores, %s; medians of %d rounds of %s; load generator, service and database share the cores\n\n",
		runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rounds, duration)
	printLoad(table[:2])
	printLone(table[2:])
	fmt.Println("| | |\n|---|---|")
	fmt.Printf("| start to first 200, existing database | %s |\n", median(starts).Round(time.Millisecond))
	fmt.Printf("| memory (RSS) when idle | %.0f MB |\n", idle)
	fmt.Printf("| memory (RSS), the most under the load of webhooks | %.0f MB |\n", medianOf(table[1].ours, func(r result) float64 { return r.memory }))
	return nil
}

func printLoad(table []*row) {
	fmt.Println("| under load | Aisha | pgbench | ratio | p99 | pgbench's p99 | CPU a request: Aisha | PostgreSQL | under pgbench |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, r := range table {
		perSecond := func(r result) float64 { return r.perSecond }
		ours, yardstick := medianOf(r.ours, perSecond), medianOf(r.yardstick, perSecond)
		fmt.Printf("| %s, %d clients | %.0f/s | %.0f/s | %.2f | %s | %s | %s | %s | %s |\n", r.name, r.clients,
			ours, yardstick, ours/yardstick, tenths(medianOf(r.ours, p99)), tenths(medianOf(r.yardstick, p99)),
			medianOf(r.ours, service), medianOf(r.ours, database), medianOf(r.yardstick, database))
	}
	fmt.Println()
}

func printLone(table []*row) {
	fmt.Println("| alone | Aisha | pgbench | ratio | p99 | pgbench's p99 |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, r := range table {
		ours, yardstick := medianOf(r.ours, p50), medianOf(r.yardstick, p50)
		fmt.Printf("| %s | %s | %s | %.2f | %s | %s |\n", r.name, ours.Round(time.Microsecond), yardstick.Round(time.Microsecond),
			float64(ours)/float64(yardstick), tenths(medianOf(r.ours, p99)), tenths(medianOf(r.yardstick, p99)))
	}
	fmt.Println()
}

func p50(r result) time.Duration      { return r.p50 }
func p99(r result) time.Duration      { return r.p99 }
func service(r result) time.Duration  { return r.service.Round(time.Microsecond) }
func database(r result) time.Duration { return r.database.Round(time.Microsecond) }

func tenths(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

func medianOf[T float64 | time.Duration](results []result, of func(result) T) T {
	values := make([]T, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	return median(values)
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// percentiles sorts the latencies and returns the middle one and the one that
// a hundredth of them exceed.
func percentiles(latencies []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(latencies)
	return latencies[len(latencies)/2], latencies[len(latencies)*99/100]
}
