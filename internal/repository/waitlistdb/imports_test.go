package waitlistdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/resource"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/waitlist/csvfile"
)

// importHarness imports files into a database.
type importHarness struct {
	t          *testing.T
	pool       *pgxpool.Pool
	importer   *waitlist.Importer
	operations *operation.Service
}

// importRunner connects the importer with the operations, as cmd/aisha does. Its Next
// fails after failAfter batches, if that is above zero.
type importRunner struct {
	importer  *waitlist.Importer
	failAfter int
}

var errKilled = errors.New("killed")

func (r *importRunner) Open(ctx context.Context, op operation.Operation) (operation.Chunks, error) {
	run, err := r.importer.Open(ctx, op.Args, op.Cursor)
	if err != nil {
		return nil, err
	}
	return &importChunks{run: run, failAfter: r.failAfter}, nil
}

type importChunks struct {
	run       *waitlist.ImportRun
	batches   int
	failAfter int
}

func (c *importChunks) Next(ctx context.Context, _ operation.Operation) (operation.Step, error) {
	batch, err := c.run.Next(ctx)
	if err != nil {
		return operation.Step{}, err
	}
	c.batches++
	if c.batches == c.failAfter {
		return operation.Step{}, errKilled // the batch is undone
	}
	step := operation.Step{Cursor: batch.Cursor, Done: batch.Done, Total: &batch.Total}
	if batch.Result != nil {
		step.Result = batch.Result
	}
	return step, nil
}

func newImportHarness(t *testing.T, failAfter int) importHarness {
	t.Helper()
	pool := testdb.Open(t)
	importer := waitlist.NewImporter(NewImports(pool, pool), operation.Location)
	return importHarness{
		t: t, pool: pool, importer: importer,
		operations: operation.New(operatordb.NewOperations(pool), map[string]operation.Runner{
			waitlist.ImportKind: &importRunner{importer: importer, failAfter: failAfter},
		}),
	}
}

func (h importHarness) ctx() context.Context {
	return operator.WithAction(h.t.Context(), operator.Action{Caller: operator.Caller{Name: "amina", All: true}, RequestID: "R1"})
}

func (h importHarness) upload(settings waitlist.ImportSettings, file string) waitlist.Upload {
	h.t.Helper()
	if settings.ConsentSource == "" {
		settings.ConsentSource = "fair"
	}
	upload, err := h.importer.Upload(h.ctx(), settings, strings.NewReader(file)).Get()
	if err != nil {
		h.t.Fatalf("upload: %v", err)
	}
	return upload
}

// start starts the import of an upload and returns the id of its operation.
func (h importHarness) start(upload waitlist.Upload) int64 {
	h.t.Helper()
	tx, err := h.pool.Begin(h.ctx())
	if err != nil {
		h.t.Fatal(err)
	}
	_, err = h.importer.Start(postgres.WithTx(h.ctx(), tx), upload).Get()
	loading, isLoading := errors.AsType[*resource.LoadingError](err)
	if !isLoading {
		h.t.Fatalf("start: %v, want a location", err)
	}
	if err := tx.Commit(h.ctx()); err != nil {
		h.t.Fatal(err)
	}
	var id int64
	if _, err := fmt.Sscanf(loading.Location, "/operator/operations/%d", &id); err != nil {
		h.t.Fatalf("location %q: %v", loading.Location, err)
	}
	return id
}

// run imports a file to its end and returns the import and its problems.
func (h importHarness) run(settings waitlist.ImportSettings, file string) (waitlist.Import, []waitlist.ImportProblem) {
	h.t.Helper()
	upload := h.upload(settings, file)
	if _, err := h.operations.Run(h.t.Context(), h.start(upload)).Get(); err != nil {
		h.t.Fatalf("run: %v", err)
	}
	return h.get(upload.ID), h.problems(upload.ID)
}

func (h importHarness) get(id int64) waitlist.Import {
	h.t.Helper()
	found, err := h.importer.Get(h.t.Context(), id).Get()
	if err != nil {
		h.t.Fatalf("get import %d: %v", id, err)
	}
	return found
}

func (h importHarness) problems(id int64) []waitlist.ImportProblem {
	h.t.Helper()
	problems, err := h.importer.Problems(h.t.Context(), id, 0).Get()
	if err != nil {
		h.t.Fatalf("problems of import %d: %v", id, err)
	}
	return problems
}

func (h importHarness) count(sql string) int { return testdb.QueryInt(h.t, h.pool, sql) }

const (
	badNumber = "must be a Kenyan mobile number, for example 0712 345 678"
	damaged   = "was damaged by a spreadsheet, which took it for a quantity; make the column a text column and enter the number again"
)

const removedThere = "was removed from the list that the file comes from"

func problem(line int, field, message string) waitlist.ImportProblem {
	return waitlist.ImportProblem{Line: line, Field: field, Message: message}
}

func TestImports_records(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file   string
		counts waitlist.ImportCounts
		want   []waitlist.ImportProblem
	}{
		"numbers_in_all_forms": {
			file:   "name,phone\nA,0712345671\nB,+254 712 345 672\nC,254712345673\nD,'0712345674\nE,'+254712345675\nF,712345676\nG,\"(0712) 345-677\"\nH,00254712345678\n",
			counts: waitlist.ImportCounts{Added: 8},
		},
		"numbers_damaged_by_a_spreadsheet": {
			file: "name,phone\nA,7.12E+08\nB,2.54712E+11\nC,712345678.0\nD,254712345678.00\nE,\"7,12E+08\"\nF,7E8\nG,11234567.0\n",
			want: []waitlist.ImportProblem{
				problem(2, "phone_number", damaged), problem(3, "phone_number", damaged), problem(4, "phone_number", damaged), problem(5, "phone_number", damaged),
				problem(6, "phone_number", damaged), problem(7, "phone_number", damaged), problem(8, "phone_number", damaged),
			},
			counts: waitlist.ImportCounts{Invalid: 7},
		},
		"invalid_records": {
			file: "name,phone,source,note\n" +
				"A,020 201 2345,,\n" +
				",0712345678,,\n" +
				"...,x,,\n" +
				"A\n" +
				"A \"B\",0712345678,,\n" +
				"Jos\xe9,0712345678,,\n" +
				"A,0712345678," + strings.Repeat("s", 65) + "," + strings.Repeat("n", 2001) + "\n" +
				"A,0712345679,s\x01,\n" +
				"A,,,\n",
			want: []waitlist.ImportProblem{
				problem(2, "phone_number", badNumber),
				problem(3, "username", "must be 1 to 100 characters long"),
				problem(4, "username, phone_number", "username must contain a letter or a digit; phone_number "+badNumber),
				problem(5, "phone_number", badNumber),
				problem(6, "line", "has a quote in the wrong place"),
				problem(7, "username", "must be valid UTF-8; save the file as CSV UTF-8"),
				problem(8, "source, note", "source must have at most 64 characters; note must have at most 2000 characters"),
				problem(9, "source", "must not contain control characters"),
				problem(10, "phone_number", badNumber),
			},
			counts: waitlist.ImportCounts{Invalid: 9},
		},
		"long_cells": {
			file: "name,phone\n" + strings.Repeat(" ", 9_000) + "A,0712345678\n" + strings.Repeat("x", 10_000) + ",0712345679\n" +
				strings.Repeat("x", 10_001) + "," + strings.Repeat("7", 10_001) + "\n",
			want: []waitlist.ImportProblem{
				problem(3, "username", "must be 1 to 100 characters long"),
				problem(4, "username, phone_number", "username is longer than 10,000 characters; phone_number is longer than 10,000 characters"),
			},
			counts: waitlist.ImportCounts{Added: 1, Invalid: 2},
		},
		"blank_records_and_repeated_numbers": {
			file:   "name,phone\nA,0712345678\n,\n\n\" \",\nB,0712345678\nC,+254712345678\nD,0712345679\n",
			counts: waitlist.ImportCounts{Added: 2, Present: 2},
		},
		"quoted_line_breaks": {
			file:   "name,phone,note\nA,0712345678,\"one\ntwo\"\n\"B\nC\",0712345679,\nD,x,\n",
			want:   []waitlist.ImportProblem{problem(4, "username", "must not contain control characters"), problem(6, "phone_number", badNumber)},
			counts: waitlist.ImportCounts{Added: 1, Invalid: 2},
		},
		"header_only": {file: "name,phone\n"},
		"removed_on_the_exported_list": {
			file:   "username,phone_number,status\nA,0712345678,waiting\nB,0712345679,removed\nC,0712345679,invited\nD,x,removed\n",
			want:   []waitlist.ImportProblem{problem(3, "status", removedThere), problem(5, "status", removedThere)},
			counts: waitlist.ImportCounts{Added: 2, Skipped: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newImportHarness(t, 0)
			for _, dryRun := range []bool{true, false} {
				got, problems := h.run(waitlist.ImportSettings{DryRun: dryRun}, tt.file)
				if diff := cmp.Diff(tt.counts, got.Counts); diff != "" || got.State != "succeeded" || got.Error != nil {
					t.Errorf("dry run %t: state %q, error %v, counts (-want +got):\n%s", dryRun, got.State, got.Error, diff)
				}
				if diff := cmp.Diff(append([]waitlist.ImportProblem{}, tt.want...), problems); diff != "" {
					t.Errorf("dry run %t: problems (-want +got):\n%s", dryRun, diff)
				}
			}
			if n := h.count(`SELECT count(*) FROM waitlist_import_chunk`); n != 0 {
				t.Errorf("%d chunks are left, want none", n)
			}
		})
	}
}

func TestImports_stored(t *testing.T) {
	t.Parallel()
	h := newImportHarness(t, 0)
	testdb.Exec(t, h.pool, `
		INSERT INTO waitlist_entry (phone_number, username, status, removed_at)
		VALUES ('+254700000001', 'Old', 'waiting', NULL), ('+254700000002', 'Gone', 'removed', now())`)
	const file = "name,phone,source,note\nAmina,0712345678,,'=1+1\nOther,0700000001,,\nGone,0700000002,,\nBaraka,0712345679,radio,\nGone,+254700000002,,\n"
	got, problems := h.run(waitlist.ImportSettings{Source: "fair", ConsentSource: "fair in Nakuru"}, file)

	if diff := cmp.Diff(waitlist.ImportCounts{Added: 2, Present: 2, Skipped: 1}, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]waitlist.ImportProblem{problem(4, "phone_number", "is on the list as removed")}, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for want, sql := range map[string]string{
		"entries in the order of the file": `SELECT count(*) FROM waitlist_entry
			WHERE (id, username, phone_number, source, note) IN ((3, 'Amina', '+254712345678', 'fair', '=1+1')) AND status = 'waiting' AND verified_at IS NULL
			   OR (id, username, phone_number, source) IN ((4, 'Baraka', '+254712345679', 'radio')) AND note IS NULL`,
		"consents": `SELECT count(*) FROM consent
			WHERE entry_id IN (3, 4) AND purpose = 'list' AND given AND channel = 'import' AND source = 'fair in Nakuru'`,
		"rows of the audit": `SELECT count(*) FROM audit
			WHERE action = 'entry.imported' AND subject = 'entry' AND subject_id IN (3, 4) AND actor = 'amina' AND request_id = 'R1' AND details = '{"import_id": 1}'`,
	} {
		if n := h.count(sql); n != 2 {
			t.Errorf("%d %s, want 2", n, want)
		}
	}
	if n := h.count(`SELECT count(*) FROM waitlist_entry`); n != 4 {
		t.Errorf("%d entries, want 4", n)
	}
	if n := h.count(`SELECT count(*) FROM audit`); n != 3 {
		t.Errorf("%d rows in the audit, want 3: the start and one for each entry", n)
	}
	if n := h.count(`SELECT count(*) FROM audit WHERE details::text ~ '7123|Amina'`); n != 0 {
		t.Errorf("%d rows of the audit contain personal data, want none", n)
	}
}

// people returns a file with n persons, of whom every tenth is not valid and every
// seventh has the number of the one before.
func people(n int) (file string, want waitlist.ImportCounts) {
	var out strings.Builder
	out.WriteString("name,phone\n")
	for i := range n {
		number := fmt.Sprintf("07%08d", i)
		switch {
		case i%10 == 9:
			number = "none"
			want.Invalid++
		case i%7 == 6 && (i-1)%10 != 9:
			number = fmt.Sprintf("07%08d", i-1)
			want.Present++
		default:
			want.Added++
		}
		fmt.Fprintf(&out, "Person %d,%s\n", i, number)
	}
	return out.String(), want
}

func TestImports_dry_run_changes_nothing(t *testing.T) {
	t.Parallel()
	h := newImportHarness(t, 0)
	file, want := people(2500)
	file += strings.TrimPrefix(file, "name,phone\n") // all of them again, in other batches
	want.Present += want.Added + want.Present
	want.Invalid *= 2
	dry, dryProblems := h.run(waitlist.ImportSettings{DryRun: true}, file)
	if diff := cmp.Diff(want, dry.Counts); diff != "" {
		t.Errorf("counts of the dry run (-want +got):\n%s", diff)
	}
	if n := h.count(`SELECT (SELECT count(*) FROM waitlist_entry) + (SELECT count(*) FROM consent) + (SELECT count(*) FROM audit WHERE action <> 'import.started')`); n != 0 {
		t.Errorf("the dry run stored %d rows, want none", n)
	}
	got, problems := h.run(waitlist.ImportSettings{}, file)
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(dryProblems, problems); diff != "" {
		t.Errorf("problems (-dry run +import):\n%s", diff)
	}
	if n := h.count(`SELECT max(id) - count(*) FROM waitlist_entry`); n != 0 {
		t.Errorf("%d ids were used up, want none", n)
	}
}

func TestImports_same_file(t *testing.T) {
	t.Parallel()
	h := newImportHarness(t, 0)
	file, want := people(100)
	first := h.start(h.upload(waitlist.ImportSettings{Source: "fair"}, file))
	if again := h.start(h.upload(waitlist.ImportSettings{Source: "fair"}, file)); again != first {
		t.Errorf("while the first is queued: got operation %d, want %d", again, first)
	}
	if _, err := h.operations.Run(t.Context(), first).Get(); err != nil {
		t.Fatalf("run: %v", err)
	}
	for name, settings := range map[string]waitlist.ImportSettings{
		"run":            {Source: "fair"},
		"source":         {},
		"consent_source": {Source: "fair", ConsentSource: "other"},
		"columns":        {Source: "fair", Columns: map[csvfile.Column]string{csvfile.Username: "name"}},
		"dry_run":        {Source: "fair", DryRun: true},
	} {
		got, _ := h.run(settings, file)
		if want := (waitlist.ImportCounts{Present: want.Added + want.Present, Invalid: want.Invalid}); got.Counts != want || *got.OperationID == first {
			t.Errorf("another %s: operation %d, counts %+v, want another operation than %d and %+v", name, *got.OperationID, got.Counts, first, want)
		}
	}
}

// A batch that fails is undone, and the next run goes on behind the last one that was
// committed.
func TestImports_goes_on_after_a_crash(t *testing.T) {
	t.Parallel()
	for _, dryRun := range []bool{false, true} {
		h := newImportHarness(t, 3)
		file, want := people(6500)
		file += strings.TrimPrefix(file, "name,phone\n")
		want.Present += want.Added + want.Present
		want.Invalid *= 2
		upload := h.upload(waitlist.ImportSettings{DryRun: dryRun}, file)
		id := h.start(upload)
		runs := 1
		for ; runs < 20; runs++ {
			_, err := h.operations.Run(t.Context(), id).Get()
			if err == nil {
				break
			}
			if !errors.Is(err, errKilled) {
				t.Fatalf("run %d: %v", runs, err)
			}
		}
		if got := h.get(upload.ID); got.Counts != want || got.State != "succeeded" || runs != 7 {
			t.Errorf("dry run %t: after %d runs %q with %+v, want 7 runs and %+v", dryRun, runs, got.State, got.Counts, want)
		}
		if dryRun {
			continue
		}
		entries := h.count(`SELECT count(*) FROM waitlist_entry`)
		audited := h.count(`SELECT count(DISTINCT subject_id) FROM audit WHERE action = 'entry.imported'`)
		rows := h.count(`SELECT count(*) FROM audit WHERE action = 'entry.imported'`)
		consents := h.count(`SELECT count(DISTINCT entry_id) FROM consent`)
		if n := int(want.Added); entries != n || audited != n || rows != n || consents != n {
			t.Errorf("%d entries, %d of them in %d rows of the audit, %d with consent; want %d of each", entries, audited, rows, consents, n)
		}
	}
}

func TestImports_refused_file_takes_nothing(t *testing.T) {
	t.Parallel()
	file, _ := people(3000)
	for name, tt := range map[string]struct{ file, want string }{
		"open_quote": {file + "\"Open,0712345678\n", "line 3002: a quote is opened and not closed, or is in the wrong place"},
		"zero_byte":  {file + "A\x00,0712345678\n", "line 3002: the file is not text"},
		"no_header":  {"A,0712345678\n", "line 1: this line must name the columns"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newImportHarness(t, 0)
			upload := h.upload(waitlist.ImportSettings{}, tt.file)
			id := h.start(upload)
			if state, err := h.operations.Run(t.Context(), id).Get(); state != operation.Failed || err != nil {
				t.Errorf("run: state %q, error %v, want failed", state, err)
			}
			if _, err := h.operations.Get(t.Context(), id).Get(); !fault.Is(err, fault.Invalid) || !strings.HasPrefix(fault.Of(err).Message, tt.want) {
				t.Errorf("result of the operation: %v, want %q", err, tt.want)
			}
			got := h.get(upload.ID)
			if got.State != "failed" || got.Error == nil || !strings.HasPrefix(*got.Error, tt.want) || got.Counts != (waitlist.ImportCounts{}) {
				t.Errorf("got %q with error %v and counts %+v, want failed with %q", got.State, got.Error, got.Counts, tt.want)
			}
			if n := h.count(`SELECT count(*) FROM waitlist_entry`); n != 0 {
				t.Errorf("%d entries, want none", n)
			}
			// A failed import is not in the way of the same file.
			if again := h.start(h.upload(waitlist.ImportSettings{}, tt.file)); again == id {
				t.Errorf("the same file again: got operation %d, want a new one", again)
			}
		})
	}
}

func TestImports_uploads(t *testing.T) {
	t.Parallel()
	t.Run("is_stored_in_chunks", func(t *testing.T) {
		t.Parallel()
		h := newImportHarness(t, 0)
		file := "name,phone\n" + strings.Repeat("A,0712345678\n", 60_000)
		upload := h.upload(waitlist.ImportSettings{}, file)
		if upload.Bytes != int64(len(file)) {
			t.Errorf("got %d bytes, want %d", upload.Bytes, len(file))
		}
		if n := h.count(`SELECT count(*) FROM waitlist_import_chunk WHERE length(data) <= 256 * 1024`); n != 3 {
			t.Errorf("got %d chunks of at most 256 KiB, want 3", n)
		}
		if n := h.count(`SELECT count(*) FROM waitlist_import WHERE sha256 = (SELECT sha256(string_agg(data, '' ORDER BY seq)) FROM waitlist_import_chunk)`); n != 1 {
			t.Errorf("%d imports have the hash of their chunks, want 1", n)
		}
	})
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		h := newImportHarness(t, 0)
		_, err := h.importer.Upload(h.ctx(), waitlist.ImportSettings{ConsentSource: "x"}, strings.NewReader("")).Get()
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Fields[0].Name != "body" {
			t.Errorf("got %v, want fault.Invalid for the body", err)
		}
		if n := h.count(`SELECT count(*) FROM waitlist_import`); n != 0 {
			t.Errorf("%d imports, want none", n)
		}
	})
	t.Run("breaks_off", func(t *testing.T) {
		t.Parallel()
		h := newImportHarness(t, 0)
		for _, n := range []int{0, 10, 600_000} {
			file := io.MultiReader(strings.NewReader(strings.Repeat("x", n)), iotest.ErrReader(fault.Wrap(io.ErrUnexpectedEOF, fault.Malformed, "broke off")))
			ctx, cancel := context.WithCancel(h.ctx())
			cancel() // the client has disconnected
			if n > 0 {
				ctx = h.ctx()
			}
			_, err := h.importer.Upload(ctx, waitlist.ImportSettings{ConsentSource: "x"}, file).Get()
			want := fmt.Sprintf("the upload broke off after byte %d", n)
			if !fault.Is(err, fault.Malformed) || fault.Of(err).Message != want {
				t.Errorf("got error %v, want %q", err, want)
			}
			id := h.count(`SELECT max(id) FROM waitlist_import`)
			if got := h.get(int64(id)); got.State != "failed" || got.Error == nil || *got.Error != want || got.OperationID != nil {
				t.Errorf("got %q with error %v, want failed with %q", got.State, got.Error, want)
			}
		}
		if n := h.count(`SELECT count(*) FROM waitlist_import_chunk`); n != 0 {
			t.Errorf("%d chunks, want none", n)
		}
	})
	t.Run("other_failures_leave_nothing", func(t *testing.T) {
		t.Parallel()
		h := newImportHarness(t, 0)
		want := fault.New(fault.TooLarge, "too large")
		file := io.MultiReader(strings.NewReader(strings.Repeat("x", 600_000)), iotest.ErrReader(want))
		if _, err := h.importer.Upload(h.ctx(), waitlist.ImportSettings{ConsentSource: "x"}, file).Get(); !errors.Is(err, want) {
			t.Errorf("got error %v, want %v", err, want)
		}
		if n := h.count(`SELECT (SELECT count(*) FROM waitlist_import) + (SELECT count(*) FROM waitlist_import_chunk)`); n != 0 {
			t.Errorf("%d rows are left, want none", n)
		}
	})
	t.Run("discard_keeps_an_import_with_an_operation", func(t *testing.T) {
		t.Parallel()
		h := newImportHarness(t, 0)
		started, unused := h.upload(waitlist.ImportSettings{}, "name,phone\nA,0712345678\n"), h.upload(waitlist.ImportSettings{}, "x")
		h.start(started)
		for _, upload := range []waitlist.Upload{started, unused} {
			if _, err := h.importer.Discard(t.Context(), upload).Get(); err != nil {
				t.Errorf("discard: %v", err)
			}
		}
		h.get(started.ID)
		if _, err := h.importer.Get(t.Context(), unused.ID).Get(); !fault.Is(err, fault.NotFound) {
			t.Errorf("the discarded import: got error %v, want fault.NotFound", err)
		}
	})
}

func TestImports_Import_state(t *testing.T) {
	t.Parallel()
	h := newImportHarness(t, 0)
	upload := h.upload(waitlist.ImportSettings{}, "name,phone\nA,0712345678\n")
	check := func(when string, want waitlist.ImportState, wantError string) {
		t.Helper()
		got := h.get(upload.ID)
		message := ""
		if got.Error != nil {
			message = *got.Error
		}
		if got.State != want || message != wantError {
			t.Errorf("%s: got %q with error %q, want %q with %q", when, got.State, message, want, wantError)
		}
	}
	id := h.start(upload)
	check("started", "queued", "")
	if _, err := h.operations.Cancel(t.Context(), id).Get(); err != nil {
		t.Fatal(err)
	}
	check("cancelled", "cancelled", "")
	testdb.Exec(t, h.pool, `DELETE FROM operation`)
	check("about to start", "uploading", "")
	testdb.Exec(t, h.pool, `UPDATE waitlist_import SET created_at = created_at - interval '20 minutes'`)
	check("the operation has expired", "failed", "it was not finished")
	testdb.Exec(t, h.pool, `UPDATE waitlist_import SET finished_at = now()`)
	check("the operation of a finished import has expired", "succeeded", "")
	testdb.Exec(t, h.pool, `UPDATE waitlist_import SET finished_at = NULL, sha256 = NULL`)
	check("the process was killed", "failed", "the upload broke off")
	testdb.Exec(t, h.pool, `UPDATE waitlist_import SET created_at = now()`)
	check("in progress", "uploading", "")
}

func TestImports_Imports(t *testing.T) {
	t.Parallel()
	h := newImportHarness(t, 0)
	for range 5 {
		h.upload(waitlist.ImportSettings{Source: "fair", DryRun: true, Columns: map[csvfile.Column]string{csvfile.Note: "x"}}, "x")
	}
	list := func(request page.Request) ([]int64, page.Page[waitlist.Import]) {
		p, err := h.importer.List(t.Context(), request).Get()
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, found := range p.Items {
			ids = append(ids, found.ID)
		}
		return ids, p
	}
	ids, first := list(page.Request{Limit: 3, Count: true})
	if diff := cmp.Diff([]int64{5, 4, 3}, ids); diff != "" || first.Count == nil || first.Count.N != 5 || !first.Count.Exact {
		t.Errorf("count %+v, first page (-want +got):\n%s", first.Count, diff)
	}
	ids, last := list(page.Request{Limit: 3, After: first.Next})
	if diff := cmp.Diff([]int64{2, 1}, ids); diff != "" || last.Next != nil {
		t.Errorf("next %v, second page (-want +got):\n%s", last.Next, diff)
	}
	want := waitlist.ImportSettings{Source: "fair", DryRun: true, ConsentSource: "fair", Columns: map[csvfile.Column]string{csvfile.Note: "x"}}
	if diff := cmp.Diff(want, last.Items[0].Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if age := time.Since(last.Items[0].CreatedAt); age < 0 || age > time.Minute {
		t.Errorf("the import is %v old, want a moment", age)
	}
}
