package main

import (
	"context"
	"errors"
	"time"
)

// figure is a number that is measured.
type figure struct {
	name string
	goal string // empty: none
	rate bool   // so many a second; else it is a time in nanoseconds
}

// measurement finds the values of its figures with one run of the service.
type measurement struct {
	name    string
	figures []figure
	env     []string // of the service
	take    func(ctx context.Context, s *runningService, at place) ([]float64, error)
}

// place is where something is measured: a database, and how many persons write
// to the service there.
type place struct {
	database string
	people   int
}

// usualPeople write where nothing is stored yet: enough that nobody writes
// twice within a second, and few enough that most of them are known.
const usualPeople = 10_000

// once starts a service and measures it.
func (b *bench) once(ctx context.Context, m measurement, at place) ([]float64, error) {
	s, err := b.launch(ctx, at.database, m.env...)
	if err != nil {
		return nil, err
	}
	found, err := m.take(ctx, s, at)
	return found, errors.Join(err, s.stop())
}

// upstreams gives a service the stand-in for its upstreams, and lets it answer
// at once and as often as it can.
func (b *bench) upstreams() []string {
	address := "http://" + b.upstream.address
	return []string{
		"GEMINI_API_KEY=bench", "GEMINI_BASE_URL=" + address,
		"WHATSAPP_TOKEN=bench", "WHATSAPP_BASE_URL=" + address, "WHATSAPP_THROUGHPUT=1000",
		"REPLY_DEBOUNCE=0",
	}
}

// exchange lets the person write and returns the moment when their answer
// reached the Graph API. A person who is waiting must not be drawn again.
func (b *bench) exchange(clients *pool, person int) (time.Time, error) {
	const patience = 20 * time.Second
	sent := b.upstream.expect(phoneOf(person))
	if err := clients.post(newPen().write(person)); err != nil {
		return time.Time{}, err
	}
	select {
	case at := <-sent:
		return at, nil
	case <-time.After(patience):
		return time.Time{}, errors.New("a message was not answered in time")
	}
}

func nanoseconds(d time.Duration) float64 { return float64(d) }
