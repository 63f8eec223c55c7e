package main

import (
	"context"

	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
)

// addReads adds the pool for lists, searches, exports and statistics.
func (a *app) addReads(ctx context.Context) (err error) {
	if a.cfg.DatabaseReadURL.IsZero() {
		a.reads, err = postgres.OpenForReads(ctx, a.cfg.DatabaseURL)
	} else {
		a.reads, err = postgres.OpenReplica(ctx, a.cfg.DatabaseReadURL)
	}
	if err != nil {
		return err
	}
	a.add(component{name: "read pool", stop: closePool(a.reads)})
	return nil
}

// newOperations returns the service that runs the long work of operators.
func (a *app) newOperations(importer *waitlist.Importer) *operation.Service {
	return operation.New(operatordb.NewOperations(a.pool), map[string]operation.Runner{
		waitlist.ImportKind: importRunner{importer},
		waitlistdb.BulkKind: waitlistdb.NewTransitions(a.pool, a.reads),
	})
}
