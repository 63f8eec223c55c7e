package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// growthGoal is how many times as long anything may take in a full database.
const growthGoal = "≤ 1.3"

// growthRounds are more than usual: a ratio of two times scatters more than
// either, and the seeding takes so long that they hardly count.
const growthRounds = 7

// growthReplies is how long replies are measured in a round: of some thousand
// messages the slowest hundredth is told by more than a few of them.
const growthReplies = 20 * time.Second

// grow measures in an empty database and in one that is full, by turns. In the
// full one everybody writes whom it knows, with a history that the model is
// given; in the empty one the usual few do.
func (b *bench) grow(ctx context.Context, s seeding) error {
	empty, full := place{"empty", usualPeople}, place{"seeded", s.people}
	for _, at := range []place{empty, full} {
		if err := b.migrate(ctx, at.database); err != nil {
			return err
		}
	}
	if err := b.seed(ctx, full.database, s); err != nil {
		return err
	}
	fmt.Printf("\n%s, %d cores, %s; medians of %d rounds of %s, for replies %s; %d people and %d messages\n\n",
		runtime.GOARCH, runtime.NumCPU(), runtime.Version(), growthRounds, duration, growthReplies, s.people, s.messages)
	fmt.Println("| | empty | full | ratio | goal |\n|---|---|---|---|---|")
	// The replies come first, because the others leave messages behind that
	// would be answered along with theirs.
	for _, m := range []measurement{b.replyTimes(growthReplies), b.acknowledgements(rows()[0]), b.acknowledgements(rows()[1])} {
		if err := b.compare(ctx, m, empty, full); err != nil {
			return err
		}
	}
	return nil
}

// migrate makes a database as the service wants it.
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

// acknowledgements is a row of the main table as a measurement.
func (b *bench) acknowledgements(r *row) measurement {
	return measurement{
		name:    r.requests,
		figures: []figure{{name: fmt.Sprintf("%s, %d clients", r.requests, r.clients), rate: true}},
		take: func(_ context.Context, s *runningService, at place) ([]float64, error) {
			found, err := b.load(s, r, at.people)
			return []float64{found.perSecond}, err
		},
	}
}

func (b *bench) compare(ctx context.Context, m measurement, empty, full place) error {
	var found [2][][]float64
	for round := range growthRounds {
		progress(fmt.Sprintf("%s, round %d of %d", m.name, round+1, growthRounds))
		for i, at := range []place{empty, full} {
			values, err := b.once(ctx, m, at)
			if err != nil {
				return err
			}
			found[i] = append(found[i], values)
		}
	}
	for i, f := range m.figures {
		before, after := column(found[0], i), column(found[1], i)
		fmt.Printf("| %s | %s | %s | %.2f | %s |\n", f.name, f.text(median(before)), f.text(median(after)), f.growth(before, after), growthGoal)
	}
	return nil
}

// growth is how many times as long it takes, round by round: the machine may be
// slower in one of them.
func (f figure) growth(before, after []float64) float64 {
	ratios := make([]float64, len(before))
	for k := range ratios {
		ratios[k] = after[k] / before[k]
		if f.rate {
			ratios[k] = before[k] / after[k]
		}
	}
	return median(ratios)
}
