package waitlist

import (
	"context"
	"iter"

	"aisha/internal/resource"
)

// exportPage is how many entries an export reads at once. A page takes some
// milliseconds and a megabyte.
const exportPage = 2000

// ExportRequest selects the entries of an export.
type ExportRequest struct {
	Filter Filter
	Format string // for the audit
}

// ExportStore reads the list for exports. Errors of both methods:
// fault.Unavailable.
type ExportStore interface {
	// EntriesAfter returns the first entries of the filter whose id is above after, in
	// the order of their ids.
	EntriesAfter(ctx context.Context, filter Filter, after int64, limit int) ([]Entry, error)
	// RecordExport adds the export to the audit, in a transaction of its own.
	RecordExport(ctx context.Context, request ExportRequest) error
}

// Exporter exports the list.
type Exporter struct{ store ExportStore }

// NewExporter returns an Exporter.
func NewExporter(store ExportStore) *Exporter { return &Exporter{store: store} }

// Export reads the first entries and records the export. Entries that are added
// while the export is read are part of it. Errors: fault.Unavailable; then nothing is
// recorded.
func (e *Exporter) Export(ctx context.Context, request ExportRequest) resource.Resource[Export] {
	return resource.From(e.export(ctx, request))
}

func (e *Exporter) export(ctx context.Context, request ExportRequest) (Export, error) {
	first, err := e.store.EntriesAfter(ctx, request.Filter, 0, exportPage)
	if err != nil {
		return Export{}, err
	}
	if err := e.store.RecordExport(ctx, request); err != nil {
		return Export{}, err
	}
	return Export{store: e.store, filter: request.Filter, first: first}, nil
}

// Export is an export that was recorded.
type Export struct {
	store  ExportStore
	filter Filter
	first  []Entry // the first page
}

// Entries returns the entries in the order of their ids. It reads them page by page,
// so that no transaction lasts as long as the export. An error is the last item.
// Errors: fault.Unavailable.
func (e Export) Entries(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		page := e.first
		for {
			for _, entry := range page {
				if !yield(entry, nil) {
					return
				}
			}
			if len(page) < exportPage {
				return
			}
			var err error
			if page, err = e.store.EntriesAfter(ctx, e.filter, page[len(page)-1].ID, exportPage); err != nil {
				yield(Entry{}, err)
				return
			}
		}
	}
}
