package postgres

import "github.com/jackc/pgx/v5/pgconn"

// SendsUnencrypted exports sendsUnencrypted for tests.
func SendsUnencrypted(config *pgconn.Config) bool { return sendsUnencrypted(config) }
