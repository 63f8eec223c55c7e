package waitlist_test

import (
	"context"
	"errors"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/service/waitlist"
)

// fakeExports is an ExportStore with the entries 1 to last.
type fakeExports struct {
	last      int64
	failAfter int64 // the page after this id fails; -1: none
	recordErr error

	reads    []int64 // after of each page
	recorded []waitlist.ExportRequest
}

var errRead = fault.New(fault.Unavailable, "no database")

func (f *fakeExports) EntriesAfter(_ context.Context, _ waitlist.Filter, after int64, limit int) ([]waitlist.Entry, error) {
	f.reads = append(f.reads, after)
	if after == f.failAfter {
		return nil, errRead
	}
	var entries []waitlist.Entry
	for id := after + 1; id <= f.last && len(entries) < limit; id++ {
		entries = append(entries, waitlist.Entry{ID: id})
	}
	return entries, nil
}

func (f *fakeExports) RecordExport(_ context.Context, request waitlist.ExportRequest) error {
	f.recorded = append(f.recorded, request)
	return f.recordErr
}

func TestExporter_Export(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		store     fakeExports
		wantIDs   int64
		wantReads int
		wantErr   error // of the entries
	}{
		"empty":                 {fakeExports{last: 0, failAfter: -1}, 0, 1, nil},
		"one_page":              {fakeExports{last: 1999, failAfter: -1}, 1999, 1, nil},
		"full_page":             {fakeExports{last: 2000, failAfter: -1}, 2000, 2, nil},
		"three_pages":           {fakeExports{last: 4001, failAfter: -1}, 4001, 3, nil},
		"second_page_fails":     {fakeExports{last: 4001, failAfter: 2000}, 2000, 2, errRead},
		"page_after_end_fails":  {fakeExports{last: 2000, failAfter: 2000}, 2000, 2, errRead},
		"many_pages_to_the_end": {fakeExports{last: 10_000, failAfter: -1}, 10_000, 6, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			export, err := waitlist.NewExporter(&tt.store).Export(t.Context(), waitlist.ExportRequest{Format: "csv"}).Get()
			if err != nil {
				t.Fatalf("Export: got error %v, want none", err)
			}
			var ids int64
			for entry, entryErr := range export.Entries(t.Context()) {
				if entryErr != nil {
					err = entryErr
					continue
				}
				ids++
				if entry.ID != ids {
					t.Fatalf("entry %d has the id %d, want its number", ids, entry.ID)
				}
			}
			if ids != tt.wantIDs || !errors.Is(err, tt.wantErr) || len(tt.store.reads) != tt.wantReads {
				t.Errorf("got %d entries in %d pages and error %v, want %d in %d and %v", ids, len(tt.store.reads), err, tt.wantIDs, tt.wantReads, tt.wantErr)
			}
			if len(tt.store.recorded) != 1 || tt.store.recorded[0].Format != "csv" {
				t.Errorf("recorded %v, want one export as csv", tt.store.recorded)
			}
		})
	}
	t.Run("first_page_fails", func(t *testing.T) {
		t.Parallel()
		store := &fakeExports{failAfter: 0}
		_, err := waitlist.NewExporter(store).Export(t.Context(), waitlist.ExportRequest{}).Get()
		if !errors.Is(err, errRead) || len(store.recorded) != 0 {
			t.Errorf("got error %v and %d recorded exports, want %v and none", err, len(store.recorded), errRead)
		}
	})
	t.Run("cannot_be_recorded", func(t *testing.T) {
		t.Parallel()
		store := &fakeExports{last: 1, failAfter: -1, recordErr: errRead}
		if _, err := waitlist.NewExporter(store).Export(t.Context(), waitlist.ExportRequest{}).Get(); !errors.Is(err, errRead) {
			t.Errorf("got error %v, want %v", err, errRead)
		}
	})
	t.Run("reads_no_further_than_the_consumer", func(t *testing.T) {
		t.Parallel()
		store := &fakeExports{last: 20_000, failAfter: -1}
		export, err := waitlist.NewExporter(store).Export(t.Context(), waitlist.ExportRequest{}).Get()
		if err != nil {
			t.Fatalf("Export: got error %v, want none", err)
		}
		for entry, err := range export.Entries(t.Context()) {
			if err != nil {
				t.Fatalf("Entries: got error %v, want none", err)
			}
			if entry.ID == 2001 {
				break
			}
		}
		if len(store.reads) != 2 {
			t.Errorf("read %d pages, want 2", len(store.reads))
		}
	})
}
