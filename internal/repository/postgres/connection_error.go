package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// connectionError is a failure of the connection or of the server as a whole. Its
// text is safe to log. The texts of pgconn name hosts, users, databases and
// parameters, any of which is a part of the password if DATABASE_URL was mistyped.
type connectionError struct{ cause error }

// Error returns the reason of a failed attempt to connect, by the types and codes of
// the causes, or the text of another error.
func (e *connectionError) Error() string {
	var connect *pgconn.ConnectError
	if !errors.As(e.cause, &connect) {
		return e.cause.Error()
	}
	return "connect to the database: " + strings.Join(connectReasons(connect.Unwrap()), "; ")
}

// Unwrap returns the cause.
func (e *connectionError) Unwrap() error { return e.cause }

// IsUnreachable reports whether an error means that the database cannot be reached,
// or that it refuses all connections or statements for the time being.
func IsUnreachable(err error) bool {
	var connection *connectionError
	return errors.As(err, &connection)
}

// connectReasons returns the reason for each server that was tried, and each reason
// once.
func connectReasons(err error) []string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []string{connectReason(err)}
	}
	var reasons []string
	for _, attempt := range joined.Unwrap() {
		for _, reason := range connectReasons(attempt) {
			if !slices.Contains(reasons, reason) {
				reasons = append(reasons, reason)
			}
		}
	}
	return reasons
}

func connectReason(err error) string {
	var (
		server      *pgconn.PgError
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
		dial        *net.OpError
	)
	switch {
	case errors.As(err, &server):
		return serverReason(server.Code) + " (SQLSTATE " + server.Code + ")"
	case errors.As(err, &lookup):
		return "the host name in DATABASE_URL cannot be resolved"
	case errors.As(err, &certificate):
		return "the certificate of the server cannot be verified"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "the server does not respond in time"
	case errors.As(err, &dial):
		return dialReason(dial)
	default:
		return "no server accepts the connection: it ends the connection, refuses TLS, or accepts no writes"
	}
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// dialReason names the address, which is an IP address because the name has been
// resolved. The path of a Unix socket comes from DATABASE_URL.
func dialReason(err *net.OpError) string {
	reason := "the connection failed"
	var errno syscall.Errno
	if errors.As(err, &errno) {
		reason = errno.Error()
	}
	if address, ok := err.Addr.(*net.TCPAddr); ok {
		return address.String() + ": " + reason
	}
	return reason
}

// serverReason returns what the SQLSTATE of a refused connection means.
func serverReason(code string) string {
	switch code {
	case "28P01", "28000":
		return "the server refuses the user or the password"
	case "3D000":
		return "the database does not exist"
	case "42704", "22023":
		return "the server refuses a parameter of DATABASE_URL"
	case "53300":
		return "the server has too many connections"
	case "57P03":
		return "the server is starting, stopping or recovering"
	default:
		return "the server refuses the connection"
	}
}
