package main

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/ratelimit"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
)

// waitlistServices are the services of the waiting list.
type waitlistServices struct {
	signUps     *waitlist.Service
	entries     *waitlist.Manager
	transitions *waitlist.Transitions
	imports     *waitlist.Importer
	exports     *waitlist.Exporter
	referrals   *waitlist.Referrals
	statistics  *waitlist.Reports
	codes       *referralCodes
}

// addWaitlist adds the services of the waiting list.
func (a *app) addWaitlist() waitlistServices {
	rules := waitlist.ReferralRules{
		Daily: a.cfg.Referral.Daily,
		Total: a.cfg.Referral.Max,
		Boost: a.cfg.Referral.Boost,
	}
	codes := &referralCodes{}
	a.add(component{name: "referral codes", start: func(ctx context.Context) error { return codes.load(ctx, a.pool) }})
	counts := a.addCounts()
	return waitlistServices{
		signUps: waitlist.New(waitlistdb.NewEntries(a.pool), waitlist.Options{
			Codes:     codes,
			PerNumber: ratelimit.Rate(a.cfg.RatePerNumber),
			Referrals: rules,
		}),
		entries:     waitlist.NewManager(waitlistdb.NewManagedEntries(a.pool, a.reads), counts),
		transitions: waitlist.NewTransitions(waitlistdb.NewTransitions(a.pool, a.reads)),
		imports:     waitlist.NewImporter(waitlistdb.NewImports(a.pool, a.reads), operation.Location),
		exports:     waitlist.NewExporter(waitlistdb.NewExports(a.pool, a.reads)),
		referrals: waitlist.NewReferrals(waitlist.ReferralOptions{
			Store:  waitlistdb.NewReferrals(a.pool, a.reads),
			Counts: counts,
			Codes:  codes,
			Boost:  rules.Boost,
		}),
		statistics: waitlist.NewReports(counts),
		codes:      codes,
	}
}

// referralCodes is a Coder whose key is read from the database when the app starts.
// Requests that need it are rejected until then.
type referralCodes struct {
	coder atomic.Pointer[waitlist.Coder]
}

func (c *referralCodes) load(ctx context.Context, pool *pgxpool.Pool) error {
	key, err := waitlistdb.ReferralKey(ctx, pool)
	if err != nil {
		return err
	}
	coder := waitlist.NewCoder(key)
	c.coder.Store(&coder)
	return nil
}

// Code implements waitlist.Codes.
func (c *referralCodes) Code(id int64) string { return c.coder.Load().Code(id) }

// ID implements waitlist.Codes.
func (c *referralCodes) ID(code string) (int64, bool) { return c.coder.Load().ID(code) }
