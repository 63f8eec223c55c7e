package whatsapp

import "time"

// MaxBacklog is where the counts of a Backlog end, so that reading it is cheap
// when it is long.
const MaxBacklog = 10_000

// Backlog is the work that waits, over all instances. Where a count has reached
// MaxBacklog, an older message may exist than OldestMessage says.
type Backlog struct {
	Messages      int           // without an answer
	OldestMessage time.Duration // since the oldest of them was stored
	Unsent        int           // parts that no worker is sending
	Sending       int           // parts that are being sent
	Unknown       int           // parts whose send ended without a stored outcome
	Holds         []SendHold
}
