package handler

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"aisha/internal/fault"
	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/waitlist/csvfile"
)

const (
	// maxImport limits the body of an upload, in bytes. api/openapi.yaml documents it.
	maxImport = 64 << 20
	// maxUploads limits the uploads in progress.
	maxUploads = 8
	// maxReports limits the reports in progress.
	maxReports = 4
)

// importBody is the JSON form of an import.
type importBody struct {
	ID            int64                `json:"id"`
	State         waitlist.ImportState `json:"state"`
	DryRun        bool                 `json:"dry_run"`
	Source        *string              `json:"source"`
	ConsentSource string               `json:"consent_source"`
	CreatedAt     time.Time            `json:"created_at"`
	waitlist.ImportCounts
	Error     *string `json:"error"`
	Operation *string `json:"operation"`
	Report    string  `json:"report"`
}

// upload is what uploadImport leaves to startImport.
type upload struct {
	stored waitlist.Upload
	err    error // the request is not valid; nothing was read
}

type uploadKey struct{}

// uploadImport is middleware that stores the file of POST /operator/imports before the
// transaction of guard.Change, which must not wait for a client. For guard.Change, the
// body is the hash of the file: two uploads of a form have different boundaries.
func uploadImport(service Imports) guard.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			settings, err := parseImportSettings(r)
			var file *wire.Upload
			if err == nil {
				file, err = wire.OpenUpload(r, maxImport)
			}
			if err != nil {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), uploadKey{}, upload{err: err})))
				return
			}
			stored, err := service.Upload(r.Context(), settings, file).Get()
			if err != nil {
				wire.WriteFailure(w, r, err)
				return
			}
			// It remains if an operation was started for it. An error leaves it to the
			// sweep of expired rows.
			defer func() { _, _ = service.Discard(context.WithoutCancel(r.Context()), stored).Get() }()
			r = r.WithContext(context.WithValue(r.Context(), uploadKey{}, upload{stored: stored}))
			r.Body = io.NopCloser(bytes.NewReader(stored.SHA256))
			next.ServeHTTP(w, r)
		})
	}
}

// startImport handles POST /operator/imports, after uploadImport.
func startImport(service Imports) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		uploaded, _ := r.Context().Value(uploadKey{}).(upload)
		if uploaded.err != nil {
			return wire.Response{}, uploaded.err
		}
		return wire.FromResource(service.Start(r.Context(), uploaded.stored))
	}
}

// parseImportSettings parses the parameters of an import.
func parseImportSettings(r *http.Request) (waitlist.ImportSettings, error) {
	q := parseQuery(r)
	typed := waitlist.ImportSettings{
		DryRun:        q.oneOf("dry_run", "false", "true", "false") == "true",
		Source:        q.text("source"),
		ConsentSource: q.text("consent_source"),
		Columns:       parseImportColumns(q),
	}
	if err := q.err(); err != nil {
		return waitlist.ImportSettings{}, err
	}
	return waitlist.NewImportSettings(typed)
}

// parseImportColumns parses pairs of a column and its name in the file.
func parseImportColumns(q *query) map[csvfile.Column]string {
	text := q.text("columns")
	if text == "" {
		return nil
	}
	columns := map[csvfile.Column]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, inFile, _ := strings.Cut(pair, ":")
		column := csvfile.Column(strings.TrimSpace(name))
		_, isRepeated := columns[column]
		if !slices.Contains(csvfile.Columns(), column) || isRepeated || strings.TrimSpace(inFile) == "" {
			q.reject("columns", fault.FieldInvalidValue,
				"must be a list such as username:Name,phone_number:Phone, with username, phone_number, source or note before each colon")
			return nil
		}
		columns[column] = strings.TrimSpace(inFile)
	}
	return columns
}

func importID(r *http.Request) (int64, error) {
	return parseID(chi.URLParam(r, "id"), "there is no import with this id")
}

// listImports handles GET /operator/imports.
func listImports(service Imports) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		q := parseQuery(r)
		request := parsePage(q, 1)
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		return pageResponse(r, service.List(r.Context(), request), newImportBody)
	}
}

// getImport handles GET /operator/imports/{id}.
func getImport(service Imports) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := importID(r)
		if err != nil {
			return wire.Response{}, err
		}
		return wire.FromResource(resource.Map(service.Get(r.Context(), id), newImportBody))
	}
}

// getImportReport handles GET /operator/imports/{id}/report.csv.
func getImportReport(service Imports) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := importID(r)
		if err != nil {
			return wire.Response{}, err
		}
		if _, err := service.Get(r.Context(), id).Get(); err != nil {
			return wire.Response{}, err
		}
		return wire.Response{
			Status:      http.StatusOK,
			Header:      http.Header{"Content-Disposition": {`attachment; filename="import-` + strconv.FormatInt(id, 10) + `-report.csv"`}},
			ContentType: "text/csv; charset=utf-8",
			Body: wire.Stream{
				Trailer: rowsTrailer,
				Write: func(out io.Writer) (string, error) {
					rows, err := writeImportReport(r.Context(), out, service, id)
					return strconv.Itoa(rows), err
				},
			},
		}, nil
	}
}

// writeImportReport writes the problems of an import, page by page.
func writeImportReport(ctx context.Context, out io.Writer, service Imports, id int64) (rows int, err error) {
	report := csv.NewWriter(out)
	report.UseCRLF = true
	_ = report.Write([]string{"line", "field", "message"}) // Flush makes the error known
	for line := 0; ; {
		problems, err := service.Problems(ctx, id, line).Get()
		if err != nil {
			return rows, err
		}
		for _, problem := range problems {
			line = problem.Line
			_ = report.Write([]string{strconv.Itoa(line), problem.Field, problem.Message})
		}
		rows += len(problems)
		report.Flush()
		if err := report.Error(); err != nil || len(problems) == 0 {
			return rows, err
		}
	}
}

func newImportBody(found waitlist.Import) importBody {
	body := importBody{
		ID:            found.ID,
		State:         found.State,
		DryRun:        found.Settings.DryRun,
		ConsentSource: found.Settings.ConsentSource,
		CreatedAt:     found.CreatedAt.UTC(),
		ImportCounts:  found.Counts,
		Error:         found.Error,
		Report:        waitlist.ReportLocation(found.ID),
	}
	if found.Settings.Source != "" {
		body.Source = &found.Settings.Source
	}
	if found.OperationID != nil {
		location := operation.Location(*found.OperationID)
		body.Operation = &location
	}
	return body
}
