package main

import (
	"aisha/internal/ratelimit"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/service/waitlist"
)

func (a *app) newWaitlist() *waitlist.Service {
	service := waitlist.New(waitlistdb.NewEntries(a.pool))
	service.LimitPerNumber(ratelimit.Rate(a.cfg.RatePerNumber))
	return service
}
