package whatsappdb

// Waiting returns how many webhooks wait for the next commit.
func (i *Inbox) Waiting() int { return i.shared.Waiting() }

// Waiting returns how many answers wait for the next commit.
func (c *Conversations) Waiting() int { return c.saves.Waiting() }
