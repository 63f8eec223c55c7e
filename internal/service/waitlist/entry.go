package waitlist

import (
	"slices"
	"time"

	"aisha/internal/sensitive"
)

// Status is where an entry is on the way from the list to the product.
type Status string

// The statuses.
const (
	Waiting Status = "waiting"
	Invited Status = "invited"
	Joined  Status = "joined"
	Removed Status = "removed"
)

// Statuses returns all statuses.
func Statuses() []Status { return []Status{Waiting, Invited, Joined, Removed} }

// CanBecome reports whether an operator may change the status from s to another one.
func (s Status) CanBecome(to Status) bool { return slices.Contains(to.predecessors(), s) }

// predecessors returns the statuses from which an entry can come to s.
func (s Status) predecessors() []Status {
	switch s {
	case Waiting:
		return []Status{Invited, Removed}
	case Invited:
		return []Status{Waiting}
	case Joined:
		return []Status{Invited}
	case Removed:
		return []Status{Waiting, Invited}
	default:
		return nil
	}
}

// Entry is a row of the list, as operators see it.
type Entry struct {
	ID          int64 // from 1 on
	Username    sensitive.Text
	PhoneNumber sensitive.Phone // E.164
	Status      Status
	Source      *string // where the person signed up; nil: not known
	Note        *sensitive.Text
	VerifiedAt  *time.Time // nil: nothing shows that the number belongs to the person
	CreatedAt   time.Time
	InvitedAt   *time.Time
	JoinedAt    *time.Time
	RemovedAt   *time.Time
	ReferrerID  *int64 // the entry whose referral code the sign-up had
	Version     string // changes with every change of the entry
	Rank        Rank
}

// Rank is the place of an entry in the order of the list. Entries with the same Rank
// are in the order of their ids.
type Rank struct {
	ID  int64 // the entry's own id, until it moves
	Seq int64
}

// Filter selects entries. Its zero value selects all.
type Filter struct {
	Query        sensitive.Text // part of a name, or the beginning or end of a number in any form
	Statuses     []Status       // nil: all
	Source       *string
	Verified     *bool
	ReferrerID   *int64
	JoinedAfter  *time.Time // of the sign-up; included
	JoinedBefore *time.Time // of the sign-up; not included
}

// Order is the order of a list of entries.
type Order string

// The orders. The key of an entry (see page.Request) is its id, or for ByPosition its
// rank: rank_id, rank_seq and id.
const (
	Newest     Order = "-id"
	Oldest     Order = "id"
	ByPosition Order = "position"
)

// Key returns the key of an entry in the order.
func (o Order) Key(e Entry) []int64 {
	if o == ByPosition {
		return []int64{e.Rank.ID, e.Rank.Seq, e.ID}
	}
	return []int64{e.ID}
}

// KeyLength returns the length of the keys of the order.
func (o Order) KeyLength() int {
	if o == ByPosition {
		return 3
	}
	return 1
}
