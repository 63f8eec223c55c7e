package main

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/config"
	"aisha/internal/ratelimit"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
)

func (a *app) newWaitlist(codes waitlist.Codes) *waitlist.Service {
	return waitlist.New(waitlistdb.NewEntries(a.pool), waitlist.Options{
		Codes:     codes,
		PerNumber: ratelimit.Rate(a.cfg.RatePerNumber),
		Referrals: referralRules(a.cfg.Referral),
	})
}

func (a *app) newReferrals(codes waitlist.Codes) *waitlist.Referrals {
	return waitlist.NewReferrals(waitlist.ReferralOptions{
		Store:  waitlistdb.NewReferrals(a.pool, a.reads),
		Counts: waitlistdb.NewExactCounts(a.reads),
		Codes:  codes,
		Boost:  a.cfg.Referral.Boost,
	})
}

func referralRules(cfg config.Referral) waitlist.ReferralRules {
	return waitlist.ReferralRules{Daily: cfg.Daily, Total: cfg.Max, Boost: cfg.Boost}
}

func (a *app) newImporter() *waitlist.Importer {
	return waitlist.NewImporter(waitlistdb.NewImports(a.pool, a.reads), operation.Location)
}

// referralCodes is a Coder whose key is read from the database when the app starts.
// Requests that need it are rejected until then.
type referralCodes struct {
	coder atomic.Pointer[waitlist.Coder]
}

// addReferralCodes adds the component that reads the key.
func (a *app) addReferralCodes() *referralCodes {
	codes := &referralCodes{}
	a.add(component{name: "referral codes", start: func(ctx context.Context) error { return codes.load(ctx, a.pool) }})
	return codes
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
