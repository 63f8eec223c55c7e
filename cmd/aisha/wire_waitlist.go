package main

import (
	"aisha/internal/ratelimit"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/service/waitlist"
)

func (a *app) newWaitlist() *waitlist.Service {
	return waitlist.New(waitlistdb.NewEntries(a.pool), ratelimit.Rate(a.cfg.RatePerNumber))
}
