package repository

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/service/whatsapp"
)

// The first halves of our two-part advisory locks. Persons are locked by the
// one-part kind, which is a space of its own.
const (
	migrationLocks int32 = 1
	signUpLocks    int32 = 2
	instanceLocks  int32 = 3
	earlyLocks     int32 = 4
	retentionLocks int32 = 5
	peopleLocks    int32 = 6
)

// lockTimeout bounds one statement about locks, waiting for the connection to
// be free included. Whoever locks the tables of messages and parts for longer,
// as VACUUM FULL does, costs the instance its locks: what is left to do is asked
// on the same connection.
const lockTimeout = 5 * time.Second

// frozenAfter, in milliseconds, is when PostgreSQL ends the session of an
// instance that stands still without having lost its connection. Announce makes
// a living one use it every few seconds.
const frozenAfter = "30000"

var errLockLost = errors.New("the connection that held the locks was lost")

// Locks holds all advisory locks of this instance on one connection of its
// own. PostgreSQL gives them back when that connection ends, however it ends,
// so no lock outlives its holder. That the instance lives is itself such a
// lock; by it others know whose jobs were orphaned.
type Locks struct {
	pool     *pgxpool.Pool // for what needs no lock
	config   *pgx.ConnConfig
	instance string

	calls groupCommit[lockCall, bool]

	turn chan struct{} // whoever has put something in may use what follows
	conn *pgx.Conn
	held map[int64]*holding

	since atomic.Pointer[time.Time] // when conn was made; nil before the first
}

// holding is one person's lock from the moment it was taken. A later holder of
// the same lock has another one.
type holding struct{ lose context.CancelCauseFunc }

// NewLocks makes the locks of the instance of that name. It connects when the
// first lock is needed.
func NewLocks(pool *pgxpool.Pool, instance string) *Locks {
	config := pool.Config().ConnConfig.Copy()
	config.RuntimeParams["idle_session_timeout"] = frozenAfter
	l := &Locks{
		pool:     pool,
		config:   config,
		instance: instance,
		turn:     make(chan struct{}, 1),
		held:     make(map[int64]*holding),
	}
	l.calls.commit = l.run
	return l
}

// Close gives all locks back.
func (l *Locks) Close(ctx context.Context) error {
	return l.inTurn(ctx, func(ctx context.Context) error {
		l.drop(ctx)
		return nil
	})
}

// Announce makes it known that this instance lives, and finds out whether the
// connection that says so still stands.
func (l *Locks) Announce(ctx context.Context) error {
	return l.inTurn(ctx, func(ctx context.Context) error {
		conn, err := l.connection(ctx)
		if err != nil {
			return err
		}
		if err := conn.Ping(ctx); err != nil {
			l.drop(ctx)
			return fmt.Errorf("use the connection of the locks: %w", err)
		}
		return nil
	})
}

// TryLock takes a person's lock. The context it returns ends when the lock is
// lost. It returns whatsapp.ErrLocked where somebody else holds it.
func (l *Locks) TryLock(ctx context.Context, personID int64) (held context.Context, unlock func() (left bool), err error) {
	holdingCtx, lose := context.WithCancelCause(ctx)
	mine := &holding{lose}
	unlock = func() bool { return l.unlock(ctx, personID, mine) }
	switch locked, err := l.calls.do(ctx, lockCall{personID, mine, false}); {
	case err != nil:
		unlock() // a caller who gives up may have got it after all
		return nil, nil, err
	case !locked:
		lose(whatsapp.ErrLocked)
		return nil, nil, whatsapp.ErrLocked
	}
	return holdingCtx, unlock, nil
}

// unlock gives a lock back, unless it was lost meanwhile: then it may already
// be somebody else's. It reports whether anything is left to do for the person,
// or cannot be told.
func (l *Locks) unlock(ctx context.Context, personID int64, mine *holding) bool {
	mine.lose(nil)
	ctx = context.WithoutCancel(ctx)
	left, err := l.calls.do(ctx, lockCall{personID, mine, true})
	if err != nil {
		// Nobody knows whether it was given back; ending the session does it. It
		// may have ended meanwhile, and the next one has others' locks.
		_ = l.inTurn(ctx, func(ctx context.Context) error {
			if l.held[personID] == mine {
				l.drop(ctx)
			}
			return nil
		})
	}
	return left || err != nil
}

// lockCall takes a person's lock, or gives it back.
type lockCall struct {
	person int64
	mine   *holding
	back   bool
}

// run makes calls in their order, in one round trip, and tells which of them
// got a lock or left something to do. Whenever that fails the connection is
// dropped, because then nobody knows what is locked.
func (l *Locks) run(ctx context.Context, calls []lockCall) ([]bool, error) {
	got := make([]bool, len(calls))
	err := l.inTurn(ctx, func(ctx context.Context) error {
		conn, err := l.connection(ctx)
		if err != nil {
			return err
		}
		statements := &pgx.Batch{}
		for k, c := range calls {
			l.queue(statements, c, &got[k])
		}
		if statements.Len() == 0 {
			return nil
		}
		if err := conn.SendBatch(ctx, statements).Close(); err != nil {
			l.drop(ctx)
			return fmt.Errorf("use the connection of the locks: %w", err)
		}
		return nil
	})
	return got, err
}

// queue adds what PostgreSQL has to do for a call. It lets a session take its
// own lock again, so what this instance holds is known here.
func (l *Locks) queue(statements *pgx.Batch, c lockCall, got *bool) {
	holder, held := l.held[c.person]
	switch {
	case c.back && holder == c.mine:
		delete(l.held, c.person)
		statements.Queue(`SELECT pg_advisory_unlock($1)`, c.person)
		queueLeft(statements, c.person, got)
	case c.back:
		*got = true // the lock was lost, and others may have done anything since
	case held:
		return
	default:
		l.held[c.person] = c.mine
		statements.Queue(`SELECT pg_try_advisory_lock($1)`, c.person).QueryRow(func(row pgx.Row) error {
			err := row.Scan(got)
			if !*got && l.held[c.person] == c.mine {
				delete(l.held, c.person)
			}
			return err
		})
	}
}

// inTurn runs work while nobody else uses the connection. The deadline begins
// before the wait, so that a connection that hangs delays each caller once.
func (l *Locks) inTurn(ctx context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return translate(fmt.Errorf("wait for the connection of the locks: %w", ctx.Err()))
	}
	defer func() { <-l.turn }()
	// The caller's giving up must not cost all others their locks.
	work = detached(work)
	return translate(work(ctx))
}

// detached lets work go on to its deadline when its caller gives up.
func detached(work func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
		defer cancel()
		return work(ctx)
	}
}

// connection connects anew where there is no connection. The lock that says
// that the instance lives is a shared one: the session before this one may not
// have ended on the server yet.
func (l *Locks) connection(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		return l.conn, nil
	}
	l.drop(ctx)
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return nil, fmt.Errorf("connect for the locks: %w", err)
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1, hashtext($2))`, instanceLocks, l.instance); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("announce the instance: %w", err)
	}
	now := time.Now()
	l.conn = conn
	l.since.Store(&now)
	return conn, nil
}

// Standing is for how long the connection has stood. It begins anew after the
// database has stopped or another server became the primary, and after this
// instance has stood still for long; no lock is taken before that is noticed.
func (l *Locks) Standing() time.Duration {
	since := l.since.Load()
	if since == nil {
		return 0
	}
	return time.Since(*since)
}

// drop ends the connection and tells everyone who relied on its locks.
func (l *Locks) drop(ctx context.Context) {
	if l.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = l.conn.Close(ctx)
		l.conn = nil
	}
	for personID, lost := range l.held {
		lost.lose(errLockLost)
		delete(l.held, personID)
	}
}
