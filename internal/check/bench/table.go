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
	warmUp   = 500 * time.Millisecond // opens connections and prepares statements
	duration = 5 * time.Second        // per measurement and round
)

// result is one measurement of the service or of pgbench.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       cpuTimes // per request or transaction; no service time for pgbench
	memory    float64  // peak of the service, in MB
}

// comparison is a kind of request and the pgbench script that it is compared
// with.
type comparison struct {
	requests                     string
	baselineName, baselineScript string // of pgbench
	clients                      int
	newGenerator                 func(people int) generator
	goal                         string // for the ratio of the two

	serviceResults, baselineResults []result
}

func newComparisons() []*comparison {
	return []*comparison{
		{requests: "sign-ups", baselineName: "upserts", baselineScript: upsertScript, clients: 32, newGenerator: newSignUps, goal: "≥ 0.9"},
		{requests: "webhooks", baselineName: "transactions of two inserts", baselineScript: twoInsertsScript, clients: 64, newGenerator: newWebhooks, goal: "≥ 1.3"},
		{requests: "sign-up", baselineName: "upsert", baselineScript: upsertScript, clients: 1, newGenerator: newSignUps, goal: "≤ 2"},
		{requests: "webhook", baselineName: "transaction of two inserts", baselineScript: twoInsertsScript, clients: 1, newGenerator: newWebhooks, goal: "≤ 2"},
	}
}

func (b *bench) measure(ctx context.Context) error {
	comparisons := newComparisons()
	measurements := []measurement{b.answerLatency(duration), b.answersPerSecond(), b.promptLatency(), b.concurrentCalls()}
	values := make([][][]float64, len(measurements))
	for round := range rounds {
		logProgress(fmt.Sprintf("round %d of %d", round+1, rounds))
		for _, r := range comparisons {
			if err := b.measureWithPgbench(ctx, r); err != nil {
				return err
			}
		}
		for i, m := range measurements {
			logProgress(m.name)
			measured, err := b.measureOnce(ctx, m, target{"answering", defaultPeople})
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			values[i] = append(values[i], measured)
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
	files, err := b.fileMemory(ctx)
	if err != nil {
		return err
	}
	held, err := b.heldBodiesMemory(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s, %d cores, %s; medians of %d rounds of %s; load generator, service and database share the cores\n\n",
		runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rounds, duration)
	printLoad(comparisons[:2])
	printSingleClient(comparisons[2:])
	fmt.Println("| | Aisha | goal |\n|---|---|---|")
	for i, m := range measurements {
		m.print(values[i])
	}
	fmt.Printf("| process start to first 200 from /readyz, existing database | %s | ≤ 100ms |\n", median(starts).Round(time.Millisecond))
	fmt.Printf("| idle memory (RSS) | %.0f MB | ≤ 45 MB |\n", idle)
	fmt.Printf("| peak memory (RSS) under webhook load | %.0f MB | ≤ 150 MB |\n", medianOf(comparisons[1].serviceResults, func(r result) float64 { return r.memory }))
	fmt.Printf("| peak memory (RSS) with %d files of %d MiB at once | %.0f MB | ≤ 150 MB |\n", filesAtOnce, fileBytes>>20, files)
	fmt.Printf("| peak memory (RSS) under 200 held webhook bodies | %.0f MB | ≤ 150 MB |\n", held)
	return nil
}

// measureWithPgbench measures pgbench and then the service.
func (b *bench) measureWithPgbench(ctx context.Context, r *comparison) error {
	logProgress(r.requests)
	baseline, err := b.pgbench(ctx, r.baselineScript, r.clients)
	if err != nil {
		return err
	}
	measured, err := b.measureService(ctx, r)
	if err != nil {
		return err
	}
	r.baselineResults, r.serviceResults = append(r.baselineResults, baseline), append(r.serviceResults, measured)
	return nil
}

// print prints the median over all rounds of each metric.
func (m measurement) print(perRound [][]float64) {
	for i, f := range m.metrics {
		fmt.Printf("| %s | %s | %s |\n", f.name, f.text(median(column(perRound, i))), f.goal)
	}
}

func (f metric) text(value float64) string {
	if f.rate {
		return fmt.Sprintf("%.0f/s", value)
	}
	return time.Duration(value).Round(10 * time.Microsecond).String()
}

// column returns the values of metric i in each round.
func column(perRound [][]float64, i int) []float64 {
	values := make([]float64, len(perRound))
	for round, metrics := range perRound {
		values[round] = metrics[i]
	}
	return values
}

func printLoad(table []*comparison) {
	fmt.Println("| many clients | Aisha | pgbench | ratio | goal | Aisha p99 (goal ≤ 20ms) | pgbench p99 | Aisha CPU per request | PostgreSQL CPU per request | PostgreSQL CPU per pgbench transaction |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range table {
		perSecond := func(r result) float64 { return r.perSecond }
		fmt.Printf("| %s against pgbench %s, %d clients | %.0f/s | %.0f/s | %.2f | %s | %s | %s | %s | %s | %s |\n", r.requests, r.baselineName, r.clients,
			medianOf(r.serviceResults, perSecond), medianOf(r.baselineResults, perSecond), r.ratio(perSecond), r.goal, roundToTenth(medianOf(r.serviceResults, resultP99)), roundToTenth(medianOf(r.baselineResults, resultP99)),
			medianOf(r.serviceResults, serviceCPU), medianOf(r.serviceResults, databaseCPU), medianOf(r.baselineResults, databaseCPU))
	}
	fmt.Println()
}

func printSingleClient(table []*comparison) {
	fmt.Println("| one client, p50 | Aisha | pgbench | ratio | goal | Aisha p99 | pgbench p99 |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, r := range table {
		fmt.Printf("| %s against pgbench %s | %s | %s | %.2f | %s | %s | %s |\n", r.requests, r.baselineName,
			medianOf(r.serviceResults, resultP50).Round(time.Microsecond), medianOf(r.baselineResults, resultP50).Round(time.Microsecond),
			r.ratio(func(r result) float64 { return float64(r.p50) }), r.goal, roundToTenth(medianOf(r.serviceResults, resultP99)), roundToTenth(medianOf(r.baselineResults, resultP99)))
	}
	fmt.Println()
}

// ratio returns the median of the ratios of each round. Both values of a ratio
// come from the same round, because the speed of the machine changes over time.
func (r *comparison) ratio(of func(result) float64) float64 {
	ratios := make([]float64, len(r.serviceResults))
	for round := range r.serviceResults {
		ratios[round] = of(r.serviceResults[round]) / of(r.baselineResults[round])
	}
	return median(ratios)
}

func resultP50(r result) time.Duration   { return r.p50 }
func resultP99(r result) time.Duration   { return r.p99 }
func serviceCPU(r result) time.Duration  { return r.cpu.service.Round(time.Microsecond) }
func databaseCPU(r result) time.Duration { return r.cpu.database.Round(time.Microsecond) }

func roundToTenth(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

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

// percentile sorts the latencies and returns the one below which percent of them are.
func percentile(latencies []time.Duration, percent int) time.Duration {
	slices.Sort(latencies)
	return latencies[len(latencies)*percent/100]
}

// percentiles sorts the latencies and returns p50 and p99.
func percentiles(latencies []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(latencies)
	return latencies[len(latencies)/2], latencies[len(latencies)*99/100]
}
