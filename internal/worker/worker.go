// Package worker runs the queued jobs. It decides which service a job calls and
// what follows from its error: retry, snooze, or failure. The work itself is in
// the services.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"aisha/internal/job"
	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

const (
	// fetchCooldown is the shortest time between two fetches, which a new message
	// waits at most while others arrive. With ten milliseconds it was most of the
	// time until an answer, and CPU use was no lower.
	fetchCooldown = 2 * time.Millisecond
	// fetchPollInterval limits the delay of a job that was snoozed for less than
	// five seconds. River is notified of new jobs.
	fetchPollInterval = 200 * time.Millisecond
	// heartbeatInterval is how soon the jobs of a dead instance are re-queued.
	heartbeatInterval = 2 * time.Second
	// completedRetention is how long completed jobs stay visible to the operator.
	// River deletes them in batches, and each batch reads the whole table, which
	// grows by a thousand rows a second, so it must stay small.
	completedRetention = 5 * time.Minute
)

// Answerer answers persons.
type Answerer interface {
	AnswerPerson(ctx context.Context, personID int64, interruptions int) resource.Resource[whatsapp.Next]
}

// Instance announces this instance.
type Instance interface {
	Name() string
	Heartbeat(ctx context.Context) error
}

// Orphans re-queues the jobs of dead instances, and those of this instance that
// are not in known.
type Orphans interface {
	Requeue(ctx context.Context, known []int64) (int64, error)
}

// Options are the settings of Workers.
type Options struct {
	Concurrency         int      // answers worked on at once; 0: none are
	ReindexerIndexNames []string // indexes of the queue that River may rebuild
	Log                 *slog.Logger
}

// Workers runs the jobs of the queue.
type Workers struct {
	log      *slog.Logger
	instance Instance
	orphans  Orphans
	client   *river.Client[pgx.Tx]
	known    *knownJobs
	stopping chan struct{} // closed by Stop

	stopHeartbeat    context.CancelFunc
	heartbeatStopped chan struct{}
}

// Deps are what the Workers use. All are required.
type Deps struct {
	Answerer   Answerer
	Operations Operations
	Instance   Instance
	Orphans    Orphans
}

// New returns Workers that do nothing until Start.
func New(pool *pgxpool.Pool, deps Deps, options Options) (*Workers, error) {
	known, stopping := newKnownJobs(), make(chan struct{})
	workers := river.NewWorkers()
	err := errors.Join(
		river.AddWorkerSafely(workers, newAnswerPersonWorker(deps.Answerer, known, options.Log)),
		river.AddWorkerSafely(workers, &runOperationWorker{
			operations: deps.Operations, stopping: stopping, known: known, log: options.Log,
		}))
	if err != nil {
		return nil, fmt.Errorf("register the workers: %w", err)
	}
	queues := map[string]river.QueueConfig{job.QueueOperations: {MaxWorkers: maxOperations}}
	if options.Concurrency > 0 {
		queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: options.Concurrency}
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		ID:                deps.Instance.Name(),
		Queues:            queues,
		Workers:           workers,
		FetchCooldown:     fetchCooldown,
		FetchPollInterval: fetchPollInterval,
		JobTimeout:        -1, // each step of a job has a timeout of its own
		Logger:            newRiverLog(options.Log),
		ErrorHandler:      panicLogger{options.Log},

		CompletedJobRetentionPeriod: completedRetention,
		ReindexerIndexNames:         options.ReindexerIndexNames,
	})
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	return &Workers{
		log: options.Log, instance: deps.Instance, orphans: deps.Orphans,
		client: client, known: known, stopping: stopping,
	}, nil
}

// Start begins to run jobs. The instance announces itself first: other instances
// would re-queue the jobs of one that they do not know. Then it re-queues orphaned
// jobs, so that every job of their persons counts the interruption when it is
// fetched.
func (w *Workers) Start(ctx context.Context) error {
	if err := w.instance.Heartbeat(ctx); err != nil {
		return fmt.Errorf("announce the instance: %w", err)
	}
	w.requeueOrphans(ctx)
	if err := w.client.Start(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	ctx, w.stopHeartbeat = context.WithCancel(ctx)
	w.heartbeatStopped = make(chan struct{})
	go w.runHeartbeat(ctx)
	return nil
}

// Stop interrupts the operations and waits for the other running jobs. When ctx ends
// it cancels those too. Interrupted and cancelled jobs stay queued.
func (w *Workers) Stop(ctx context.Context) error {
	close(w.stopping)
	w.stopHeartbeat()
	select {
	case <-w.heartbeatStopped:
	case <-ctx.Done():
	}
	if err := w.client.Stop(ctx); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := w.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("stop the queue: %w", err)
	}
	return nil
}

// runHeartbeat announces the instance and re-queues orphaned jobs every two
// seconds.
func (w *Workers) runHeartbeat(ctx context.Context) {
	defer close(w.heartbeatStopped)
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.heartbeat(ctx)
		}
	}
}

func (w *Workers) heartbeat(ctx context.Context) {
	if err := w.instance.Heartbeat(ctx); err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "heartbeat failed", slog.Any("error", err))
	}
	w.requeueOrphans(ctx)
}

func (w *Workers) requeueOrphans(ctx context.Context) {
	requeued, err := w.orphans.Requeue(ctx, w.known.ids())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.log.WarnContext(ctx, "requeueing orphaned jobs failed", slog.Any("error", err))
	case requeued > 0:
		w.log.InfoContext(ctx, "requeued orphaned jobs", slog.Int64("jobs", requeued))
	}
}
