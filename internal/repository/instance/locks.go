// Package instance announces that this process lives and holds the locks of the
// persons it works for.
//
// Both are advisory locks on one connection. PostgreSQL releases them when that
// connection ends, however it ends, so a lock never outlives its holder.
package instance

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/groupcommit"
	"aisha/internal/repository/postgres"
)

const (
	// connectionTimeout limits one use of the connection, including the wait for
	// it. If VACUUM FULL or the like locks message or answer_part for longer, the
	// instance loses its person locks, because QueueWorkLeft runs on the same
	// connection.
	connectionTimeout = 5 * time.Second

	// suspendedTimeout is when PostgreSQL ends the session of a suspended
	// process, in milliseconds. Heartbeat uses the session every few seconds.
	suspendedTimeout = "30000"
)

var errConnectionLost = errors.New("the connection that held the lock was lost")

// QueueWorkLeft adds a statement to the batch that sets left to whether anything
// is left to do for the person.
type QueueWorkLeft func(batch *pgx.Batch, personID int64, left *bool)

// Locks holds the advisory locks of this instance.
type Locks struct {
	pool          *pgxpool.Pool // for statements that need no lock
	config        *pgx.ConnConfig
	name          string
	queueWorkLeft QueueWorkLeft

	operations *groupcommit.Batcher[operation, bool]

	mutex chan struct{} // guards conn and held; a channel, so that waiting for it can time out
	conn  *pgx.Conn
	held  map[int64]*PersonLock // by person id

	connectedAt atomic.Pointer[time.Time] // nil before the first connection
}

// New returns the locks of the instance with the given name, which must be
// unique. It connects when the first lock is needed.
func New(pool *pgxpool.Pool, name string, queueWorkLeft QueueWorkLeft) *Locks {
	config := pool.Config().ConnConfig.Copy()
	config.RuntimeParams["idle_session_timeout"] = suspendedTimeout
	l := &Locks{
		pool:          pool,
		config:        config,
		name:          name,
		queueWorkLeft: queueWorkLeft,
		mutex:         make(chan struct{}, 1),
		held:          make(map[int64]*PersonLock),
	}
	l.operations = groupcommit.New(l.runOperations, groupcommit.Options[operation]{})
	return l
}

// Name returns the name of the instance.
func (l *Locks) Name() string { return l.name }

// Close releases all locks.
func (l *Locks) Close(ctx context.Context) error {
	return l.exclusively(ctx, func(ctx context.Context) error {
		l.disconnect(ctx)
		return nil
	})
}

// exclusively runs work while nothing else uses the connection. The timeout
// begins before the wait, so that a connection that hangs delays each caller
// only once. Work continues when the caller's ctx is cancelled, because an
// interrupted statement would cost all other persons their locks.
func (l *Locks) exclusively(ctx context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, connectionTimeout)
	defer cancel()
	select {
	case l.mutex <- struct{}{}:
	case <-ctx.Done():
		return postgres.Translate(fmt.Errorf("wait for the connection of the locks: %w", ctx.Err()))
	}
	defer func() { <-l.mutex }()

	deadline, _ := ctx.Deadline()
	ctx, cancelWork := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancelWork()
	return postgres.Translate(work(ctx))
}

// connection returns the connection, and connects where there is none.
func (l *Locks) connection(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		return l.conn, nil
	}
	l.disconnect(ctx)
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return nil, fmt.Errorf("connect for the locks: %w", err)
	}
	if err := l.announce(ctx, conn); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	now := time.Now()
	l.conn = conn
	l.connectedAt.Store(&now)
	return conn, nil
}

// disconnect ends the connection and cancels the context of every lock that it
// held.
func (l *Locks) disconnect(ctx context.Context) {
	if l.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = l.conn.Close(ctx)
		l.conn = nil
	}
	for personID, lock := range l.held {
		lock.cancel(errConnectionLost)
		delete(l.held, personID)
	}
}

// ConnectedFor returns how long the connection has existed. It starts again
// after the database was unreachable, another server became the primary, or this
// process was suspended for long; no lock is taken before that is noticed.
func (l *Locks) ConnectedFor() time.Duration {
	connectedAt := l.connectedAt.Load()
	if connectedAt == nil {
		return 0
	}
	return time.Since(*connectedAt)
}
