package main

import (
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/service/waitlist"
)

func (a *app) newWaitlist() *waitlist.Service {
	return waitlist.New(waitlistdb.NewEntries(a.pool))
}
