package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// slowdownGoal is the accepted ratio of a time in the seeded database to the
// same time in the empty one.
const slowdownGoal = "≤ 1.3"

// growthRounds is higher than rounds, because a ratio of two measurements varies
// more than each of them. Seeding takes far longer than the extra rounds.
const growthRounds = 7

// growthAnswerSpan is how long answer latency is measured in a round. It yields
// a few thousand messages, so p99 does not depend on a handful of them.
const growthAnswerSpan = 20 * time.Second

// measureGrowth alternates between an empty and a seeded database. In the seeded
// database all seeded people write, and the model receives their history. In the
// empty database defaultPeople people write.
func (b *bench) measureGrowth(ctx context.Context, size seedSize) error {
	empty, seeded := target{"empty", defaultPeople}, target{"seeded", size.people}
	for _, at := range []target{empty, seeded} {
		if err := b.migrate(ctx, at.database); err != nil {
			return err
		}
	}
	if err := b.seed(ctx, seeded.database, size); err != nil {
		return err
	}
	fmt.Printf("\n%s, %d cores, %s; medians of %d rounds of %s (answer latency: %s); %d people and %d messages\n\n",
		runtime.GOARCH, runtime.NumCPU(), runtime.Version(), growthRounds, duration, growthAnswerSpan, size.people, size.messages)
	fmt.Println("| | empty | seeded | ratio | goal |\n|---|---|---|---|---|")
	// Answer latency is measured first. The webhook load leaves unanswered messages
	// behind, and the service would answer them during the latency measurement.
	for _, m := range []measurement{b.answerLatency(growthAnswerSpan), b.requestRate(newComparisons()[0]), b.requestRate(newComparisons()[1])} {
		if err := b.compareTargets(ctx, m, empty, seeded); err != nil {
			return err
		}
	}
	return nil
}

// migrate creates a database and applies the service's migrations.
func (b *bench) migrate(ctx context.Context, database string) error {
	if err := b.createDatabase(ctx, database); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, b.binary, "migrate")
	command.Env = []string{"DATABASE_URL=" + b.cluster.URL(database)}
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// requestRate measures the service side of a comparison, without pgbench.
func (b *bench) requestRate(r *comparison) measurement {
	return measurement{
		name:    r.requests,
		metrics: []metric{{name: fmt.Sprintf("%s, %d clients", r.requests, r.clients), rate: true}},
		run: func(_ context.Context, s *runningService, at target) ([]float64, error) {
			measured, err := b.measureLoad(s, r, at.people)
			return []float64{measured.perSecond}, err
		},
	}
}

// compareTargets prints the medians in both databases and their ratio.
func (b *bench) compareTargets(ctx context.Context, m measurement, empty, seeded target) error {
	var values [2][][]float64
	for round := range growthRounds {
		logProgress(fmt.Sprintf("%s, round %d of %d", m.name, round+1, growthRounds))
		for i, at := range []target{empty, seeded} {
			measured, err := b.measureOnce(ctx, m, at)
			if err != nil {
				return err
			}
			values[i] = append(values[i], measured)
		}
	}
	for i, f := range m.metrics {
		before, after := column(values[0], i), column(values[1], i)
		fmt.Printf("| %s | %s | %s | %.2f | %s |\n", f.name, f.text(median(before)), f.text(median(after)), f.slowdown(before, after), slowdownGoal)
	}
	return nil
}

// slowdown returns the median of the ratios of each round. Both values of a ratio
// come from the same round, because the speed of the machine changes over time.
func (f metric) slowdown(before, after []float64) float64 {
	ratios := make([]float64, len(before))
	for k := range ratios {
		ratios[k] = after[k] / before[k]
		if f.rate {
			ratios[k] = before[k] / after[k]
		}
	}
	return median(ratios)
}
