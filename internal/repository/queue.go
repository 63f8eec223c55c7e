package repository

import "github.com/jackc/pgx/v5"

// queueDue is the end of a statement that has a table due (person_id): it
// queues a reply for each of these persons, and wakes the workers if there is
// one. So a webhook and its jobs are stored in one round trip.
//
// The rows are those that River's client would insert for a job.Reply; a test
// holds the one against the other. Writing them in SQL is what River's clients
// for other languages do.
const queueDue = `, queued AS (
			INSERT INTO river_job (kind, args, max_attempts)
			SELECT DISTINCT 'reply', jsonb_build_object('person_id', person_id), 10000 FROM due
			RETURNING 1
		)
		SELECT pg_notify(current_schema() || '.river_insert', '{"queue": "default"}')
		WHERE EXISTS (SELECT FROM queued)`

// queueReplies queues a reply for each of the persons.
func queueReplies(statements *pgx.Batch, people []int64) {
	statements.Queue(`WITH due AS (SELECT unnest($1::bigint[]) AS person_id)`+queueDue, people)
}
