package repository

// What tests of this package may see besides what it exports.

// PeopleLocks names the lock that a webhook shares while it is stored.
const PeopleLocks = peopleLocks

// Waiting is how many sign-ups wait for the next commit.
func (w *WaitingList) Waiting() int { return w.adds.queued() }

// Waiting is how many webhooks wait for the next commit.
func (i *Inbox) Waiting() int { return i.together.queued() }

// Waiting is how many answers wait for the next commit.
func (c *Conversations) Waiting() int { return c.saves.queued() }

func (g *groupCommit[In, Out]) queued() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}
