package waitlistdb

import (
	"github.com/jackc/pgx/v5"

	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// Reasons of referrals. api/openapi.yaml documents them.
const (
	reasonReferrerRemoved = "referrer_removed"
	reasonTotalLimit      = "total_limit"
	reasonDailyLimit      = "daily_limit"
)

// queueLockReferral adds the statement that locks the two entries of the pending
// referral of the number, if there is one. The statements after it see all referrals
// that earlier holders of the lock have credited to the same referrer. The lock does
// not block sign-ups with the referrer's code.
func queueLockReferral(batch *pgx.Batch, number sensitive.Phone) {
	batch.Queue(`
		SELECT
		FROM waitlist_entry
		WHERE id IN (
		    SELECT unnest(ARRAY[referee_id, referrer_id])
		    FROM referral JOIN waitlist_entry AS referee ON referee.id = referee_id
		    WHERE referee.phone_number = $1 AND state = 'pending')
		ORDER BY id
		FOR NO KEY UPDATE`, number.Reveal())
}

// queueCredit adds the statements that decide the pending referral of the number, if
// there is one and the number is verified.
func queueCredit(batch *pgx.Batch, number sensitive.Phone, rules waitlist.ReferralRules) {
	batch.Queue(`
		UPDATE referral
		SET state = CASE WHEN obstacle IS NULL THEN 'credited' WHEN obstacle = @removed THEN 'refused' ELSE 'held' END,
		    reason = obstacle,
		    decided_at = CASE WHEN obstacle IS NULL OR obstacle = @removed THEN now() END
		FROM (
		    SELECT pending.referee_id,
		           CASE WHEN referrer.status = 'removed' THEN @removed
		                WHEN (SELECT count(*)
		                      FROM referral AS credited
		                      WHERE credited.referrer_id = referrer.id AND credited.state = 'credited') >= @total THEN @over_total
		                WHEN (SELECT count(*)
		                      FROM referral AS credited
		                      WHERE credited.referrer_id = referrer.id AND credited.state = 'credited'
		                        AND credited.decided_at > now() - interval '24 hours') >= @daily THEN @over_daily
		           END AS obstacle
		    FROM referral AS pending
		    JOIN waitlist_entry AS referee ON referee.id = pending.referee_id
		    JOIN waitlist_entry AS referrer ON referrer.id = pending.referrer_id
		    WHERE referee.phone_number = @number AND referee.verified_at IS NOT NULL AND pending.state = 'pending'
		) AS decision
		WHERE referral.referee_id = decision.referee_id`,
		pgx.NamedArgs{
			"number": number.Reveal(), "total": rules.Total, "daily": rules.Daily,
			"removed": reasonReferrerRemoved, "over_total": reasonTotalLimit, "over_daily": reasonDailyLimit,
		})
	if rules.Boost > 0 {
		batch.Queue(boostReferrer, pgx.NamedArgs{"number": number.Reveal(), "referee": nil, "places": rules.Boost})
	}
}

// boostReferrer moves the referrer of a referral up, if the transaction has credited
// the referral and the referrer waits. The referral is that of the entry with the id
// @referee, or else with the @number. The referrer's entry must be locked.
//
// The new place is directly before the group of the entry that is @places before. A
// group are the entries of the same rank_id: usually one, and more if entries were
// moved to it. The move is longer if the entry is not the first of its group.
const boostReferrer = `
	WITH moving AS (
	    SELECT entry.id, coalesce(rank_id, entry.id) AS rank_id, coalesce(rank_seq, 0) AS rank_seq
	    FROM referral JOIN waitlist_entry AS entry ON entry.id = referrer_id
	    WHERE referee_id = coalesce(@referee::bigint, (SELECT id FROM waitlist_entry WHERE phone_number = @number::text))
	      AND state = 'credited' AND decided_at = now() AND status = 'waiting'),
	before AS (
	    (SELECT id AS rank_id, 0 AS rank_seq, id
	     FROM waitlist_entry
	     WHERE rank_id IS NULL AND status = 'waiting'
	       AND id <= (SELECT rank_id FROM moving) AND id <> (SELECT id FROM moving)
	     ORDER BY id DESC
	     LIMIT @places)
	    UNION ALL
	    (SELECT rank_id, rank_seq, id
	     FROM waitlist_entry
	     WHERE rank_id IS NOT NULL AND status = 'waiting'
	       AND (rank_id, rank_seq, id) < ((SELECT rank_id FROM moving), (SELECT rank_seq FROM moving), (SELECT id FROM moving))
	     ORDER BY rank_id DESC, rank_seq DESC, id DESC
	     LIMIT @places)),
	target AS (
	    SELECT rank_id
	    FROM (SELECT * FROM before ORDER BY rank_id DESC, rank_seq DESC, id DESC LIMIT @places) AS nearest
	    ORDER BY rank_id, rank_seq, id
	    LIMIT 1)
	UPDATE waitlist_entry
	SET rank_id = target.rank_id - 1, rank_seq = nextval('waitlist_rank_seq')
	FROM moving, target
	WHERE waitlist_entry.id = moving.id`
