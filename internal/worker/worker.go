// Package worker decides which service a queued job calls, and what of its
// error the queue is told: try again now, later or never. The work itself is
// the services'.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

const (
	// fetchCooldown is how soon after a fetch the next may follow: what a new
	// message waits at most while others arrive. Ten milliseconds were most of
	// what an answer waited for, and cost no less of the processor.
	fetchCooldown = 2 * time.Millisecond
	// fetchPoll is how late a job that was put off for less than five seconds
	// starts at most; for new jobs the queue is notified.
	fetchPoll = 200 * time.Millisecond
	// reviveEvery is how soon the jobs of an instance that died go on.
	reviveEvery = 2 * time.Second
	// keepCompleted is how long jobs that are done stay for the operator to see;
	// what they did stands in our own tables. The queue deletes them twice a
	// minute, ten thousand in a transaction, and reads its whole table for each,
	// so the table must stay small: it grows by a thousand rows a second.
	keepCompleted = 5 * time.Minute
)

// Replier answers persons.
type Replier interface {
	Reply(ctx context.Context, personID int64) resource.Resource[whatsapp.Next]
}

// Lives tells the other instances that this one lives, and brings back the
// jobs of those that do not.
type Lives interface {
	Announce(ctx context.Context) error
	// ReviveOrphans must not touch the jobs that this instance works on.
	ReviveOrphans(ctx context.Context, working []int64) (int64, error)
}

// Options are the settings of Workers.
type Options struct {
	Instance string // this instance's name, unique among all that ever ran
	Replies  int    // answers worked on at once
	Log      *slog.Logger
}

// Workers runs the queue's jobs.
type Workers struct {
	options Options
	lives   Lives
	client  *river.Client[pgx.Tx]
	replies *replyWorker

	stopReviving context.CancelFunc
	reviving     chan struct{}
}

// New prepares the workers; Start starts them.
func New(pool *pgxpool.Pool, replier Replier, lives Lives, options Options) (*Workers, error) {
	workers := river.NewWorkers()
	replies := newReplyWorker(replier, options.Log)
	if err := river.AddWorkerSafely(workers, replies); err != nil {
		return nil, fmt.Errorf("register the reply worker: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		ID:                options.Instance,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: options.Replies}},
		Workers:           workers,
		FetchCooldown:     fetchCooldown,
		FetchPollInterval: fetchPoll,
		JobTimeout:        -1, // every step of a reply has its own
		Logger:            options.Log,

		CompletedJobRetentionPeriod: keepCompleted,
		ReindexerIndexNames:         indexes(),
	})
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	return &Workers{options: options, lives: lives, client: client, replies: replies}, nil
}

// indexes are those of the queue that we kept.
func indexes() []string {
	return slices.DeleteFunc(river.ReindexerIndexNamesDefault(), func(name string) bool {
		return name == "river_job_args_index" || name == "river_job_metadata_index"
	})
}

// Start begins to work. The instance announces itself first, because a job
// taken by one that nobody knows to live would be taken away from it.
func (w *Workers) Start(ctx context.Context) error {
	if err := w.lives.Announce(ctx); err != nil {
		return fmt.Errorf("announce the instance: %w", err)
	}
	if err := w.client.Start(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	ctx, w.stopReviving = context.WithCancel(ctx)
	w.reviving = make(chan struct{})
	go w.revive(ctx)
	return nil
}

// Stop lets the jobs at work finish. When ctx ends before that they are
// cancelled, and what they did not finish stays queued.
func (w *Workers) Stop(ctx context.Context) error {
	w.stopReviving()
	select {
	case <-w.reviving:
	case <-ctx.Done():
	}
	if err := w.client.Stop(ctx); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := w.client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop the queue: %w", err)
	}
	return nil
}

// revive brings back the jobs of dead instances, now and then every few
// seconds, and renews the announcement should the connection have been lost.
func (w *Workers) revive(ctx context.Context) {
	defer close(w.reviving)
	tick := time.NewTicker(reviveEvery)
	defer tick.Stop()
	for {
		if err := w.lives.Announce(ctx); err != nil && ctx.Err() == nil {
			w.options.Log.WarnContext(ctx, "could not announce the instance", slog.Any("error", err))
		}
		revived, err := w.lives.ReviveOrphans(ctx, w.replies.working())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.options.Log.WarnContext(ctx, "could not look for orphaned jobs", slog.Any("error", err))
		case revived > 0:
			w.options.Log.InfoContext(ctx, "took over jobs that nobody worked on", slog.Int64("jobs", revived))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
