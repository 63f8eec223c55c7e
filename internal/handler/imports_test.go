package handler_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/page"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/waitlist/csvfile"
)

// fakeImports keeps what is uploaded in memory.
type fakeImports struct {
	mu        sync.Mutex
	settings  []waitlist.ImportSettings
	files     []string
	started   []waitlist.Upload
	discarded []waitlist.Upload

	begun    chan struct{} // receives a value when an upload begins; may be nil
	startErr error
	imports  []waitlist.Import
	problems []waitlist.ImportProblem
}

func (f *fakeImports) Upload(_ context.Context, settings waitlist.ImportSettings, file io.Reader) resource.Resource[waitlist.Upload] {
	if f.begun != nil {
		f.begun <- struct{}{}
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return resource.Failure[waitlist.Upload](err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settings, f.files = append(f.settings, settings), append(f.files, string(content))
	hash := sha256.Sum256(content)
	return resource.Success(waitlist.Upload{ID: int64(len(f.files)), SHA256: hash[:], Bytes: int64(len(content))})
}

func (f *fakeImports) Discard(_ context.Context, upload waitlist.Upload) resource.Resource[struct{}] {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.discarded = append(f.discarded, upload)
	return resource.Success(struct{}{})
}

func (f *fakeImports) Start(_ context.Context, upload waitlist.Upload) resource.Resource[waitlist.ImportResult] {
	if f.startErr != nil {
		return resource.Failure[waitlist.ImportResult](f.startErr)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = append(f.started, upload)
	return resource.Loading[waitlist.ImportResult]("/operator/operations/7")
}

func (f *fakeImports) Get(_ context.Context, id int64) resource.Resource[waitlist.Import] {
	for _, found := range f.imports {
		if found.ID == id {
			return resource.Success(found)
		}
	}
	return resource.Failure[waitlist.Import](fault.New(fault.NotFound, "there is no import with this id"))
}

func (f *fakeImports) List(context.Context, page.Request) resource.Resource[page.Page[waitlist.Import]] {
	return resource.Success(page.Page[waitlist.Import]{Items: f.imports, Next: []int64{3}})
}

func (f *fakeImports) Problems(_ context.Context, _ int64, afterLine int) resource.Resource[[]waitlist.ImportProblem] {
	for _, problem := range f.problems {
		if problem.Line > afterLine {
			return resource.Success([]waitlist.ImportProblem{problem}) // pages of one
		}
	}
	return resource.Success[[]waitlist.ImportProblem](nil)
}

// newImportAPI returns an API whose operator token is T.
func newImportAPI(imports *fakeImports, change ...func(*handler.Options)) http.Handler {
	return newAPI(append(change, func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.Imports = imports
	})...)
}

// csvPost returns the upload of a file.
func csvPost(query, file string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/operator/imports"+query, strings.NewReader(file))
	r.Header.Set("Content-Type", "text/csv")
	return asOperator(r)
}

const people = "name,phone\nA,0712345678\n"

// formBody returns a form whose parts are pairs of a file name and a content. A part
// without a file name is a plain field.
func formBody(t *testing.T, parts ...[2]string) (contentType, body string) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	for _, part := range parts {
		var field io.Writer
		var err error
		if part[0] == "" {
			field, err = form.CreateFormField("field")
		} else {
			field, err = form.CreateFormFile("file", part[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(field, part[1])
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), out.String()
}

func TestStartImport(t *testing.T) {
	t.Parallel()
	t.Run("settings_and_file", func(t *testing.T) {
		t.Parallel()
		imports := &fakeImports{}
		got := call(t, newImportAPI(imports), csvPost("?dry_run=true&source=+fair+&consent_source=fair+in+Nakuru&columns=username:Member,phone_number:Line+1", people))
		if got.status != http.StatusAccepted || got.header.Get("Location") != "/operator/operations/7" || got.body != `{"status":"loading","data":null}` {
			t.Errorf("got %d, Location %q, %s; want 202, /operator/operations/7, loading", got.status, got.header.Get("Location"), got.body)
		}
		want := []waitlist.ImportSettings{{
			DryRun: true, Source: "fair", ConsentSource: "fair in Nakuru",
			Columns: map[csvfile.Column]string{csvfile.Username: "Member", csvfile.PhoneNumber: "Line 1"},
		}}
		if diff := cmp.Diff(want, imports.settings); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{people}, imports.files); diff != "" || len(imports.started) != 1 {
			t.Errorf("started %d imports, want 1; files (-want +got):\n%s", len(imports.started), diff)
		}
	})
	t.Run("accepted_types", func(t *testing.T) {
		t.Parallel()
		form, formFile := formBody(t, [2]string{"people.csv", people})
		for contentType, body := range map[string]string{
			"text/csv": people, "text/csv; charset=utf-8": people, "Text/CSV; charset=UTF-16LE": people, form: formFile,
		} {
			imports := &fakeImports{}
			r := csvPost("?consent_source=x", body)
			r.Header.Set("Content-Type", contentType)
			got := callUndescribed(t, newImportAPI(imports), r)
			if diff := cmp.Diff([]string{people}, imports.files); diff != "" || got.status != http.StatusAccepted {
				t.Errorf("%s: got %d %s, want 202; files (-want +got):\n%s", contentType, got.status, got.body, diff)
			}
		}
	})
	t.Run("upload_is_discarded_if_it_is_not_started", func(t *testing.T) {
		t.Parallel()
		imports := &fakeImports{startErr: errors.New("no")}
		got := call(t, newImportAPI(imports), csvPost("?consent_source=x", people))
		wantFailure(t, got, http.StatusInternalServerError, "internal")
		if len(imports.discarded) != 1 || imports.discarded[0].ID != 1 {
			t.Errorf("discarded %v, want the upload", imports.discarded)
		}
	})
	// For the idempotency key, two forms with the same file are the same request.
	t.Run("body_of_the_attempt_is_the_file", func(t *testing.T) {
		t.Parallel()
		actions := &fakeActions{}
		var hashes [][]byte
		for range 2 {
			contentType, body := formBody(t, [2]string{"people.csv", people})
			r := csvPost("?consent_source=x", body)
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Idempotency-Key", "k")
			call(t, newImportAPI(&fakeImports{}, func(o *handler.Options) { o.Actions = actions }), r)
			hash, err := actions.attempts[len(actions.attempts)-1].HashBody()
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, hash)
		}
		if !bytes.Equal(hashes[0], hashes[1]) {
			t.Errorf("got the hashes %x and %x, want the same", hashes[0], hashes[1])
		}
	})
}

func TestStartImport_rejected(t *testing.T) {
	t.Parallel()
	twoFiles, twoFilesBody := formBody(t, [2]string{"a.csv", people}, [2]string{"b.csv", people})
	field, fieldBody := formBody(t, [2]string{"", "x"}, [2]string{"a.csv", people})
	empty, emptyBody := formBody(t)
	whole, wholeBody := formBody(t, [2]string{"a.csv", people})
	for name, tt := range map[string]struct {
		query, contentType, encoding, body string
		status                             int
		want                               string // part of the body
	}{
		"no_consent_source":     {query: "", status: 422, want: `"field":"consent_source","code":"required"`},
		"blank_consent_source":  {query: "?consent_source=+", status: 422, want: `"field":"consent_source","code":"required"`},
		"long_consent_source":   {query: "?consent_source=" + strings.Repeat("x", 201), status: 422, want: `"field":"consent_source","code":"too_long"`},
		"long_source":           {query: "?consent_source=x&source=" + strings.Repeat("x", 65), status: 422, want: `"field":"source","code":"too_long"`},
		"control_character":     {query: "?consent_source=a%0Ab", status: 422, want: `"field":"consent_source","code":"control_character"`},
		"dry_run":               {query: "?consent_source=x&dry_run=1", status: 422, want: `"field":"dry_run"`},
		"unknown_column":        {query: "?consent_source=x&columns=email:E-Mail", status: 422, want: `"field":"columns"`},
		"column_without_name":   {query: "?consent_source=x&columns=username", status: 422, want: `"field":"columns"`},
		"repeated_column":       {query: "?consent_source=x&columns=username:a,username:b", status: 422, want: `"field":"columns"`},
		"unknown_parameter":     {query: "?consent_source=x&dryrun=true", status: 422, want: `"field":"dryrun"`},
		"json":                  {query: "?consent_source=x", contentType: "application/json", status: 415, want: "unsupported_media_type"},
		"no_type":               {query: "?consent_source=x", contentType: " ", status: 415, want: "unsupported_media_type"},
		"other_charset":         {query: "?consent_source=x", contentType: "text/csv; charset=iso-8859-1", status: 415, want: "unsupported_media_type"},
		"form_without_boundary": {query: "?consent_source=x", contentType: "multipart/form-data", status: 415, want: "unsupported_media_type"},
		"compressed":            {query: "?consent_source=x", encoding: "gzip", status: 415, want: "unsupported_media_type"},
		"two_files":             {query: "?consent_source=x", contentType: twoFiles, body: twoFilesBody, status: 422, want: `"field":"body"`},
		"field_before_the_file": {query: "?consent_source=x", contentType: field, body: fieldBody, status: 422, want: `"field":"body"`},
		"form_without_parts":    {query: "?consent_source=x", contentType: empty, body: emptyBody, status: 422, want: `"field":"body"`},
		"form_that_is_cut":      {query: "?consent_source=x", contentType: whole, body: wholeBody[:len(wholeBody)-10], status: 400, want: "malformed"},
		"form_that_is_no_form":  {query: "?consent_source=x", contentType: whole, body: people, status: 422, want: `"field":"body"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			imports := &fakeImports{}
			r := csvPost(tt.query, people+tt.body)
			if tt.body != "" {
				r = csvPost(tt.query, tt.body)
			}
			if tt.contentType != "" {
				r.Header.Set("Content-Type", strings.TrimSpace(tt.contentType))
			}
			if tt.encoding != "" {
				r.Header.Set("Content-Encoding", tt.encoding)
			}
			got := call(t, newImportAPI(imports), r)
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want %d with %s", got.status, got.body, tt.status, tt.want)
			}
			if len(imports.started) != 0 {
				t.Errorf("started %d imports, want none", len(imports.started))
			}
		})
	}
}

func TestStartImport_size(t *testing.T) {
	t.Parallel()
	const limit = 64 << 20
	for name, tt := range map[string]struct {
		size      int64
		announced bool
		status    int
	}{
		"limit":                   {limit, false, http.StatusAccepted},
		"limit_announced":         {limit, true, http.StatusAccepted},
		"one_byte_more":           {limit + 1, false, http.StatusRequestEntityTooLarge},
		"one_byte_more_announced": {limit + 1, true, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := csvPost("?consent_source=x", "")
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(spaces{}, tt.size)), -1
			if tt.announced {
				r.ContentLength = tt.size
			}
			got := callUnchecked(newImportAPI(&fakeImports{}), r)
			if got.status != tt.status {
				t.Errorf("got %d %s, want %d", got.status, got.body, tt.status)
			}
		})
	}
}

// spaces is an endless body.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestStartImport_concurrency(t *testing.T) {
	t.Parallel()
	imports := &fakeImports{begun: make(chan struct{})}
	api := newImportAPI(imports)
	release, body := make(chan struct{}), func(end chan struct{}) io.Reader {
		return io.MultiReader(strings.NewReader(people), readerFunc(func([]byte) (int, error) { <-end; return 0, io.EOF }))
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			r := csvPost("?consent_source=x", "")
			r.Body = io.NopCloser(body(release))
			if got := callUnchecked(api, r); got.status != http.StatusAccepted {
				t.Errorf("got %d %s, want 202", got.status, got.body)
			}
		})
		<-imports.begun
	}
	wantFailure(t, call(t, api, csvPost("?consent_source=x", people)), http.StatusServiceUnavailable, "unavailable")
	close(release)
	group.Wait()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestGetImport(t *testing.T) {
	t.Parallel()
	operation, message := int64(12), "the upload broke off after byte 7"
	imports := &fakeImports{imports: []waitlist.Import{
		{
			ID: 4, State: "running", Settings: waitlist.ImportSettings{DryRun: true, Source: "fair", ConsentSource: "x"}, CreatedAt: time.Unix(0, 0),
			Counts: waitlist.ImportCounts{Added: 1, Present: 2, Invalid: 3, Skipped: 4}, OperationID: &operation,
		},
		{ID: 3, State: waitlist.ImportFailed, Settings: waitlist.ImportSettings{ConsentSource: "x"}, CreatedAt: time.Unix(0, 0), Error: &message},
	}}
	api := newImportAPI(imports)
	running := `{"id":4,"state":"running","dry_run":true,"source":"fair","consent_source":"x","created_at":"1970-01-01T00:00:00Z",` +
		`"added":1,"present":2,"invalid":3,"skipped":4,"error":null,"operation":"/operator/operations/12","report":"/operator/imports/4/report.csv"}`
	failed := `{"id":3,"state":"failed","dry_run":false,"source":null,"consent_source":"x","created_at":"1970-01-01T00:00:00Z",` +
		`"added":0,"present":0,"invalid":0,"skipped":0,"error":"the upload broke off after byte 7","operation":null,"report":"/operator/imports/3/report.csv"}`
	for path, want := range map[string]string{
		"/operator/imports/4": `{"status":"success","data":` + running + `}`,
		"/operator/imports/3": `{"status":"success","data":` + failed + `}`,
	} {
		if got := call(t, api, asOperator(get(path))); got.status != http.StatusOK || got.body != want {
			t.Errorf("%s: got %d %s, want 200 %s", path, got.status, got.body, want)
		}
	}
	list := call(t, api, asOperator(get("/operator/imports?limit=2")))
	if !strings.HasPrefix(list.body, `{"status":"success","data":{"items":[`+running+`,`+failed+`],"next":"`) || list.header.Get("Link") == "" {
		t.Errorf("list: got %s with Link %q, want both imports and the next page", list.body, list.header.Get("Link"))
	}
	for _, path := range []string{"/operator/imports/5", "/operator/imports/x", "/operator/imports/5/report.csv"} {
		wantFailure(t, call(t, api, asOperator(get(path))), http.StatusNotFound, "not_found")
	}
}

func TestGetImportReport(t *testing.T) {
	t.Parallel()
	imports := &fakeImports{imports: []waitlist.Import{{ID: 4}}, problems: []waitlist.ImportProblem{
		{Line: 2, Field: "phone_number", Message: "must be a number, for example 1"}, {Line: 7, Field: "line", Message: "x"},
	}}
	server := httptest.NewServer(newImportAPI(imports))
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL+"/operator/imports/4/report.csv", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(asOperator(r))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	want := "line,field,message\r\n2,phone_number,\"must be a number, for example 1\"\r\n7,line,x\r\n"
	if err != nil || response.StatusCode != http.StatusOK || string(body) != want {
		t.Errorf("got %d %q, error %v, want 200 %q", response.StatusCode, body, err, want)
	}
	if response.Trailer.Get("Aisha-Rows") != "2" {
		t.Errorf("got the trailer %v, want 2 rows", response.Trailer)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": `attachment; filename="import-4-report.csv"`,
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Errors of the body must keep the connection from being used again.
func TestStartImport_body_breaks_off(t *testing.T) {
	t.Parallel()
	r := csvPost("?consent_source=x", "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(people), iotest.ErrReader(fmt.Errorf("reset"))))
	got := callUnchecked(newImportAPI(&fakeImports{}), r)
	wantFailure(t, got, http.StatusBadRequest, "malformed")
	if got.header.Get("Connection") != "close" {
		t.Errorf("got Connection %q, want close", got.header.Get("Connection"))
	}
}
