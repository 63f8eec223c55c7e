package simulator

import (
	"cmp"
	"sync"
	"time"
)

// Bounds of what is kept in memory.
const (
	maxPeople    = 20_000
	maxMessages  = 1_000 // of each person and direction
	maxCalls     = 10_000
	maxExchanges = 500
)

// typingTime is how long a phone shows "typing…" when no answer comes.
const typingTime = 25 * time.Second

// customerWindow is how long after a person's last message they can be written
// to freely.
const customerWindow = 24 * time.Hour

// store is all state of a simulator. Each change of it wakes those who wait for
// the ledger and is told to the pages that look at it.
type store struct {
	now func() time.Time

	mu          sync.Mutex
	changed     chan struct{} // closed and replaced at each change
	seq         int64
	people      map[string]*conversation // by user id
	byPhone     map[string]*conversation
	inbound     map[string]*Inbound // by wamid
	readCalls   []ReadCall
	modelCalls  []ModelCall
	exchanges   []*exchange
	counts      Counts
	service     service
	files       map[string]file // by media id
	faults      Faults
	faultsSet   chan struct{} // closed and replaced when they are set
	subscribers map[*subscriber]struct{}
}

// conversation is one person and what was written to and fro.
type conversation struct {
	person      Person
	seq         int64 // when they were met
	inbound     []*Inbound
	outbound    []*Outbound
	lastWrote   time.Time // the start of their customer service window
	typingUntil time.Time

	// tried is closed after the first attempt to deliver their latest message.
	// Their next one waits for it, so that messages arrive in the order in
	// which they were written unless one has to be retried.
	tried chan struct{}
}

func newStore(now func() time.Time) *store {
	return &store{
		now:         now,
		changed:     make(chan struct{}),
		people:      map[string]*conversation{},
		byPhone:     map[string]*conversation{},
		inbound:     map[string]*Inbound{},
		service:     service{State: serviceUnknown},
		files:       map[string]file{},
		faultsSet:   make(chan struct{}),
		subscribers: map[*subscriber]struct{}{},
	}
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// touch wakes everybody who waits for the ledger. The caller holds the lock.
func (st *store) touch() {
	close(st.changed)
	st.changed = make(chan struct{})
}

func (st *store) next() int64 {
	st.seq++
	return st.seq
}

func (st *store) pending(by int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.counts.Pending += by
	st.touch()
}

// meet makes sure that a person is known.
func (st *store) meet(p Person) Person {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.conversation(p).person
}

// person finds somebody by their user id.
func (st *store) person(userID string) (Person, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.people[userID]
	if c == nil {
		return Person{}, false
	}
	return c.person, true
}

// conversation finds the one with a person, by user id or else by number, or
// begins it. The caller holds the lock.
func (st *store) conversation(p Person) *conversation {
	c := st.people[p.UserID]
	if p.UserID == "" {
		c = st.byPhone[bareNumber(p.Phone)]
	}
	if c == nil {
		st.makeRoom()
		c = &conversation{seq: st.next(), tried: closedChannel()}
		c.person.UserID = cmp.Or(p.UserID, userIDOf(bareNumber(p.Phone)))
		st.people[c.person.UserID] = c
	}
	known := c.person
	c.person.Phone = cmp.Or(bareNumber(p.Phone), known.Phone)
	c.person.Name = cmp.Or(p.Name, known.Name)
	if c.person.Phone != "" {
		st.byPhone[c.person.Phone] = c
	}
	if c.person != known {
		st.publish(eventPerson, viewPerson(c))
	}
	return c
}

// makeRoom forgets the person who was met first, when there are too many.
func (st *store) makeRoom() {
	if len(st.people) < maxPeople {
		return
	}
	var oldest *conversation
	for _, c := range st.people {
		if oldest == nil || c.seq < oldest.seq {
			oldest = c
		}
	}
	for _, in := range oldest.inbound {
		delete(st.inbound, in.WAMID)
	}
	delete(st.people, oldest.person.UserID)
	if st.byPhone[oldest.person.Phone] == oldest {
		delete(st.byPhone, oldest.person.Phone)
	}
}

// last is the end of a list, where the list has grown too long.
func last[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	return append(list[:0:0], list[len(list)-n:]...)
}
