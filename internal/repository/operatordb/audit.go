package operatordb

import (
	"cmp"
	"context"

	"aisha/internal/operator"
	"aisha/internal/repository/postgres"
)

// systemActor is the actor of changes that no operator has made.
const systemActor = "system"

// Record adds the events to the audit. db is the transaction of the change that they
// describe; the actor and the request id are those of the context. Errors:
// fault.Unavailable.
func Record(ctx context.Context, db postgres.Querier, events ...operator.Event) error {
	action := operator.ActionOf(ctx)
	actions, subjects := make([]string, len(events)), make([]string, len(events))
	ids, details := make([]*int64, len(events)), make([]map[string]any, len(events))
	for i, event := range events {
		actions[i], subjects[i], details[i] = event.Action, event.Subject, event.Details
		if event.SubjectID != 0 {
			ids[i] = &events[i].SubjectID
		}
		if details[i] == nil {
			details[i] = map[string]any{}
		}
	}
	_, err := db.Exec(ctx, `
		INSERT INTO audit (actor, request_id, action, subject, subject_id, details)
		SELECT $1, $2, action, subject, subject_id, details
		FROM unnest($3::text[], $4::text[], $5::bigint[], $6::jsonb[]) AS event (action, subject, subject_id, details)`,
		cmp.Or(action.Caller.Name, systemActor), action.RequestID, actions, subjects, ids, details)
	return postgres.Translate(err)
}
