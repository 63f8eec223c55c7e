// Package job names the work that outlives a request, and what is queued of
// it. What a job does is decided in worker.
package job

import "github.com/riverqueue/river"

// Reply is the work of answering one person. The queue is only the bell: what
// is to be done stands in the tables, so a Reply may be run at any time and any
// number of times.
type Reply struct {
	PersonID int64 `json:"person_id"`
}

// maxAttempts is far more than any outage needs: a reply is never given up
// because it was tried often.
const maxAttempts = 10_000

// Kind implements river.JobArgs.
func (Reply) Kind() string { return "reply" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (Reply) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: maxAttempts}
}
