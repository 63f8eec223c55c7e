package waitlist

import (
	"context"
	"time"

	"aisha/internal/fault"
	"aisha/internal/page"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// ReferralState says whether a referral counts for the referrer.
type ReferralState string

// The states.
const (
	ReferralPending  ReferralState = "pending"  // the number of the referee is not verified
	ReferralHeld     ReferralState = "held"     // over a limit of the referrer; an operator decides
	ReferralCredited ReferralState = "credited" // it counts
	ReferralRefused  ReferralState = "refused"  // it does not count
)

// ReferralStates returns all states.
func ReferralStates() []ReferralState {
	return []ReferralState{ReferralPending, ReferralHeld, ReferralCredited, ReferralRefused}
}

// Referral is a sign-up that came with the referral code of another entry.
type Referral struct {
	ID         int64 // of the entry that signed up with the code, the referee
	ReferrerID int64 // the entry of the code
	State      ReferralState
	Reason     *sensitive.Text // why it is held or refused, or the operator's reason
	CreatedAt  time.Time
	DecidedAt  *time.Time // nil while it is pending or held
}

// ReferralFilter selects referrals. Empty members match all.
type ReferralFilter struct {
	State      ReferralState
	ReferrerID int64
}

// ReferralRules limit what referrals are worth.
type ReferralRules struct {
	Daily int // how many of a referrer are credited within 24 hours; more are held
	Total int // how many of a referrer are credited in all; more are held
	Boost int // by how many places a credited referral moves the referrer up
}

// ReferralDecision is what an operator decides about a held referral.
type ReferralDecision struct {
	ID     int64
	State  ReferralState  // ReferralCredited or ReferralRefused
	Reason sensitive.Text // empty: the reason for which it is held stays
	Boost  int            // see ReferralRules
}

// CodeStatus is what the owner of a referral code may see. It identifies no person.
type CodeStatus struct {
	Position  *int64 // 1 is next; nil: the entry does not wait
	Waiting   int64  // how many entries wait
	Referrals int64  // how many referrals of the entry are credited
}

// ReferralStore keeps referrals.
type ReferralStore interface {
	// CountCredited returns how many referrals of the entry are credited. Errors:
	// fault.NotFound if there is no such entry, fault.Unavailable.
	CountCredited(ctx context.Context, entryID int64) (int64, error)
	// List returns those with the highest ids first. Errors: fault.Unavailable.
	List(ctx context.Context, filter ReferralFilter, request page.Request) (page.Page[Referral], error)
	// Decide decides a held referral. Errors: fault.NotFound, fault.Conflict if the
	// referral is not held, fault.Unavailable.
	Decide(ctx context.Context, decision ReferralDecision) (Referral, error)
}

// Counts reports positions in the list. Errors: fault.Unavailable.
type Counts interface {
	// Positions returns the positions of those of the entries that wait.
	Positions(ctx context.Context, ids []int64) (map[int64]int64, error)
	// Waiting returns how many entries wait.
	Waiting(ctx context.Context) (int64, error)
}

// Codes converts ids of entries to referral codes and back. A Coder is one.
type Codes interface {
	Code(id int64) string
	ID(code string) (int64, bool)
}

// ReferralOptions are what Referrals needs.
type ReferralOptions struct {
	Store  ReferralStore
	Counts Counts
	Codes  Codes
	Boost  int // see ReferralRules
}

// Referrals reports on referrals, and lets operators decide the held ones.
type Referrals struct{ options ReferralOptions }

// NewReferrals returns a Referrals.
func NewReferrals(options ReferralOptions) *Referrals { return &Referrals{options: options} }

// ByCode returns the status of the entry with the referral code. Errors:
// fault.NotFound, fault.Unavailable.
func (r *Referrals) ByCode(ctx context.Context, code string) resource.Resource[CodeStatus] {
	return resource.From(r.byCode(ctx, code))
}

// List returns a page of referrals, those with the newest referees first. Errors:
// fault.Unavailable.
func (r *Referrals) List(ctx context.Context, filter ReferralFilter, request page.Request) resource.Resource[page.Page[Referral]] {
	return resource.From(r.options.Store.List(ctx, filter, request))
}

// Credit makes a held referral count. The limits of ReferralRules do not apply.
// Errors: fault.NotFound, fault.Conflict if the referral is not held,
// fault.Invalid for the reason, fault.Unavailable.
func (r *Referrals) Credit(ctx context.Context, id int64, reason sensitive.Text) resource.Resource[Referral] {
	return resource.From(r.decide(ctx, ReferralDecision{ID: id, State: ReferralCredited, Reason: reason, Boost: r.options.Boost}))
}

// Refuse decides that a held referral does not count. Errors: those of Credit.
func (r *Referrals) Refuse(ctx context.Context, id int64, reason sensitive.Text) resource.Resource[Referral] {
	return resource.From(r.decide(ctx, ReferralDecision{ID: id, State: ReferralRefused, Reason: reason}))
}

func (r *Referrals) byCode(ctx context.Context, code string) (CodeStatus, error) {
	id, _ := r.options.Codes.ID(code)
	// For a malformed code the database is asked for the entry 0, so that the time of
	// the response does not show which texts are codes.
	credited, err := r.options.Store.CountCredited(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return CodeStatus{}, fault.New(fault.NotFound, "there is no entry with this referral code")
	}
	if err != nil {
		return CodeStatus{}, err
	}
	positions, err := r.options.Counts.Positions(ctx, []int64{id})
	if err != nil {
		return CodeStatus{}, err
	}
	waiting, err := r.options.Counts.Waiting(ctx)
	if err != nil {
		return CodeStatus{}, err
	}
	status := CodeStatus{Waiting: waiting, Referrals: credited}
	if position, waits := positions[id]; waits {
		status.Position = &position
	}
	return status, nil
}

func (r *Referrals) decide(ctx context.Context, decision ReferralDecision) (Referral, error) {
	reason, problem := cleanLine(decision.Reason.Reveal(), maxReason)
	if problem != nil {
		return Referral{}, fault.InvalidField("reason", problem.Code, problem.Message)
	}
	decision.Reason = sensitive.NewText(reason)
	return r.options.Store.Decide(ctx, decision)
}
