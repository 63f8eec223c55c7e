package main

import (
	"aisha/internal/ratelimit"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
)

func (a *app) newWaitlist() *waitlist.Service {
	return waitlist.New(waitlistdb.NewEntries(a.pool), ratelimit.Rate(a.cfg.RatePerNumber))
}

func (a *app) newImporter() *waitlist.Importer {
	return waitlist.NewImporter(waitlistdb.NewImports(a.pool, a.reads), operation.Location)
}
