package waitlist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist/csvfile"
)

// importBatch is how many records are imported in one transaction. Each takes an
// advisory lock.
const importBatch = 1000

// ImportEntry is a validated record of a file.
type ImportEntry struct {
	Username    sensitive.Text
	PhoneNumber sensitive.Phone // E.164, a Kenyan mobile number
	Source      string          // empty: none
	Note        sensitive.Text  // empty: none
}

// ImportOutcome is what has become of an entry.
type ImportOutcome int

// The outcomes.
const (
	ImportAdded ImportOutcome = iota
	ImportPresent
	ImportSkipped // the number is on the list as removed
)

// ImportBatch is a part of a file.
type ImportBatch struct {
	ImportID      int64
	DryRun        bool
	ConsentSource string
	Entries       []ImportEntry // each number once
}

// BatchStore stores the work of imports. All methods run in the transaction of ctx,
// if it has one. Errors: fault.Unavailable.
type BatchStore interface {
	// Chunk returns a chunk of a file, and nil after the last one.
	Chunk(ctx context.Context, importID int64, seq int) ([]byte, error)
	// AddBatch adds the entries whose number is new, with consent and audit, and
	// returns the outcome of each. In a dry run it changes nothing.
	AddBatch(ctx context.Context, batch ImportBatch) ([]ImportOutcome, error)
	// SaveProgress adds the counts and the problems of a batch to the import.
	SaveProgress(ctx context.Context, importID int64, counts ImportCounts, problems []ImportProblem) error
	// Finish deletes the file of an import and returns its counts.
	Finish(ctx context.Context, importID int64) (ImportCounts, error)
}

// ImportArgs are the arguments of the operation that imports a file.
type ImportArgs struct {
	ImportID int64 `json:"import_id"`
}

// ImportCursor is where an import goes on.
type ImportCursor struct {
	Records int64 `json:"records"` // that are done
}

// ImportResult is the result of the operation.
type ImportResult struct {
	ImportCounts
	Report string `json:"report"` // address of the report on records that were not taken
}

// ImportStep is the result of one batch.
type ImportStep struct {
	Cursor ImportCursor
	Done   int64
	Total  int64
	Result *ImportResult // nil: there is more to do
}

// ReportLocation returns the address of an import's report.
func ReportLocation(importID int64) string {
	return fmt.Sprintf("/operator/imports/%d/report.csv", importID)
}

// ImportRun imports a file, batch by batch.
type ImportRun struct {
	store  ImportStore
	job    Import
	parser recordParser
	file   *fileReader
	reader *csvfile.Reader
	cursor ImportCursor
	total  int64
	seen   map[uint32]struct{} // in a dry run: the numbers of the records before
}

// Open prepares the import that an operation runs, and goes on at its cursor. Before the
// first batch it reads the whole file, so that nothing of a file that ends in the middle
// is taken. Errors: fault.Invalid for a file that cannot be read, fault.Unavailable.
func (i *Importer) Open(ctx context.Context, args, cursor json.RawMessage) (*ImportRun, error) {
	var decoded ImportArgs
	run := &ImportRun{store: i.store, seen: map[uint32]struct{}{}}
	if err := errors.Join(json.Unmarshal(args, &decoded), json.Unmarshal(cursor, &run.cursor)); err != nil {
		return nil, fmt.Errorf("read the arguments of an import: %w", err)
	}
	var err error
	if run.job, err = i.store.Import(ctx, decoded.ImportID); err != nil {
		return nil, err
	}
	run.parser = newRecordParser(run.job.Settings.Source)
	if run.total, err = run.countRecords(ctx); err != nil {
		return nil, err
	}
	return run, run.skip(ctx, run.cursor.Records)
}

// open begins to read the file.
func (r *ImportRun) open(ctx context.Context) error {
	r.file = &fileReader{ctx: ctx, store: r.store, importID: r.job.ID}
	var err error
	r.reader, err = csvfile.Open(r.file, r.job.Settings.Columns)
	return err
}

// countRecords reads the whole file and returns the number of its records.
func (r *ImportRun) countRecords(ctx context.Context) (n int64, err error) {
	if err := r.open(ctx); err != nil {
		return 0, err
	}
	for ; ; n++ {
		if _, err := r.reader.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return 0, err
		}
	}
}

// skip opens the file behind its first n records.
func (r *ImportRun) skip(ctx context.Context, n int64) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	for range n {
		record, err := r.reader.Next()
		if err != nil {
			return fmt.Errorf("find the place where the import goes on: %w", err)
		}
		if !r.job.Settings.DryRun || record.Blank || record.Removed {
			continue
		}
		if entry, problems := r.parser.entry(record); problems == nil {
			r.isRepeated(entry)
		}
	}
	return nil
}

// Next imports the next batch, in the transaction of ctx. Errors: fault.Unavailable.
func (r *ImportRun) Next(ctx context.Context) (ImportStep, error) {
	r.file.ctx = ctx
	batch, err := r.readBatch()
	if err != nil {
		return ImportStep{}, err
	}
	outcomes, err := r.store.AddBatch(ctx, ImportBatch{
		ImportID:      r.job.ID,
		DryRun:        r.job.Settings.DryRun,
		ConsentSource: r.job.Settings.ConsentSource,
		Entries:       batch.entries,
	})
	if err != nil {
		return ImportStep{}, err
	}
	r.evaluate(batch, outcomes)
	if err := r.store.SaveProgress(ctx, r.job.ID, batch.counts, batch.problems); err != nil {
		return ImportStep{}, err
	}
	r.cursor.Records += batch.records
	step := ImportStep{Cursor: r.cursor, Done: batch.records, Total: r.total}
	if !batch.isLast {
		return step, nil
	}
	counts, err := r.store.Finish(ctx, r.job.ID)
	step.Result = &ImportResult{ImportCounts: counts, Report: ReportLocation(r.job.ID)}
	return step, err
}

// recordBatch is a part of a file and what becomes of it.
type recordBatch struct {
	records int64         // with those that are blank
	entries []ImportEntry // each number once
	lines   []entryLine   // of the valid records
	isLast  bool

	counts   ImportCounts
	problems []ImportProblem
}

// entryLine is a valid record.
type entryLine struct {
	line       int
	entry      int  // index in the entries of the batch
	isRepeated bool // an earlier record has the same number
}

// readBatch reads and validates the next records.
func (r *ImportRun) readBatch() (*recordBatch, error) {
	batch := &recordBatch{}
	indexes := make(map[string]int, importBatch)
	for batch.records < importBatch {
		record, err := r.reader.Next()
		if errors.Is(err, io.EOF) {
			batch.isLast = true
			return batch, nil
		}
		if err != nil {
			return nil, err
		}
		batch.records++
		if record.Blank {
			continue
		}
		if record.Removed {
			batch.counts.Skipped++
			batch.problems = append(batch.problems, ImportProblem{
				Line: record.Line, Field: "status", Message: "was removed from the list that the file comes from",
			})
			continue
		}
		entry, problems := r.parser.entry(record)
		if problems != nil {
			batch.counts.Invalid++
			batch.problems = append(batch.problems, describeProblems(record.Line, problems))
			continue
		}
		index, isRepeated := indexes[entry.PhoneNumber.Reveal()]
		if !isRepeated {
			index = len(batch.entries)
			indexes[entry.PhoneNumber.Reveal()] = index
			batch.entries = append(batch.entries, entry)
		}
		batch.lines = append(batch.lines, entryLine{line: record.Line, entry: index, isRepeated: isRepeated})
	}
	return batch, nil
}

// evaluate counts the valid records by their outcomes.
func (r *ImportRun) evaluate(batch *recordBatch, outcomes []ImportOutcome) {
	for _, line := range batch.lines {
		outcome := outcomes[line.entry]
		isRepeated := r.job.Settings.DryRun && r.isRepeated(batch.entries[line.entry])
		switch {
		case line.isRepeated:
			batch.counts.Present++
		case outcome == ImportSkipped:
			batch.counts.Skipped++
			batch.problems = append(batch.problems, ImportProblem{
				Line: line.line, Field: string(csvfile.PhoneNumber), Message: "is on the list as removed",
			})
		case outcome == ImportPresent || isRepeated:
			batch.counts.Present++
		default:
			batch.counts.Added++
		}
	}
}

// isRepeated reports whether a record before this one has the same number. Only a dry
// run needs it, because otherwise the number is on the list.
func (r *ImportRun) isRepeated(entry ImportEntry) bool {
	number := entry.PhoneNumber.Reveal()
	key, _ := strconv.ParseUint(number[len(number)-kenyaNationalDigits:], 10, 32) // all digits
	_, isRepeated := r.seen[uint32(key)]
	r.seen[uint32(key)] = struct{}{}
	return isRepeated
}

// fileReader reads the chunks of a file.
type fileReader struct {
	ctx      context.Context //nolint:containedctx // Read has no context
	store    BatchStore
	importID int64
	seq      int
	rest     []byte // of the last chunk
}

// Read implements io.Reader.
func (f *fileReader) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		chunk, err := f.store.Chunk(f.ctx, f.importID, f.seq)
		if err != nil {
			return 0, err
		}
		if chunk == nil {
			return 0, io.EOF
		}
		f.rest = chunk
		f.seq++
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}
