package waitlist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"aisha/internal/fault"
	"aisha/internal/page"
	"aisha/internal/resource"
	"aisha/internal/service/waitlist/csvfile"
)

const (
	// ImportKind is the kind of the operation that imports a file.
	ImportKind = "import"
	// uploadChunk is how much of a file is stored at once, in bytes.
	uploadChunk = 256 << 10
	// problemPage is how many problems of a report are read at once.
	problemPage = 1000
)

// ImportSettings say how a file is imported. NewImportSettings makes them.
type ImportSettings struct {
	DryRun        bool   // only count
	Source        string // of entries for which the file has none; empty: none
	ConsentSource string // where the people agreed to be on the list
	// Columns are the names of columns in the header of the file. The others are
	// recognized by usual names.
	Columns map[csvfile.Column]string
}

// NewImportSettings cleans the texts of settings. Errors: fault.Invalid.
func NewImportSettings(typed ImportSettings) (ImportSettings, error) {
	settings := typed
	var invalid []fault.Field
	clean := func(field, text string, limit int) string {
		cleaned, problem := cleanLine(text, limit)
		if problem != nil {
			problem.Name = field
			invalid = append(invalid, *problem)
		}
		return cleaned
	}
	settings.Source = clean("source", typed.Source, maxLabel)
	settings.ConsentSource = clean("consent_source", typed.ConsentSource, maxConsentSource)
	if invalid == nil && settings.ConsentSource == "" {
		invalid = append(invalid, fault.Field{
			Name: "consent_source", Code: fault.FieldRequired,
			Message: "must say where these people agreed to be on the list",
		})
	}
	if invalid != nil {
		return ImportSettings{}, fault.InvalidFields(invalid)
	}
	return settings, nil
}

// Upload is a file that is stored and not yet imported.
type Upload struct {
	ID       int64 // of the import
	Settings ImportSettings
	SHA256   []byte
	Bytes    int64
}

// ImportState is how far an import is. The states after uploading are those of the
// operation.
type ImportState string

// The states that have a name here.
const (
	ImportUploading ImportState = "uploading"
	ImportFailed    ImportState = "failed"
)

// Import is a file of people and what has become of them.
type Import struct {
	ID          int64
	State       ImportState
	Settings    ImportSettings
	CreatedAt   time.Time
	Counts      ImportCounts
	Error       *string // why it failed
	OperationID *int64  // nil: the upload goes on or failed, or the operation has expired
}

// ImportCounts are the numbers of records by what has become of them.
type ImportCounts struct {
	Added   int64 `json:"added"`
	Present int64 `json:"present"` // on the list already, or earlier in the file
	Invalid int64 `json:"invalid"`
	Skipped int64 `json:"skipped"` // on the list as removed
}

// ImportProblem is a record that was not taken. It repeats nothing from the file.
type ImportProblem struct {
	Line    int
	Field   string // one or more columns, or "line"
	Message string
}

// ImportStore keeps files and imports. Errors of all methods: fault.Unavailable.
type ImportStore interface {
	UploadStore
	BatchStore

	// Start starts the operation of an upload, in the transaction of ctx, and records
	// it in the audit. It returns the id of the operation, or that of an operation
	// that is importing the same file with the same settings.
	Start(ctx context.Context, upload Upload) (operationID int64, err error)
	Import(ctx context.Context, id int64) (Import, error) // also fault.NotFound
	// Imports returns the newest imports first.
	Imports(ctx context.Context, request page.Request) (page.Page[Import], error)
	// Problems returns the problems after a line, in the order of their lines.
	Problems(ctx context.Context, importID int64, afterLine, limit int) ([]ImportProblem, error)
}

// UploadStore keeps files while they arrive. Each call is a transaction of its own.
type UploadStore interface {
	BeginUpload(ctx context.Context, settings ImportSettings) (id int64, err error)
	AddChunk(ctx context.Context, id int64, seq int, data []byte) error
	EndUpload(ctx context.Context, upload Upload) error
	// FailUpload deletes the file and keeps the import with a message.
	FailUpload(ctx context.Context, id, bytes int64, message string) error
	// DropUpload deletes the import with its file, unless it has an operation.
	DropUpload(ctx context.Context, id int64) error
}

// Importer imports files of people.
type Importer struct {
	store    ImportStore
	location func(operationID int64) string
}

// NewImporter returns an Importer. location returns the address of an operation.
func NewImporter(store ImportStore, location func(operationID int64) string) *Importer {
	return &Importer{store: store, location: location}
}

// Upload stores a file. It keeps one chunk in memory. If the file breaks off, an import
// stays that says after which byte. Errors: those of the file, fault.Invalid for an
// empty file, fault.Unavailable.
func (i *Importer) Upload(ctx context.Context, settings ImportSettings, file io.Reader) resource.Resource[Upload] {
	return resource.From(i.upload(ctx, settings, file))
}

// Discard deletes an upload for which no operation was started. Errors:
// fault.Unavailable.
func (i *Importer) Discard(ctx context.Context, upload Upload) resource.Resource[struct{}] {
	return resource.From(struct{}{}, i.store.DropUpload(ctx, upload.ID))
}

// Start starts the import of an upload, in the transaction of ctx. It is loading, at
// the address of the operation. Errors: fault.Unavailable.
func (i *Importer) Start(ctx context.Context, upload Upload) resource.Resource[ImportResult] {
	id, err := i.store.Start(ctx, upload)
	if err != nil {
		return resource.Failure[ImportResult](err)
	}
	return resource.Loading[ImportResult](i.location(id))
}

// Get returns an import. Errors: fault.NotFound, fault.Unavailable.
func (i *Importer) Get(ctx context.Context, id int64) resource.Resource[Import] {
	return resource.From(i.store.Import(ctx, id))
}

// List returns a page of imports, the newest first. Errors: fault.Unavailable.
func (i *Importer) List(ctx context.Context, request page.Request) resource.Resource[page.Page[Import]] {
	return resource.From(i.store.Imports(ctx, request))
}

// Problems returns the problems of an import after a line, and an empty list at the
// end. Errors: fault.Unavailable.
func (i *Importer) Problems(ctx context.Context, id int64, afterLine int) resource.Resource[[]ImportProblem] {
	return resource.From(i.store.Problems(ctx, id, afterLine, problemPage))
}

func (i *Importer) upload(ctx context.Context, settings ImportSettings, file io.Reader) (Upload, error) {
	upload := Upload{Settings: settings}
	hash := sha256.New()
	buffer := make([]byte, uploadChunk)
	for seq := 0; ; seq++ {
		n, readErr := fill(buffer, file)
		isEnd := errors.Is(readErr, io.EOF)
		upload.Bytes += int64(n)
		if readErr != nil && !isEnd {
			return Upload{}, i.failUpload(ctx, upload, readErr)
		}
		if upload.Bytes == 0 {
			return Upload{}, fault.InvalidField("body", fault.FieldRequired, "is empty")
		}
		if err := i.addChunk(ctx, &upload, seq, buffer[:n]); err != nil {
			return Upload{}, i.failUpload(ctx, upload, err)
		}
		_, _ = hash.Write(buffer[:n])
		if isEnd {
			break
		}
	}
	upload.SHA256 = hash.Sum(nil)
	if err := i.store.EndUpload(ctx, upload); err != nil {
		return Upload{}, i.failUpload(ctx, upload, err)
	}
	return upload, nil
}

// fill reads until the buffer is full. It returns io.EOF at the end of the file, and
// every other error as it is: io.ReadFull would make the end of a file look like a file
// that was cut.
func fill(buffer []byte, file io.Reader) (n int, err error) {
	for n < len(buffer) && err == nil {
		var read int
		read, err = file.Read(buffer[n:])
		n += read
	}
	return n, err
}

// addChunk stores a chunk, and the import before its first one.
func (i *Importer) addChunk(ctx context.Context, upload *Upload, seq int, data []byte) error {
	if err := i.begin(ctx, upload); err != nil || len(data) == 0 {
		return err
	}
	return i.store.AddChunk(ctx, upload.ID, seq, data)
}

func (i *Importer) begin(ctx context.Context, upload *Upload) error {
	if upload.ID != 0 {
		return nil
	}
	var err error
	upload.ID, err = i.store.BeginUpload(ctx, upload.Settings)
	return err
}

// failUpload returns the error of an upload and deletes its file. The client may have
// disconnected, which cancels ctx. If the database cannot be reached, the file is
// deleted later, with those that expire.
func (i *Importer) failUpload(ctx context.Context, upload Upload, err error) error {
	ctx = context.WithoutCancel(ctx)
	if fault.Is(err, fault.Malformed) {
		message := fmt.Sprintf("the upload broke off after byte %d", upload.Bytes)
		if beginErr := i.begin(ctx, &upload); beginErr == nil {
			_ = i.store.FailUpload(ctx, upload.ID, upload.Bytes, message)
		}
		return fault.Wrap(err, fault.Malformed, message)
	}
	if upload.ID != 0 {
		_ = i.store.DropUpload(ctx, upload.ID)
	}
	return err
}
