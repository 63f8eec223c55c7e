package repository

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"aisha/internal/fault"
)

// translate classifies an error of PostgreSQL or of the way to it, by code and
// never by text. What it does not know stays as it is, which makes it Internal.
func translate(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if unreachable(err) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "the service cannot reach its database at the moment; try again soon")
	}
	return err
}

// unreachable reports whether the database could not take the work, so that
// the same work may succeed later.
func unreachable(err error) bool {
	var pg *pgconn.PgError
	if conflict(err) {
		return true
	}
	if errors.As(err, &pg) {
		return temporaryClass(pg.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// temporaryClass knows the SQLSTATE classes that speak of the server's state
// and not of the statement.
func temporaryClass(code string) bool {
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case "08", // connection exception
		"53", // insufficient resources: too many connections, disk full, out of memory
		"57", // operator intervention: shutting down, starting up, query cancelled
		"58": // system error
		return true
	}
	return code == "25006" || // read-only: connected to a standby during a failover
		code == "25P03" || // idle in a transaction for too long: we stood still
		code == lockNotAvailable
}

// unstorable reports whether it is what was to be stored that the database does
// not take, so that it will not take it later either. All else that goes wrong
// may be mended: a table that another version has changed, an index that is
// broken, a permission that is missing.
func unstorable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 {
		return errors.Is(err, errPanic)
	}
	switch {
	case pg.Code[:2] == "22", // data exception
		pg.Code[:2] == "54", // program limit exceeded
		pg.Code == "23514":  // check violation; no other constraint is broken by what somebody sends
		return true
	}
	return false
}

const lockNotAvailable = "55P03"

// lockedOut reports whether a lock was waited for for long enough.
func lockedOut(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == lockNotAvailable
}

// conflict reports whether two transactions got in each other's way and one of
// them has to run again.
func conflict(err error) bool {
	if errors.Is(err, errRace) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "40001", "40P01": // serialization failure, deadlock
		return true
	case "23505": // somebody else stored the same person, or the same alias, meanwhile
		return strings.HasPrefix(pg.ConstraintName, "person_")
	}
	return false
}
