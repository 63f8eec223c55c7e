package repository

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
)

var errLockLost = errors.New("the connection that held the locks was lost")

// Locks holds all advisory locks of this instance on one connection of its
// own. PostgreSQL gives them back when that connection ends, however it ends,
// so no lock outlives its holder. That the instance lives is itself such a
// lock; by it others know whose jobs were orphaned.
type Locks struct {
	pool     *pgxpool.Pool // for what needs no lock
	config   *pgx.ConnConfig
	instance string

	mu   sync.Mutex // guards the connection and what follows
	conn *pgx.Conn
	held map[int64]context.CancelCauseFunc
}

// NewLocks makes the locks of the instance of that name. It connects when the
// first lock is needed.
func NewLocks(pool *pgxpool.Pool, instance string) *Locks {
	return &Locks{
		pool:     pool,
		config:   pool.Config().ConnConfig.Copy(),
		instance: instance,
		held:     make(map[int64]context.CancelCauseFunc),
	}
}

// Close gives all locks back.
func (l *Locks) Close(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(ctx)
}

// Announce makes it known that this instance lives.
func (l *Locks) Announce(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.connection(ctx)
	return translate(err)
}

// TryLock takes a person's lock. The context it returns ends when the lock is
// lost. It returns whatsapp.ErrLocked where somebody else holds it.
func (l *Locks) TryLock(ctx context.Context, personID int64) (context.Context, func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	// PostgreSQL lets a session take its own lock again, so what this instance
	// holds is known here.
	if _, held := l.held[personID]; held {
		return nil, nil, whatsapp.ErrLocked
	}
	locked, err := l.query(ctx, `SELECT pg_try_advisory_lock($1)`, personID)
	if err != nil {
		return nil, nil, translate(err)
	}
	if !locked {
		return nil, nil, whatsapp.ErrLocked
	}
	holding, lose := context.WithCancelCause(ctx)
	l.held[personID] = lose
	return holding, func() { l.unlock(ctx, personID) }, nil
}

func (l *Locks) unlock(ctx context.Context, personID int64) {
	l.mu.Lock()
	defer l.mu.Unlock()

	lose, held := l.held[personID]
	if !held {
		return // lost with its connection
	}
	lose(nil)
	delete(l.held, personID)
	_, _ = l.query(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, personID)
}

// query runs a statement about locks. Whenever it fails the connection is
// dropped, because then nobody knows what is locked.
func (l *Locks) query(ctx context.Context, sql string, personID int64) (bool, error) {
	// The caller's giving up must not cost all others their locks.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()

	conn, err := l.connection(ctx)
	if err != nil {
		return false, err
	}
	var yes bool
	if err := conn.QueryRow(ctx, sql, personID).Scan(&yes); err != nil {
		l.drop(ctx)
		return false, err
	}
	return yes, nil
}

func (l *Locks) connection(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		return l.conn, nil
	}
	l.drop(ctx)
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return nil, fmt.Errorf("connect for the locks: %w", err)
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1, hashtext($2))`, instanceLocks, l.instance); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("announce the instance: %w", err)
	}
	l.conn = conn
	return conn, nil
}

// drop ends the connection and tells everyone who relied on its locks.
func (l *Locks) drop(ctx context.Context) {
	if l.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = l.conn.Close(ctx)
		l.conn = nil
	}
	for personID, lose := range l.held {
		lose(errLockLost)
		delete(l.held, personID)
	}
}
