package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"aisha/internal/fault"
)

// Translate turns an error of PostgreSQL or of the connection into a fault, by
// its code and never by its text. An unknown error is returned unchanged, which
// makes it fault.Internal, but a failed attempt to connect gets a text without the
// parts of DATABASE_URL.
func Translate(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if isConnection(err) || errors.Is(err, context.DeadlineExceeded) {
		err = &connectionError{cause: err}
	}
	if isTemporary(err) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "the service cannot reach its database at the moment; try again soon")
	}
	return err
}

// isTemporary reports whether the same statement may succeed later.
func isTemporary(err error) bool {
	var pg *pgconn.PgError
	if IsConflict(err) {
		return true
	}
	if errors.As(err, &pg) {
		return isTemporaryCode(pg.Code)
	}
	return isConnection(err)
}

// isConnection reports whether the connection or the server failed, and not a
// statement.
func isConnection(err error) bool {
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect):
		return true
	case errors.As(err, &pg):
		return isServerDown(pg.Code)
	default:
		return errors.As(err, &network) || pgconn.SafeToRetry(err) ||
			errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	}
}

// isServerDown reports whether the SQLSTATE means that the whole server cannot be
// used.
func isServerDown(code string) bool {
	return strings.HasPrefix(code, "08") || // connection exception
		strings.HasPrefix(code, "57P") || // the server stops, starts or crashed
		code == "25006" // read-only: connected to a standby during a failover
}

// isTemporaryCode reports whether the SQLSTATE concerns the state of the server
// and not the statement.
func isTemporaryCode(code string) bool {
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
		code == "25P03" || // idle in transaction for too long: the process was suspended
		code == lockNotAvailable
}

// IsUnstorable reports whether the database rejects the data itself, so that a
// retry can never succeed. Every other failure can be repaired: a table of
// another schema version, a broken index, a missing permission.
func IsUnstorable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 {
		return false
	}
	switch {
	case pg.Code[:2] == "22", // data exception
		pg.Code[:2] == "54", // program limit exceeded
		pg.Code == "23514":  // check violation; received data can break no other constraint
		return true
	}
	return false
}

const lockNotAvailable = "55P03"

// isLockTimeout reports whether lock_timeout ended a wait.
func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == lockNotAvailable
}

// IsConflict reports whether a concurrent transaction was in the way, so that
// the same transaction can succeed at once when it runs again.
func IsConflict(err error) bool {
	if errors.Is(err, ErrRetry) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == "40001" || pg.Code == "40P01" // serialization failure, deadlock
}

// IsUniqueViolation reports whether a row with the same key was stored
// concurrently, under one of the given constraints.
func IsUniqueViolation(err error, constraints ...string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && slices.Contains(constraints, pg.ConstraintName)
}
