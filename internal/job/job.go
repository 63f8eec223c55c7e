// Package job defines the arguments of the background jobs, as they are queued.
// Package worker runs the jobs.
package job

import "github.com/riverqueue/river"

// AnswerPerson is the job that answers one person. It carries no work itself: the worker
// reads the unanswered messages and unsent answer parts from the database. So the
// job is idempotent and may run at any time.
type AnswerPerson struct {
	PersonID int64 `json:"person_id"`
}

// maxAttempts is higher than any outage needs, so that the queue never discards
// a job because of its number of attempts.
const maxAttempts = 10_000

// Kind implements river.JobArgs.
func (AnswerPerson) Kind() string { return "answer_person" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (AnswerPerson) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: maxAttempts}
}

// QueueOperations is the queue of the operations, so that answers never wait for
// one.
const QueueOperations = "operations"

// RunOperation is the job that runs an operation of an operator. The row of the
// operation says how far it is, so the job may run at any time.
type RunOperation struct {
	OperationID int64 `json:"operation_id"`
}

// Kind implements river.JobArgs.
func (RunOperation) Kind() string { return "run_operation" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (RunOperation) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: maxAttempts, Queue: QueueOperations}
}
