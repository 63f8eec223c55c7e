package worker

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// longJob separates jobs that can look like orphans from shorter ones, which
	// cannot: Orphans ignores jobs that were fetched less than 15 seconds ago.
	longJob = 5 * time.Second
	// completionDelay is how long River may take to store the end of a job.
	completionDelay = 30 * time.Second
)

// knownJobs remembers which jobs run in this process, of all kinds.
type knownJobs struct {
	mu       sync.Mutex
	running  map[int64]time.Time // start, by job id
	finished map[int64]time.Time // end of long jobs, by job id; see ids
}

func newKnownJobs() *knownJobs {
	return &knownJobs{running: make(map[int64]time.Time), finished: make(map[int64]time.Time)}
}

func (k *knownJobs) begin(jobID int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running[jobID] = time.Now()
}

func (k *knownJobs) end(jobID int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if now.Sub(k.running[jobID]) > longJob {
		k.finished[jobID] = now
	}
	delete(k.running, jobID)
}

// ids returns the ids of the jobs that run, and of long ones that ended recently:
// River stores the end of a job a moment later, and until then the job looks like an
// orphan.
func (k *knownJobs) ids() []int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(k.finished, func(_ int64, end time.Time) bool { return now.Sub(end) > completionDelay })
	return slices.AppendSeq(slices.Collect(maps.Keys(k.running)), maps.Keys(k.finished))
}
