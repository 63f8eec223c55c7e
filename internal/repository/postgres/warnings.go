package postgres

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Warnings returns a log message for each setting of the server or of DATABASE_URL
// that endangers stored data or the connection. Errors: fault.Unavailable.
func Warnings(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	warnings := connectionWarnings("DATABASE_URL", pool)
	for _, name := range []string{"synchronous_commit", "fsync"} {
		var value string
		if err := pool.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&value); err != nil {
			return nil, fmt.Errorf("read the setting %s: %w", name, Translate(err))
		}
		if value == "off" {
			warnings = append(warnings, name+" is off in the database: a crash of its server can lose messages and sign-ups that were acknowledged")
		}
	}
	return warnings, nil
}

// ReplicaWarnings is Warnings for DATABASE_READ_URL.
func ReplicaWarnings(pool *pgxpool.Pool) []string {
	return connectionWarnings("DATABASE_READ_URL", pool)
}

func connectionWarnings(variable string, pool *pgxpool.Pool) []string {
	if !sendsUnencrypted(&pool.Config().ConnConfig.Config) {
		return nil
	}
	return []string{variable + " allows connections without TLS to another machine: " +
		"the password and all data can be read on the network; set sslmode=verify-full, or require"}
}

// sendsUnencrypted reports whether one of the attempts to connect reaches another
// machine without TLS. The default sslmode=prefer has such an attempt.
func sendsUnencrypted(config *pgconn.Config) bool {
	attempts := append([]*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, attempt := range attempts {
		if attempt.TLSConfig == nil && !isThisMachine(attempt.Host) {
			return true
		}
	}
	return false
}

// isThisMachine reports whether a host is a Unix socket or a loopback address.
func isThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" || ip != nil && ip.IsLoopback()
}
