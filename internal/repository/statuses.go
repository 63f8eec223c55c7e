package repository

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// applyStatuses moves parts forward and queues a reply for whoever that leaves
// something to do for. A part is found by our own id, which came back with the
// status; Meta's id is learned on the way, for the case that the status is
// faster than the answer to the send.
func applyStatuses(statements *pgx.Batch, statuses []whatsapp.Status) {
	n := len(statuses)
	ids, wamids, deliveries := make([]*uuid.UUID, n), make([]string, n), make([]string, n)
	codes, retries := make([]*int, n), make([]int, n)
	pauses, stops := make([]*time.Duration, n), make([]bool, n)
	userIDs, phones := make([]string, n), make([]string, n)
	var contested []string
	for k, s := range statuses {
		userIDs[k], phones[k] = s.Recipient.UserID, s.Recipient.Phone.Reveal()
		ids[k], wamids[k], deliveries[k] = partID(s.Callback), s.WAMID, string(s.Delivery)
		if s.ErrorCode != 0 {
			codes[k], retries[k] = &s.ErrorCode, whatsapp.StatusRetries(s.ErrorCode)
			pauses[k], stops[k] = pauseOf(s)
		}
		if ids[k] == nil || retries[k] > 0 {
			contested = append(contested, s.WAMID)
		}
	}
	if len(contested) > 0 {
		takeEarlyLocks(statements, contested)
	}
	// Which of a part's sends is told of stands in two tables. So the parts are
	// locked by a statement of its own, and the next one sees what their last
	// holders have committed to either.
	statements.Queue(`
		SELECT FROM part
		WHERE id = ANY (ARRAY(
			SELECT `+toldPart+`
			FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS told (id, wamid, user_id, phone)
			LEFT JOIN former_wamid AS former ON former.wamid = told.wamid))
		ORDER BY id FOR UPDATE`,
		ids, wamids, userIDs, phones)
	statements.Queue(`
		WITH told AS (
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::delivery[], $4::int[], $5::int[], $6::interval[], $7::bool[], $8::text[], $9::text[])
			         AS t (id, wamid, delivery, code, retries, pause, stops, user_id, phone)
		), `+moveParts+`, kept AS (
			INSERT INTO early_status (wamid, delivery, code, retries)
			SELECT wamid, delivery, code, retries FROM told
			WHERE id IS NULL AND NOT EXISTS (SELECT FROM known WHERE known.wamid = told.wamid)
			ON CONFLICT (wamid) DO UPDATE
			SET delivery = excluded.delivery, code = excluded.code, retries = excluded.retries
			WHERE early_status.delivery < excluded.delivery
		), due AS (
			SELECT person_id FROM moved WHERE due
		)`+queueDue,
		ids, wamids, deliveries, codes, retries, pauses, stops, userIDs, phones)
}

// pauseOf is for how long a failure closes the gate of its number, where it is
// one that everybody would have; else nil. Stops is whether an operator has to
// mend something.
func pauseOf(s whatsapp.Status) (pause *time.Duration, stops bool) {
	refusal := whatsapp.Refusal{Reaction: whatsapp.ReactionTo(s.ErrorCode, whatsapp.GiveUp), Code: s.ErrorCode}
	if s.Delivery != whatsapp.Failed || !refusal.ForAll() {
		return nil, false
	}
	closed := refusal.Pause(0)
	return &closed, refusal.Reaction == whatsapp.Stop
}

// toldPart is the id of the part that a status tells of. Meta brings it along. A
// status without it is looked for among what its recipient was last sent, because
// an index of Meta's ids would be written to at random places, for each part, and
// be as large as all that is kept. Either name may lead to a person, and to two
// who are not known to be one yet.
const toldPart = `coalesce(told.id, former.part_id, (
				SELECT id FROM part
				WHERE wamid = told.wamid AND answer_id = ANY (
					ARRAY(SELECT id FROM answer WHERE person_id = (SELECT id FROM person WHERE user_id = told.user_id)
					      ORDER BY created_at DESC LIMIT 100) ||
					ARRAY(SELECT id FROM answer WHERE person_id = (SELECT id FROM person WHERE phone = told.phone)
					      ORDER BY created_at DESC LIMIT 100))
				LIMIT 1))`

// moveParts is the rest of a statement that begins with what was told. Rows are
// locked in the order of their ids, so that two webhooks about the same parts
// cannot deadlock.
//
// A part may have been sent more than once, and only the newest send counts: of
// a former one it matters that it arrived after all, and nothing else. A
// failure that may pass puts the part back to be sent again, after a pause as
// whatsapp.Backoff has it. A failure of a part that waits to be sent has been
// dealt with: the same send was refused as well, or it was put back before. A
// failure that everybody would have closes the gate of the number, as a refusal
// does.
//
// Where several statuses speak of one part, one of them wins, and one that
// settles a send before one that says that it failed.
const moveParts = `
		known AS (
			SELECT part.id, part.person_id, part.answer_id, part.delivery AS before, part.refusals,
			       told.wamid, told.delivery, told.code, told.retries, told.pause, told.stops,
			       former.wamid IS NULL AND coalesce(part.wamid = told.wamid, true)
			              AND NOT (told.delivery = 'failed' AND part.delivery = 'unsent') AS newest
			FROM told
			LEFT JOIN former_wamid AS former ON former.wamid = told.wamid
			JOIN part ON part.id = ` + toldPart + `
			ORDER BY part.id
			FOR UPDATE OF part
		), judged AS (
			SELECT DISTINCT ON (id) *, fails AND refusals < retries AS again
			FROM (SELECT *, newest AND delivery = 'failed' AND before IN ('sending', 'accepted', 'sent') AS fails FROM known) AS known
			ORDER BY id, (delivery = 'failed'), delivery DESC
		), closed AS (
			INSERT INTO sending_gate (phone_number_id, stopped, code, reason, closings, closed_at, resume_at)
			SELECT (SELECT phone_number_id FROM answer WHERE id = answer_id), stops, code, 'a status said that it failed',
			       1, now(), now() + pause
			FROM judged
			WHERE fails AND pause IS NOT NULL
			ORDER BY stops DESC
			ON CONFLICT DO NOTHING
		), moved AS (
			UPDATE part
			SET delivery   = CASE WHEN judged.again THEN 'unsent'
			                      WHEN judged.delivery < 'delivered' AND NOT judged.newest THEN part.delivery
			                      ELSE GREATEST(part.delivery, judged.delivery) END,
			    wamid      = CASE WHEN judged.again THEN NULL
			                      WHEN judged.newest THEN judged.wamid
			                      ELSE part.wamid END,
			    refusals   = part.refusals + judged.again::int,
			    not_before = CASE WHEN judged.again
			                      THEN now() + least(4 ^ least(part.refusals + 1, 6), 600) * interval '1 second'
			                      ELSE part.not_before END,
			    error_code = CASE WHEN judged.newest THEN coalesce(judged.code, part.error_code) ELSE part.error_code END,
			    error      = CASE WHEN judged.newest AND judged.delivery = 'failed' AND NOT judged.again AND judged.before < 'failed'
			                      THEN 'a status said that it failed' ELSE part.error END
			FROM judged
			WHERE part.id = judged.id
			RETURNING part.person_id, judged.again OR judged.before IN ('unsent', 'sending') AS due
		), former AS (
			INSERT INTO former_wamid (wamid, part_id)
			SELECT wamid, id FROM judged WHERE again OR NOT newest
			ON CONFLICT DO NOTHING
		)`

// takeUpEarly applies the status that came before Meta's id of its part was
// known. The caller is working for the person and looks again by itself.
func takeUpEarly(statements *pgx.Batch, partID, wamid string) {
	statements.Queue(`
		WITH told AS (
			DELETE FROM early_status WHERE wamid = $1
			RETURNING $2::uuid AS id, wamid, delivery, code, retries, NULL::interval AS pause, false AS stops,
			          NULL AS user_id, NULL AS phone
		), `+moveParts+`
		SELECT count(*) FROM moved`, wamid, partID)
}

// A status that names only Meta's id, and the answer that brings this id, may
// be stored at the same moment, and neither transaction would see the other's
// row. Therefore such a status takes a lock and the answer shares it; so does a
// failure that puts a part back, after which the id is a former one. There are
// few of these locks, because the server's memory for them is small.
const earlyBucket = `hashtext(wamid) & 255`

func takeEarlyLocks(statements *pgx.Batch, wamids []string) {
	statements.Queue(`
		SELECT pg_advisory_xact_lock($1, bucket)
		FROM (SELECT DISTINCT `+earlyBucket+` AS bucket FROM unnest($2::text[]) AS t (wamid) ORDER BY 1) AS buckets`,
		earlyLocks, wamids)
}

func shareEarlyLock(statements *pgx.Batch, wamid string) {
	statements.Queue(`SELECT pg_advisory_xact_lock_shared($1, `+earlyBucket+`) FROM (SELECT $2::text AS wamid) AS one`,
		earlyLocks, wamid)
}

// latest keeps one status for each message, the one that is furthest forward.
func latest(statuses []whatsapp.Status) []whatsapp.Status {
	rank := []whatsapp.Delivery{whatsapp.Sent, whatsapp.Failed, whatsapp.Delivered, whatsapp.Read}
	furthest := make(map[string]int, len(statuses))
	var kept []whatsapp.Status
	for _, s := range statuses {
		at, seen := furthest[s.WAMID]
		if !seen {
			furthest[s.WAMID] = len(kept)
			kept = append(kept, s)
			continue
		}
		s.Callback, s.Recipient = cmp.Or(s.Callback, kept[at].Callback), cmp.Or(s.Recipient, kept[at].Recipient)
		kept[at].Callback, kept[at].Recipient = s.Callback, s.Recipient
		if slices.Index(rank, s.Delivery) > slices.Index(rank, kept[at].Delivery) {
			kept[at] = s
		}
	}
	return kept
}

// partID reads our id from a status; nil where it is not one of ours.
func partID(callback string) *uuid.UUID {
	id, err := uuid.Parse(callback)
	if err != nil {
		return nil
	}
	return &id
}
