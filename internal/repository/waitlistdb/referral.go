package waitlistdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// ReferralKey returns the key of the referral codes. Errors: fault.Unavailable.
func ReferralKey(ctx context.Context, pool *pgxpool.Pool) ([]byte, error) {
	var key []byte
	if err := pool.QueryRow(ctx, `SELECT key FROM referral_key`).Scan(&key); err != nil {
		return nil, fmt.Errorf("read the key of the referral codes: %w", postgres.Translate(err))
	}
	return key, nil
}

// Referrals reads and decides referrals. It implements waitlist.ReferralStore.
type Referrals struct{ pool, reads *pgxpool.Pool }

// NewReferrals returns a Referrals. reads is a pool for lists.
func NewReferrals(pool, reads *pgxpool.Pool) *Referrals { return &Referrals{pool: pool, reads: reads} }

// CountCredited implements waitlist.ReferralStore.
func (r *Referrals) CountCredited(ctx context.Context, entryID int64) (int64, error) {
	var credited int64
	err := r.pool.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM referral WHERE referrer_id = entry.id AND state = 'credited')
		FROM waitlist_entry AS entry
		WHERE id = $1`, entryID).Scan(&credited)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fault.New(fault.NotFound, "there is no entry with this id")
	}
	if err != nil {
		return 0, fmt.Errorf("count the referrals of the entry: %w", postgres.Translate(err))
	}
	return credited, nil
}

const referralColumns = `referee_id, referrer_id, state, reason, created_at, decided_at`

func scanReferral(row pgx.CollectableRow) (waitlist.Referral, error) {
	var referral waitlist.Referral
	var reason *string
	err := row.Scan(&referral.ID, &referral.ReferrerID, &referral.State, &reason, &referral.CreatedAt, &referral.DecidedAt)
	if reason != nil {
		text := sensitive.NewText(*reason)
		referral.Reason = &text
	}
	return referral, err
}

// List implements waitlist.ReferralStore.
func (r *Referrals) List(
	ctx context.Context, filter waitlist.ReferralFilter, request page.Request,
) (page.Page[waitlist.Referral], error) {
	where, args := referralConditions(filter)
	count := `SELECT count(*) FROM (SELECT FROM referral WHERE ` + where + ` LIMIT @count_limit) AS matching`
	args["limit"], args["count_limit"] = request.Limit+1, page.CountLimit+1
	if request.After != nil {
		where += ` AND referee_id < @after`
		args["after"] = request.After[0]
	}
	rows, err := r.reads.Query(ctx, `
		SELECT `+referralColumns+`
		FROM referral
		WHERE `+where+`
		ORDER BY referee_id DESC
		LIMIT @limit`, args)
	if err != nil {
		return page.Page[waitlist.Referral]{}, fmt.Errorf("list referrals: %w", postgres.Translate(err))
	}
	referrals, err := pgx.CollectRows(rows, scanReferral)
	if err != nil {
		return page.Page[waitlist.Referral]{}, fmt.Errorf("list referrals: %w", postgres.Translate(err))
	}
	p := page.New(referrals, request.Limit, func(r waitlist.Referral) []int64 { return []int64{r.ID} })
	if request.Count {
		var n int
		if err := r.reads.QueryRow(ctx, count, args).Scan(&n); err != nil {
			return page.Page[waitlist.Referral]{}, fmt.Errorf("count referrals: %w", postgres.Translate(err))
		}
		p.Count = page.NewCount(n)
	}
	return p, nil
}

// referralConditions returns a WHERE clause without the word WHERE, and its
// arguments. Each filter has a statement of its own, so that each can use an index.
func referralConditions(filter waitlist.ReferralFilter) (sql string, args pgx.NamedArgs) {
	all := []string{"true"}
	args = pgx.NamedArgs{}
	if filter.State != "" {
		all, args["state"] = append(all, `state = @state`), filter.State
	}
	if filter.ReferrerID != 0 {
		all, args["referrer"] = append(all, `referrer_id = @referrer`), filter.ReferrerID
	}
	return strings.Join(all, " AND "), args
}

// Decide implements waitlist.ReferralStore. It runs in the transaction of ctx.
func (r *Referrals) Decide(ctx context.Context, decision waitlist.ReferralDecision) (waitlist.Referral, error) {
	tx, err := postgres.On(ctx, r.pool).Begin(ctx)
	if err != nil {
		return waitlist.Referral{}, postgres.Translate(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()

	referral, err := decide(ctx, tx, decision)
	if err != nil {
		return waitlist.Referral{}, err
	}
	err = operatordb.Record(ctx, tx, operator.Event{
		Action:    "referral." + string(referral.State),
		Subject:   "referral",
		SubjectID: referral.ID,
		Details:   map[string]any{"referrer_id": referral.ReferrerID},
	})
	if err != nil {
		return waitlist.Referral{}, err
	}
	return referral, postgres.Translate(tx.Commit(ctx))
}

func decide(ctx context.Context, tx pgx.Tx, decision waitlist.ReferralDecision) (waitlist.Referral, error) {
	// The lock of boostReferrer. It is taken first, as Verify does.
	_, err := tx.Exec(ctx, `
		SELECT
		FROM waitlist_entry
		WHERE id = (SELECT referrer_id FROM referral WHERE referee_id = $1)
		FOR NO KEY UPDATE`, decision.ID)
	if err != nil {
		return waitlist.Referral{}, fmt.Errorf("lock the referrer: %w", postgres.Translate(err))
	}
	rows, err := tx.Query(ctx, `
		UPDATE referral
		SET state = $2, reason = coalesce(nullif($3, ''), reason), decided_at = now()
		WHERE referee_id = $1 AND state = 'held'
		RETURNING `+referralColumns, decision.ID, decision.State, decision.Reason.Reveal())
	if err != nil {
		return waitlist.Referral{}, fmt.Errorf("decide the referral: %w", postgres.Translate(err))
	}
	referral, err := pgx.CollectExactlyOneRow(rows, scanReferral)
	if errors.Is(err, pgx.ErrNoRows) {
		return waitlist.Referral{}, notHeld(ctx, tx, decision.ID)
	}
	if err != nil {
		return waitlist.Referral{}, fmt.Errorf("decide the referral: %w", postgres.Translate(err))
	}
	if decision.Boost > 0 {
		_, err = tx.Exec(ctx, boostReferrer, pgx.NamedArgs{"referee": decision.ID, "number": nil, "places": decision.Boost})
	}
	if err != nil {
		return waitlist.Referral{}, fmt.Errorf("move the referrer up: %w", postgres.Translate(err))
	}
	return referral, nil
}

// notHeld returns why the referral cannot be decided.
func notHeld(ctx context.Context, tx pgx.Tx, id int64) error {
	var state string
	err := tx.QueryRow(ctx, `SELECT state FROM referral WHERE referee_id = $1`, id).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "there is no referral with this id")
	}
	if err != nil {
		return fmt.Errorf("read the referral: %w", postgres.Translate(err))
	}
	return fault.New(fault.Conflict, "the referral is "+state+"; only a held one can be decided")
}
