package whatsappdb

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/groupcommit"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
)

// Conversations stores messages and answers. It implements
// whatsapp.Conversations.
type Conversations struct {
	pool     *pgxpool.Pool
	dueReads *groupcommit.Batcher[int64, dueRows]
	saves    *groupcommit.Batcher[answerRows, savedAnswer]
}

// NewConversations returns a Conversations.
func NewConversations(pool *pgxpool.Pool) *Conversations {
	return &Conversations{
		pool: pool,
		dueReads: groupcommit.New(inOneBatch(pool, queueReadDue), groupcommit.Options[int64]{
			Parallel: 2, // a history that has to be read from disk delays only half of the others
		}),
		saves: groupcommit.New(inOneBatch(pool, queueAnswer), groupcommit.Options[answerRows]{
			Order: func(a, b answerRows) int { return cmp.Compare(a.PersonID, b.PersonID) },
		}),
	}
}

// inOneBatch returns a commit function in which queue adds the statements of one
// call to a common batch and stores what they return in its result.
func inOneBatch[In, Out any](pool *pgxpool.Pool, queue func(batch *pgx.Batch, in In, out *Out)) func(context.Context, []In) ([]Out, error) {
	return func(ctx context.Context, ins []In) ([]Out, error) {
		var outs []Out
		err := postgres.RunBatch(ctx, pool, len(ins), func(batch *pgx.Batch) {
			outs = make([]Out, len(ins))
			for i, in := range ins {
				queue(batch, in, &outs[i])
			}
		})
		return outs, err
	}
}

// Due implements whatsapp.Conversations. Concurrent calls share a round trip.
func (c *Conversations) Due(ctx context.Context, personID int64) (whatsapp.Due, error) {
	rows, err := c.dueReads.Do(ctx, personID)
	for err == nil && rows.hasPendingChange {
		if err = applyPendingChanges(ctx, c.pool, personID); err == nil {
			rows, err = c.dueReads.Do(ctx, personID) // more may have arrived
		}
	}
	if err != nil {
		return whatsapp.Due{}, fmt.Errorf("read what is due for a person: %w", err)
	}
	// A webhook that Meta repeats may bring an earlier message later.
	slices.SortStableFunc(rows.Messages, func(a, b whatsapp.UnansweredMessage) int { return cmp.Compare(b.SentAgo, a.SentAgo) })
	slices.Reverse(rows.History)
	return rows.Due, nil
}

// QueueWorkLeft adds a statement to the batch that sets left to whether anything
// is left to do for the person. It implements instance.QueueWorkLeft.
func QueueWorkLeft(batch *pgx.Batch, personID int64, left *bool) {
	batch.Queue(`
		SELECT EXISTS (SELECT FROM answer_part WHERE person_id = $1 AND open)
		    OR EXISTS (SELECT FROM message WHERE person_id = $1 AND answer_id IS NULL)`, personID,
	).QueryRow(func(row pgx.Row) error { return row.Scan(left) })
}
