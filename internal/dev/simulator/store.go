package simulator

import (
	"sync"
	"time"
)

// Limits of what the store keeps in memory.
const (
	maxPeople    = 20_000
	maxMessages  = 1_000 // of each person and direction
	maxCalls     = 10_000
	maxExchanges = 500
)

// typingTime is how long a phone shows "typing…" when no answer arrives.
const typingTime = 25 * time.Second

// customerWindow is Meta's customer service window: how long after a person's
// last message the business may send free text to them.
const customerWindow = 24 * time.Hour

// store is all state of a simulator. Each change wakes the callers of
// [Simulator.WaitFor] and is published to the open pages.
type store struct {
	now func() time.Time

	mu            sync.Mutex
	changed       chan struct{} // closed and replaced at each change
	seq           int64
	people        map[string]*conversation // by user id
	byPhone       map[string]*conversation
	inbound       map[string]*Inbound // by wamid
	readCalls     []ReadCall
	modelCalls    []ModelCall
	exchanges     []*exchange
	counts        Counts
	serviceHealth serviceHealth
	files         map[string]mediaFile // by media id
	fileBytes     int                  // size of all files
	faults        Faults
	faultsChanged chan struct{} // closed and replaced when SetFaults is called
	subscribers   map[*subscriber]struct{}
}

// conversation is one person with the messages in both directions.
type conversation struct {
	person        Person
	seq           int64 // orders people by when they were added
	inbound       []*Inbound
	outbound      []*Outbound
	lastInboundAt time.Time // starts the person's customer service window
	typingUntil   time.Time

	// lastAttempted is closed after the first delivery attempt of the person's
	// latest message. The next message waits for it, so that messages arrive in
	// the order in which they were written unless one has to be retried.
	lastAttempted chan struct{}
}

func newStore(now func() time.Time) *store {
	return &store{
		now:           now,
		changed:       make(chan struct{}),
		people:        map[string]*conversation{},
		byPhone:       map[string]*conversation{},
		inbound:       map[string]*Inbound{},
		serviceHealth: serviceHealth{State: serviceUnknown},
		files:         map[string]mediaFile{},
		faultsChanged: make(chan struct{}),
		subscribers:   map[*subscriber]struct{}{},
	}
}

// notifyChanged wakes the callers of WaitFor. The caller holds the lock.
func (st *store) notifyChanged() {
	close(st.changed)
	st.changed = make(chan struct{})
}

func (st *store) nextSeq() int64 {
	st.seq++
	return st.seq
}

func (st *store) addPending(n int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.counts.Pending += n
	st.notifyChanged()
}

// keepLast returns the last n elements of a list.
func keepLast[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	return append(list[:0:0], list[len(list)-n:]...)
}
