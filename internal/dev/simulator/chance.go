package simulator

import (
	"math/rand/v2"
	"sync"
	"time"
)

// chance is behind everything that happens at random, so that a run can be
// repeated as far as its seed decides it. Ids are not among that: they decide
// nothing, and a service that remembers an earlier run must not meet them again.
type chance struct {
	seed uint64

	mu     sync.Mutex
	random *rand.Rand
}

// newChance takes zero for a seed that nobody chose.
func newChance(seed uint64) *chance {
	for seed == 0 {
		seed = rand.Uint64()
	}
	return &chance{seed: seed, random: rand.New(rand.NewPCG(seed, 0))}
}

// hits is true in that share of cases.
func (c *chance) hits(share float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.Float64() < share
}

// within is any time of the range.
func (c *chance) within(r Range) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return r.Min + time.Duration(c.random.Int64N(int64(r.Max-r.Min)))
}

// upTo is a number from 1 to n.
func (c *chance) upTo(n int) int {
	if n <= 1 {
		return 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return 1 + c.random.IntN(n)
}

// Seed is what the simulator's chance began with.
func (s *Simulator) Seed() uint64 { return s.chance.seed }
