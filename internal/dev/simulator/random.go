package simulator

import (
	"math/rand/v2"
	"sync"
	"time"
)

// randomSource makes all random decisions, so that a run with the same seed
// decides the same. Ids do not come from it: a service that remembers an
// earlier run must not receive the same ids again.
type randomSource struct {
	seed uint64

	mu  sync.Mutex
	rng *rand.Rand
}

// newRandomSource picks a random seed if seed is zero.
func newRandomSource(seed uint64) *randomSource {
	for seed == 0 {
		seed = rand.Uint64()
	}
	return &randomSource{seed: seed, rng: rand.New(rand.NewPCG(seed, 0))}
}

// occurs returns true with the given probability, from 0 to 1.
func (r *randomSource) occurs(probability float64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.Float64() < probability
}

// durationIn returns a duration in the range.
func (r *randomSource) durationIn(limits Range) time.Duration {
	if limits.Max <= limits.Min {
		return limits.Min
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return limits.Min + time.Duration(r.rng.Int64N(int64(limits.Max-limits.Min)))
}

// intUpTo returns a number from 1 to n.
func (r *randomSource) intUpTo(n int) int {
	if n <= 1 {
		return 1
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return 1 + r.rng.IntN(n)
}

// Seed returns the seed of the simulator's random source.
func (s *Simulator) Seed() uint64 { return s.random.seed }
