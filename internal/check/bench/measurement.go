package main

import (
	"context"
	"errors"
	"time"
)

// metric is one measured number.
type metric struct {
	name string
	goal string // empty if there is no goal
	rate bool   // true: events per second; false: nanoseconds
}

// measurement measures its metrics in one run of the service.
type measurement struct {
	name    string
	metrics []metric
	env     []string // added to the environment of the service
	run     func(ctx context.Context, s *runningService, at target) ([]float64, error)
}

// target is the database that a measurement uses and the number of people who
// write to the service.
type target struct {
	database string
	people   int
}

// defaultPeople is the number of people who write when the database starts empty.
// It is high enough that a person rarely writes twice within a second, and low
// enough that most messages come from people who are already stored.
const defaultPeople = 10_000

// measureOnce starts a service, runs the measurement and stops the service.
func (b *bench) measureOnce(ctx context.Context, m measurement, at target) ([]float64, error) {
	s, err := b.launch(ctx, at.database, m.env...)
	if err != nil {
		return nil, err
	}
	values, err := m.run(ctx, s, at)
	return values, errors.Join(err, s.stop())
}

// upstreamEnv points the service at the fake upstream. It also disables the
// debounce and allows 1,000 sends per second, so neither limits a measurement.
func (b *bench) upstreamEnv() []string {
	address := "http://" + b.upstream.address
	return []string{
		"GEMINI_API_KEY=bench", "GEMINI_BASE_URL=" + address,
		"WHATSAPP_TOKEN=bench", "WHATSAPP_BASE_URL=" + address, "WHATSAPP_THROUGHPUT=1000",
		"REPLY_DEBOUNCE=0",
	}
}

// sendAndAwaitAnswer sends a message from the person and returns when the answer
// reached the Graph API. The same person must not write again before that. It
// fails after 20 seconds without an answer.
func (b *bench) sendAndAwaitAnswer(clients *pool, person int) (time.Time, error) {
	const timeout = 20 * time.Second
	sent := b.upstream.notifyOnSend(phoneOf(person))
	if err := clients.post(newWebhookBuilder().textMessage(person)); err != nil {
		return time.Time{}, err
	}
	select {
	case at := <-sent:
		return at, nil
	case <-time.After(timeout):
		return time.Time{}, errors.New("no answer within the time limit")
	}
}

func toNanoseconds(d time.Duration) float64 { return float64(d) }
