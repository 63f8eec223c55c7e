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

// result is what one measurement beside pgbench found.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       cpuTimes // for one request or transaction; pgbench has no service
	memory    float64  // the service's peak, in MB
}

// row is one line of the tables beside pgbench: a kind of request, and what it
// is held against.
type row struct {
	requests        string
	against, script string // what pgbench does: its name, and itself
	clients         int
	client          func(people int) generator
	goal            string // for the ratio

	ours, yardstick []result
}

func rows() []*row {
	return []*row{
		{requests: "sign-ups", against: "upsert", script: upsertScript, clients: 32, client: signUps, goal: "≥ 0.9"},
		{requests: "webhooks", against: "two inserts", script: twoInsertsScript, clients: 64, client: webhooks, goal: "≥ 1.3"},
		{requests: "a lone sign-up", against: "a lone upsert", script: upsertScript, clients: 1, client: signUps, goal: "≤ 2"},
		{requests: "a lone webhook", against: "lone two inserts", script: twoInsertsScript, clients: 1, client: webhooks, goal: "≤ 2"},
	}
}

func (b *bench) measure(ctx context.Context) error {
	beside := rows()
	own := []measurement{b.replyTimes(duration), b.answersPerSecond(), b.promptTimes(), b.callersAtOnce()}
	found := make([][][]float64, len(own))
	for round := range rounds {
		progress(fmt.Sprintf("round %d of %d", round+1, rounds))
		for _, r := range beside {
			if err := b.measureBeside(ctx, r); err != nil {
				return err
			}
		}
		for i, m := range own {
			progress(m.name)
			values, err := b.once(ctx, m, place{"answering", usualPeople})
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			found[i] = append(found[i], values)
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
	printLoad(beside[:2])
	printLone(beside[2:])
	fmt.Println("| | Aisha | goal |\n|---|---|---|")
	for i, m := range own {
		m.print(found[i])
	}
	fmt.Printf("| start to first 200, existing database | %s | ≤ 100ms |\n", median(starts).Round(time.Millisecond))
	fmt.Printf("| memory (RSS) when idle | %.0f MB | ≤ 45 MB |\n", idle)
	fmt.Printf("| memory (RSS), the most under the load of webhooks | %.0f MB | ≤ 150 MB |\n", medianOf(beside[1].ours, func(r result) float64 { return r.memory }))
	return nil
}

// measureBeside runs pgbench and then the service.
func (b *bench) measureBeside(ctx context.Context, r *row) error {
	progress(r.requests)
	yardstick, err := b.pgbench(ctx, r.script, r.clients)
	if err != nil {
		return err
	}
	ours, err := b.underLoad(ctx, r)
	if err != nil {
		return err
	}
	r.yardstick, r.ours = append(r.yardstick, yardstick), append(r.ours, ours)
	return nil
}

// print shows the medians of what was found in each round.
func (m measurement) print(found [][]float64) {
	for i, f := range m.figures {
		fmt.Printf("| %s | %s | %s |\n", f.name, f.text(median(column(found, i))), f.goal)
	}
}

func (f figure) text(value float64) string {
	if f.rate {
		return fmt.Sprintf("%.0f/s", value)
	}
	return time.Duration(value).Round(10 * time.Microsecond).String()
}

func column(found [][]float64, i int) []float64 {
	values := make([]float64, len(found))
	for round, figures := range found {
		values[round] = figures[i]
	}
	return values
}

func printLoad(table []*row) {
	fmt.Println("| under load | Aisha | pgbench | ratio | goal | p99 (goal ≤ 20ms) | pgbench's p99 | CPU a request: Aisha | PostgreSQL | under pgbench |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range table {
		perSecond := func(r result) float64 { return r.perSecond }
		fmt.Printf("| %s, beside pgbench's %s, %d clients | %.0f/s | %.0f/s | %.2f | %s | %s | %s | %s | %s | %s |\n", r.requests, r.against, r.clients,
			medianOf(r.ours, perSecond), medianOf(r.yardstick, perSecond), r.ratio(perSecond), r.goal, tenths(medianOf(r.ours, p99)), tenths(medianOf(r.yardstick, p99)),
			medianOf(r.ours, service), medianOf(r.ours, database), medianOf(r.yardstick, database))
	}
	fmt.Println()
}

func printLone(table []*row) {
	fmt.Println("| alone | Aisha | pgbench | ratio | goal | p99 | pgbench's p99 |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, r := range table {
		fmt.Printf("| %s, beside %s | %s | %s | %.2f | %s | %s | %s |\n", r.requests, r.against,
			medianOf(r.ours, p50).Round(time.Microsecond), medianOf(r.yardstick, p50).Round(time.Microsecond),
			r.ratio(func(r result) float64 { return float64(r.p50) }), r.goal, tenths(medianOf(r.ours, p99)), tenths(medianOf(r.yardstick, p99)))
	}
	fmt.Println()
}

// ratio is the median of the rounds' ratios, because a machine that slows down
// from one round to the next slows both.
func (r *row) ratio(of func(result) float64) float64 {
	ratios := make([]float64, len(r.ours))
	for round := range r.ours {
		ratios[round] = of(r.ours[round]) / of(r.yardstick[round])
	}
	return median(ratios)
}

func p50(r result) time.Duration      { return r.p50 }
func p99(r result) time.Duration      { return r.p99 }
func service(r result) time.Duration  { return r.cpu.service.Round(time.Microsecond) }
func database(r result) time.Duration { return r.cpu.database.Round(time.Microsecond) }

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
