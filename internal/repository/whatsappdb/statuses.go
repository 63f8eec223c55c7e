package whatsappdb

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// statusColumns has the statuses as columns.
type statusColumns struct {
	partIDs       []*uuid.UUID // nil for a status without our callback data
	wamids        []string
	states        []string
	codes         []*int
	maxResends    []int
	holds         []*time.Duration // how long the failure holds its number; nil for not at all
	needOperator  []bool
	bsuids, waIDs []string
}

func newStatusColumns(statuses []webhook.Status) statusColumns {
	n := len(statuses)
	columns := statusColumns{
		partIDs:      make([]*uuid.UUID, n),
		wamids:       make([]string, n),
		states:       make([]string, n),
		codes:        make([]*int, n),
		maxResends:   make([]int, n),
		holds:        make([]*time.Duration, n),
		needOperator: make([]bool, n),
		bsuids:       make([]string, n),
		waIDs:        make([]string, n),
	}
	for i, s := range statuses {
		columns.partIDs[i], columns.wamids[i], columns.states[i] = partID(s.Callback), s.WAMID, string(s.State)
		columns.bsuids[i], columns.waIDs[i] = strings.ToLower(s.Recipient.BSUID), s.Recipient.WaID.Reveal()
		if s.ErrorCode != 0 {
			columns.codes[i], columns.maxResends[i] = &s.ErrorCode, whatsapp.MaxResends(s.ErrorCode)
			columns.holds[i], columns.needOperator[i] = holdOf(s)
		}
	}
	return columns
}

// holdOf returns how long a failure holds its number, and whether an operator
// has to repair the cause; nil for a failure that concerns only its message.
func holdOf(s webhook.Status) (hold *time.Duration, needsOperator bool) {
	refusal := whatsapp.Refusal{Reaction: whatsapp.ReactionTo(s.ErrorCode, whatsapp.GiveUp), Code: s.ErrorCode}
	if s.State != webhook.StateFailed || !refusal.HoldsNumber() {
		return nil, false
	}
	duration := refusal.HoldDuration(0)
	return &duration, refusal.Reaction == whatsapp.HoldForOperator
}

// partID reads our callback data, which is the id of a part; nil where it is
// none of ours.
func partID(callback string) *uuid.UUID {
	id, err := uuid.Parse(callback)
	if err != nil {
		return nil
	}
	return &id
}

// reportedPart is the id of the part that a status in the CTE or alias "status"
// is about. Nearly all statuses bring it. One that does not is searched for among
// the last answers of its recipient; $1 is whatsapp.StatusLookback. Both
// identifiers are tried, because they may belong to two persons who are not known
// to be one yet.
const reportedPart = `coalesce(status.part_id, former.part_id, (
				SELECT id FROM answer_part
				WHERE wamid = status.wamid AND answer_id = ANY (
					ARRAY(SELECT id FROM answer WHERE person_id = (SELECT id FROM person WHERE ` + lowerBSUID + ` = status.bsuid)
					      ORDER BY created_at DESC LIMIT $1) ||
					ARRAY(SELECT id FROM answer WHERE person_id = (SELECT id FROM person WHERE wa_id = status.wa_id)
					      ORDER BY created_at DESC LIMIT $1))
				LIMIT 1))`

// queueStatuses applies statuses to the parts that they are about, and queues an
// answer for each person who then has something left to do. A status also brings
// the wamid of its part, which is not known yet where the status arrives before
// the response to the send.
func queueStatuses(batch *pgx.Batch, statuses []webhook.Status) {
	c := newStatusColumns(statuses)
	queueLockWAMIDs(batch, c)
	// former_wamid decides which send of a part a status is about. The parts are
	// locked by a statement of their own, so that the next one sees what their
	// last holders committed to both tables.
	batch.Queue(`
		SELECT FROM answer_part
		WHERE id = ANY (ARRAY(
			SELECT `+reportedPart+`
			FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS status (part_id, wamid, bsuid, wa_id)
			LEFT JOIN former_wamid AS former ON former.wamid = status.wamid))
		ORDER BY id FOR UPDATE`,
		whatsapp.StatusLookback, c.partIDs, c.wamids, c.bsuids, c.waIDs)
	// $1 whatsapp.StatusLookback, $2 whatsapp.Backoffs, then the columns.
	batch.Queue(`
		WITH status AS (
			SELECT * FROM unnest($3::uuid[], $4::text[], $5::delivery[], $6::int[], $7::int[], $8::interval[], $9::bool[], $10::text[], $11::text[])
			         AS t (part_id, wamid, delivery, error_code, max_resends, hold, needs_operator, bsuid, wa_id)
		), `+applyStatuses+`, pending AS (
			INSERT INTO pending_status (wamid, delivery, error_code, max_resends)
			SELECT wamid, delivery, error_code, max_resends FROM status
			WHERE part_id IS NULL AND NOT EXISTS (SELECT FROM reported WHERE reported.wamid = status.wamid)
			ON CONFLICT (wamid) DO UPDATE
			SET delivery = excluded.delivery, error_code = excluded.error_code, max_resends = excluded.max_resends
			WHERE pending_status.delivery < excluded.delivery
		)
		SELECT queue_answers(array_agg(person_id)) FROM applied WHERE work_left`,
		whatsapp.StatusLookback, whatsapp.Backoffs(), c.partIDs, c.wamids, c.states, c.codes, c.maxResends, c.holds, c.needOperator, c.bsuids, c.waIDs)
}

// queueApplyPendingStatus applies the status that arrived before the wamid of
// its part was known. The caller holds the lock of the person and looks for work
// again by itself, so no answer is queued.
func queueApplyPendingStatus(batch *pgx.Batch, partID, wamid string) {
	batch.Queue(`
		WITH status AS (
			DELETE FROM pending_status WHERE wamid = $3
			RETURNING $4::uuid AS part_id, wamid, delivery, error_code, max_resends, NULL::interval AS hold, false AS needs_operator,
			          NULL AS bsuid, NULL AS wa_id
		), `+applyStatuses+`
		SELECT count(*) FROM applied`, whatsapp.StatusLookback, whatsapp.Backoffs(), wamid, partID)
}

// applyStatuses is the middle of a statement that begins with the CTE "status".
// Its parameters are $1, whatsapp.StatusLookback, and $2, whatsapp.Backoffs.
//
//   - reported: the parts that the statuses are about. Only the latest send of a
//     part counts. Of a former send it matters only that it arrived. A failure of
//     an unsent part is ignored: a refusal or an earlier failed status of the same
//     send has made it unsent.
//   - chosen: one status for each part. Where several are about the same part, a
//     success comes before a failure, and then the furthest.
//   - held: a failure that concerns the number begins a send hold.
//   - applied: a temporary failure makes the part unsent again. Everything else
//     moves it forward.
//
// Rows are locked in the order of their ids, so that two webhooks about the same
// parts cannot deadlock.
const applyStatuses = `
		reported AS (
			SELECT part.id, part.person_id, part.answer_id, part.delivery AS before, part.refusals,
			       status.wamid, status.delivery, status.error_code, status.max_resends, status.hold, status.needs_operator,
			       former.wamid IS NULL AND coalesce(part.wamid = status.wamid, true)
			              AND NOT (status.delivery = 'failed' AND part.delivery = 'unsent') AS is_latest
			FROM status
			LEFT JOIN former_wamid AS former ON former.wamid = status.wamid
			JOIN answer_part AS part ON part.id = ` + reportedPart + `
			ORDER BY part.id
			FOR UPDATE OF part
		), chosen AS (
			SELECT DISTINCT ON (id) *, fails AND refusals < max_resends AS resend
			FROM (
				SELECT *, is_latest AND delivery = 'failed' AND before IN ('sending', 'accepted', 'sent') AS fails
				FROM reported) AS reported
			ORDER BY id, (delivery = 'failed'), delivery DESC
		), held AS (
			INSERT INTO send_hold (phone_number_id, needs_operator, error_code, reason, holds_in_row, began_at, retry_at)
			SELECT (SELECT phone_number_id FROM answer WHERE id = answer_id), needs_operator, error_code,
			       'a status reported the failure', 1, now(), now() + hold
			FROM chosen
			WHERE fails AND hold IS NOT NULL
			ORDER BY needs_operator DESC
			ON CONFLICT DO NOTHING
		), applied AS (
			UPDATE answer_part AS part
			SET delivery   = CASE WHEN chosen.resend THEN 'unsent'
			                      WHEN chosen.delivery < 'delivered' AND NOT chosen.is_latest THEN part.delivery
			                      ELSE GREATEST(part.delivery, chosen.delivery) END,
			    wamid      = CASE WHEN chosen.resend THEN NULL
			                      WHEN chosen.is_latest THEN chosen.wamid
			                      ELSE part.wamid END,
			    refusals   = part.refusals + chosen.resend::int,
			    not_before = CASE WHEN chosen.resend THEN now() + ($2::interval[])[least(part.refusals + 1, cardinality($2))]
			                      ELSE part.not_before END,
			    error_code = CASE WHEN chosen.is_latest THEN coalesce(chosen.error_code, part.error_code) ELSE part.error_code END,
			    error      = CASE WHEN chosen.is_latest AND chosen.delivery = 'failed' AND NOT chosen.resend AND chosen.before < 'failed'
			                      THEN 'a status reported the failure' ELSE part.error END
			FROM chosen
			WHERE part.id = chosen.id
			RETURNING part.person_id, chosen.resend OR chosen.before IN ('unsent', 'sending') AS work_left
		), former AS (
			INSERT INTO former_wamid (wamid, part_id)
			SELECT wamid, id FROM chosen WHERE resend OR NOT is_latest
			ON CONFLICT DO NOTHING
		)`

// queueLockWAMIDs takes LockWAMID for the statuses that may become pending or
// make a part unsent; see the package documentation. The lock has only 256 keys,
// because the server's memory for locks is small.
func queueLockWAMIDs(batch *pgx.Batch, c statusColumns) {
	var wamids []string
	for i, wamid := range c.wamids {
		if c.partIDs[i] == nil || c.maxResends[i] > 0 {
			wamids = append(wamids, wamid)
		}
	}
	if len(wamids) == 0 {
		return
	}
	batch.Queue(`
		SELECT pg_advisory_xact_lock($1, key)
		FROM (SELECT DISTINCT hashtext(wamid) & 255 AS key FROM unnest($2::text[]) AS t (wamid) ORDER BY 1) AS keys`,
		postgres.LockWAMID, wamids)
}

// queueShareWAMID shares LockWAMID for one wamid.
func queueShareWAMID(batch *pgx.Batch, wamid string) {
	batch.Queue(`SELECT pg_advisory_xact_lock_shared($1, hashtext($2::text) & 255)`, postgres.LockWAMID, wamid)
}

// latestStatuses returns one status for each wamid: the one that is furthest
// forward, with the callback data and the recipient of any of them.
func latestStatuses(statuses []webhook.Status) []webhook.Status {
	order := []webhook.State{webhook.StateSent, webhook.StateFailed, webhook.StateDelivered, webhook.StateRead}
	indexes := make(map[string]int, len(statuses))
	var latest []webhook.Status
	for _, s := range statuses {
		i, seen := indexes[s.WAMID]
		if !seen {
			indexes[s.WAMID] = len(latest)
			latest = append(latest, s)
			continue
		}
		s.Callback, s.Recipient = cmp.Or(s.Callback, latest[i].Callback), cmp.Or(s.Recipient, latest[i].Recipient)
		latest[i].Callback, latest[i].Recipient = s.Callback, s.Recipient
		if slices.Index(order, s.State) > slices.Index(order, latest[i].State) {
			latest[i] = s
		}
	}
	return latest
}
