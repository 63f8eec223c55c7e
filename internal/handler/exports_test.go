package handler_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/waitlist/csvfile"
)

// fakeExports is a waitlist.ExportStore with the entries of pages. It fails after the
// last page if failure is set.
type fakeExports struct {
	pages   [][]waitlist.Entry
	failure error
	block   chan struct{} // if set, the second page waits until it is closed

	mu       sync.Mutex
	recorded []waitlist.ExportRequest
}

func (f *fakeExports) EntriesAfter(ctx context.Context, _ waitlist.Filter, after int64, limit int) ([]waitlist.Entry, error) {
	if after > 0 && f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
		}
	}
	page := int(after) / limit // the ids of full pages have no gaps
	if page < len(f.pages) {
		return f.pages[page], nil
	}
	return nil, f.failure
}

func (f *fakeExports) RecordExport(_ context.Context, request waitlist.ExportRequest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recorded = append(f.recorded, request)
	return nil
}

func (f *fakeExports) requests() []waitlist.ExportRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.recorded
}

// withExports returns an option for an API whose operator token is T.
func withExports(store *fakeExports) func(*handler.Options) {
	return func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.Exports = waitlist.NewExporter(store)
		o.ReferralCode = func(id int64) string { return strings.Repeat("C", int(id)) }
	}
}

func exportRequest(query string) *http.Request {
	r := get("/operator/waiting-list/export" + query)
	r.Header.Set("Authorization", "Bearer T")
	return r
}

// exportedEntry returns an entry with the name and the note, and values in all other
// members.
func exportedEntry(name, note string) waitlist.Entry {
	at := time.Date(2026, 11, 27, 9, 0, 0, 120000000, time.FixedZone("", 3*3600))
	source, referrer, text := "web", int64(9), sensitive.NewText(note)
	return waitlist.Entry{
		ID: 1, Username: sensitive.NewText(name), PhoneNumber: sensitive.NewPhone("+254712345678"), Status: waitlist.Removed,
		Source: &source, Note: &text, VerifiedAt: &at, CreatedAt: at, InvitedAt: &at, JoinedAt: &at, RemovedAt: &at, ReferrerID: &referrer,
	}
}

func plainEntry(id int64) waitlist.Entry {
	return waitlist.Entry{
		ID: id, Username: sensitive.NewText("Amani"), PhoneNumber: sensitive.NewPhone("+254712345678"), Status: waitlist.Waiting,
		CreatedAt: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC),
	}
}

const exportHeader = "\ufeffid,username,phone_number,status,source,verified_at,created_at,invited_at,joined_at,removed_at,referral_code,referrer_id,note\r\n"

func TestExportList(t *testing.T) {
	t.Parallel()
	entries := []waitlist.Entry{exportedEntry("Zuri <Z>", "one\ntwo"), plainEntry(2)}
	at := "2026-11-27T06:00:00.12Z"
	csvBody := exportHeader +
		`1,"Zuri <Z>","'+254712345678","removed","web",` + strings.Repeat(at+",", 5) + `"C",9,"one` + "\n" + `two"` + "\r\n" +
		`2,"Amani","'+254712345678","waiting",,,2026-11-27T09:00:00Z,,,,"CC",,` + "\r\n"
	ndjsonBody := `{"id":1,"username":"Zuri <Z>","phone_number":"+254712345678","status":"removed","source":"web","verified_at":"` + at +
		`","created_at":"` + at + `","invited_at":"` + at + `","joined_at":"` + at + `","removed_at":"` + at +
		`","referral_code":"C","referrer_id":9,"note":"one\ntwo"}` + "\n" +
		`{"id":2,"username":"Amani","phone_number":"+254712345678","status":"waiting","source":null,"verified_at":null,` +
		`"created_at":"2026-11-27T09:00:00Z","invited_at":null,"joined_at":null,"removed_at":null,"referral_code":"CC","referrer_id":null,"note":null}` + "\n"
	date := time.Now().UTC().Format(time.DateOnly)
	for name, tt := range map[string]struct {
		query       string
		entries     []waitlist.Entry
		body        string
		contentType string
		file        string
		rows        string
	}{
		"csv_by_default": {"", entries, csvBody, "text/csv; charset=utf-8", "waiting-list-" + date + ".csv", "2"},
		"csv":            {"?format=csv", entries, csvBody, "text/csv; charset=utf-8", "waiting-list-" + date + ".csv", "2"},
		"ndjson":         {"?format=ndjson", entries, ndjsonBody, "application/x-ndjson", "waiting-list-" + date + ".ndjson", "2"},
		"empty_csv":      {"", nil, exportHeader, "text/csv; charset=utf-8", "waiting-list-" + date + ".csv", "0"},
		"empty_ndjson":   {"?format=ndjson", nil, "", "application/x-ndjson", "waiting-list-" + date + ".ndjson", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(withExports(&fakeExports{pages: [][]waitlist.Entry{tt.entries}}))
			got := call(t, api, exportRequest(tt.query))
			if got.status != http.StatusOK {
				t.Fatalf("got %d %s, want 200", got.status, got.body)
			}
			if diff := cmp.Diff(tt.body, got.body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			for header, want := range map[string]string{
				"Content-Type": tt.contentType, "Content-Disposition": `attachment; filename="` + tt.file + `"`, "Cache-Control": "no-store",
				"Vary": "Accept-Encoding", "Trailer": "Aisha-Rows", "Content-Encoding": "", "Content-Length": "",
			} {
				if got.header.Get(header) != want {
					t.Errorf("got %s %q, want %q", header, got.header.Get(header), want)
				}
			}
			recorder := httptest.NewRecorder()
			api.ServeHTTP(recorder, exportRequest(tt.query))
			if rows := recorder.Result().Trailer.Get("Aisha-Rows"); rows != tt.rows {
				t.Errorf("got the trailer %q, want %q", rows, tt.rows)
			}
		})
	}
}

// No text is lost on the way through the file, and no cell is a formula.
func TestExportList_texts(t *testing.T) {
	t.Parallel()
	texts := []string{
		"=1+1", "+254700000001", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r\nx", "'Abdul", "''", "O'Neil", `say "x"`, `"=1"`,
		"a,b", "a;b", "x;=1+1;", "two\nlines", "two\n=lines", "tab\there", "  =1", "＝1", "Wanjikũ 👩🏾‍🌾", "id", " space ", `\.`,
	}
	var entries []waitlist.Entry
	for i, text := range texts {
		entry := exportedEntry(text, text)
		entry.ID = int64(i + 1)
		entries = append(entries, entry)
	}
	got := call(t, newAPI(withExports(&fakeExports{pages: [][]waitlist.Entry{entries}})), exportRequest(""))
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.body, "\ufeff"))).ReadAll()
	if err != nil || len(records) != len(texts)+1 {
		t.Fatalf("parse the file: got %d records and error %v, want %d", len(records), err, len(texts)+1)
	}
	for i, record := range records[1:] {
		// encoding/csv turns a line break of two characters into one.
		want := strings.ReplaceAll(texts[i], "\r\n", "\n")
		for column, wantCell := range map[int]string{1: want, 2: "+254712345678", 12: want} {
			cell := record[column]
			if back := csvfile.UnescapeCell(cell); back != wantCell {
				t.Errorf("record %d: cell %q is %q without its apostrophes, want %q", i+1, cell, back, wantCell)
			}
			if strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("record %d: cell %q begins like a formula", i+1, cell)
			}
		}
	}
}

func TestExportList_filters(t *testing.T) {
	t.Parallel()
	store := &fakeExports{}
	got := call(t, newAPI(withExports(store)), exportRequest("?format=ndjson&q=zuri&status=waiting,invited&source=web&verified=false&referrer=7"+
		"&joined_after=2026-11-01T00:00:00Z&joined_before=2026-11-02T00:00:00%2B03:00"))
	if got.status != http.StatusOK {
		t.Fatalf("got %d %s, want 200", got.status, got.body)
	}
	source, verified, referrer := "web", false, int64(7)
	after, before := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 21, 0, 0, 0, time.UTC)
	want := []waitlist.ExportRequest{{Format: "ndjson", Filter: waitlist.Filter{
		Query: sensitive.NewText("zuri"), Statuses: []waitlist.Status{waitlist.Waiting, waitlist.Invited}, Source: &source, Verified: &verified,
		ReferrerID: &referrer, JoinedAfter: &after, JoinedBefore: &before,
	}}}
	if diff := cmp.Diff(want, store.requests(), cmp.AllowUnexported(sensitive.Text{})); diff != "" {
		t.Errorf("recorded exports (-want +got):\n%s", diff)
	}
}

// A request that is refused is not recorded.
func TestExportList_refused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		query, token string
		status       int
		code         string
		field        string
	}{
		"no_token":        {"", "", http.StatusUnauthorized, "unauthenticated", ""},
		"wrong_token":     {"", "t", http.StatusUnauthorized, "unauthenticated", ""},
		"format":          {"?format=xlsx", "T", http.StatusUnprocessableEntity, "invalid", "format"},
		"format_twice":    {"?format=csv&format=csv", "T", http.StatusUnprocessableEntity, "invalid", "format"},
		"status":          {"?status=waiting,new", "T", http.StatusUnprocessableEntity, "invalid", "status"},
		"verified":        {"?verified=maybe", "T", http.StatusUnprocessableEntity, "invalid", "verified"},
		"referrer":        {"?referrer=0", "T", http.StatusUnprocessableEntity, "invalid", "referrer"},
		"no_such_day":     {"?joined_after=2026-02-30T00:00:00Z", "T", http.StatusUnprocessableEntity, "invalid", "joined_after"},
		"unknown":         {"?name=zuri", "T", http.StatusUnprocessableEntity, "invalid", "name"},
		"limit_of_a_page": {"?limit=10", "T", http.StatusUnprocessableEntity, "invalid", "limit"},
		"order_of_a_list": {"?order=id", "T", http.StatusUnprocessableEntity, "invalid", "order"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeExports{}
			r := exportRequest(tt.query)
			r.Header.Set("Authorization", "Bearer "+tt.token)
			got := call(t, newAPI(withExports(store)), r)
			wantFailure(t, got, tt.status, tt.code)
			if tt.field != "" {
				if diff := cmp.Diff([]string{tt.field}, fieldsOf(t, got)); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
			}
			if got.header.Get("Content-Disposition") != "" || got.header.Get("Trailer") != "" {
				t.Errorf("got the headers %v, want none of an export", got.header)
			}
			if n := len(store.requests()); n != 0 {
				t.Errorf("recorded %d exports, want none", n)
			}
		})
	}
	t.Run("database_is_gone", func(t *testing.T) {
		t.Parallel()
		store := &fakeExports{failure: fault.New(fault.Unavailable, "no database")}
		wantFailure(t, call(t, newAPI(withExports(store)), exportRequest("")), http.StatusServiceUnavailable, "unavailable")
		if n := len(store.requests()); n != 0 {
			t.Errorf("recorded %d exports, want none", n)
		}
	})
}

func TestExportList_gzip(t *testing.T) {
	t.Parallel()
	api := newAPI(withExports(&fakeExports{pages: [][]waitlist.Entry{{plainEntry(1)}}}))
	plain := callUnchecked(api, exportRequest("?format=ndjson"))
	for acceptEncoding, compressed := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "*": true, "gzip;q=0": false, "identity": false, "": false,
	} {
		r := exportRequest("?format=ndjson")
		r.Header.Set("Accept-Encoding", acceptEncoding)
		got := callUnchecked(api, r)
		body := got.body
		if compressed {
			reader, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatalf("%q: open the body: %v", acceptEncoding, err)
			}
			text, err := io.ReadAll(reader)
			if err != nil {
				t.Fatalf("%q: read the body: %v", acceptEncoding, err)
			}
			body = string(text)
		}
		if body != plain.body || (got.header.Get("Content-Encoding") == "gzip") != compressed || got.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: got %q with the headers %v, want the entry and gzip=%t", acceptEncoding, body, got.header, compressed)
		}
	}
}

func TestExportList_HEAD(t *testing.T) {
	t.Parallel()
	store := &fakeExports{pages: [][]waitlist.Entry{{plainEntry(1)}}}
	r := exportRequest("")
	r.Method = http.MethodHead
	got := call(t, newAPI(withExports(store)), r)
	if got.status != http.StatusOK || got.body != "" || got.header.Get("Content-Type") != "text/csv; charset=utf-8" || len(store.requests()) != 0 {
		t.Errorf("got %d %q with the headers %v and %d recorded exports, want 200 and no body", got.status, got.body, got.header, len(store.requests()))
	}
}

// fullPage returns the page with the number n, of the size that the service reads.
func fullPage(n int) []waitlist.Entry {
	page := make([]waitlist.Entry, 2000)
	for i := range page {
		page[i] = plainEntry(int64(n*len(page) + i + 1))
	}
	return page
}

// The database fails in the middle: the client notices, and there is one warning.
func TestExportList_aborts(t *testing.T) {
	t.Parallel()
	out, logged := logTo(slog.LevelInfo)
	store := &fakeExports{pages: [][]waitlist.Entry{fullPage(0), fullPage(1)}, failure: fault.New(fault.Unavailable, "no database")}
	server := httptest.NewServer(newAPI(withExports(store), logged))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/operator/waiting-list/export?format=ndjson", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer T")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	decoder, lines := json.NewDecoder(response.Body), 0
	for err == nil {
		var entry struct{ ID int64 }
		if err = decoder.Decode(&entry); err == nil {
			lines++
		}
	}
	if err == io.EOF || lines > 4000 || response.Trailer.Get("Aisha-Rows") != "" { //nolint:errorlint // a wrapped EOF is no end
		t.Errorf("read %d entries with the trailer %q and error %v, want a broken transfer", lines, response.Trailer.Get("Aisha-Rows"), err)
	}
	server.Close() // waits for the log
	logLines := out.lines(t)
	if len(logLines) != 1 || logLines[0]["level"] != "WARN" || logLines[0]["status"] != 503.0 {
		t.Errorf("logged %v, want one warning with status 503", logLines)
	}
}

func TestExportList_limit(t *testing.T) {
	t.Parallel()
	store := &fakeExports{pages: [][]waitlist.Entry{fullPage(0)}, block: make(chan struct{})}
	api := newAPI(withExports(store))
	server := httptest.NewServer(api)
	defer server.Close()
	open := func() *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/operator/waiting-list/export", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer T")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	running := []*http.Response{open(), open()}
	wantFailure(t, call(t, api, exportRequest("")), http.StatusServiceUnavailable, "unavailable")
	if n := len(store.requests()); n != 2 {
		t.Errorf("recorded %d exports, want 2", n)
	}
	close(store.block)
	for _, response := range running {
		_, err := io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if err != nil || response.Trailer.Get("Aisha-Rows") != "2000" {
			t.Errorf("got the trailer %q and error %v, want 2000 rows", response.Trailer.Get("Aisha-Rows"), err)
		}
	}
	if got := call(t, api, exportRequest("")); got.status != http.StatusOK {
		t.Errorf("after the others have ended: got %d, want 200", got.status)
	}
}
