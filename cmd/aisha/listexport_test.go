package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisha/internal/config"
	"aisha/internal/sensitive"
)

func TestParseExportArgs(t *testing.T) {
	t.Parallel()
	got, err := parseExportArgs([]string{
		"--format", "ndjson", "--output=list.ndjson", "--q", "zuri & co", "--status", "waiting,invited", "--source", "web",
		"--verified", "true", "-referrer", "7", "--joined-after", "2026-11-01T00:00:00Z", "--joined-before", "2026-11-02T00:00:00Z",
	})
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	want := "format=ndjson&joined_after=2026-11-01T00%3A00%3A00Z&joined_before=2026-11-02T00%3A00%3A00Z&q=zuri+%26+co&referrer=7" +
		"&source=web&status=waiting%2Cinvited&verified=true"
	if got.output != "list.ndjson" || got.query.Encode() != want {
		t.Errorf("got output %q and query\n%s, want list.ndjson and\n%s", got.output, got.query.Encode(), want)
	}
}

func TestParseExportArgs_wrongUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"list.csv":           `takes no argument "list.csv"; name a file with --output`,
		"--limit 3":          "-limit",
		"--format":           "needs an argument",
		"--status waiting x": `takes no argument "x"`,
	} {
		if _, err := parseExportArgs(strings.Fields(args)); !errors.Is(err, errUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want wrong usage with %q", args, err, want)
		}
	}
}

func TestAPIURL(t *testing.T) {
	t.Parallel()
	token := sensitive.NewSecret("T")
	for name, tt := range map[string]struct {
		client    config.Client
		want, err string
	}{
		"configured":      {config.Client{URL: "https://example.com/aisha", Port: 8000, AdminToken: token}, "https://example.com/aisha", ""},
		"this_machine":    {config.Client{Host: "0.0.0.0", Port: 8000, AdminToken: token}, "http://127.0.0.1:8000", ""},
		"ipv6":            {config.Client{Host: "::", Port: 8000, AdminToken: token}, "http://[::1]:8000", ""},
		"unknown_port":    {config.Client{Host: "0.0.0.0", AdminToken: token}, "", "set AISHA_URL"},
		"without_a_token": {config.Client{URL: "https://example.com"}, "", "ADMIN_TOKEN is not set"},
	} {
		got, err := apiURL(tt.client)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, error %v; want %q and an error with %q", name, got, err, tt.want, tt.err)
		}
	}
}

const exportedCSV = "\ufeffid,username,note\r\n1,\"Zuri \"\"Z\"\"\",\"two\nlines\"\r\n2,\"Amani\",\r\n"

// newExporter returns an exporter of a server with the handler, and its messages.
func newExporter(t *testing.T, h http.HandlerFunc) (exporter, func() string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "messages")
	messages, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = messages.Close() })
	return exporter{client: newAPIClient(server.URL, sensitive.NewSecret("T")), messages: messages}, func() string { return readFile(t, path) }
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sendExport responds with the body and the trailer, as the API does.
func sendExport(w http.ResponseWriter, contentType, body, rows string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Trailer", "Aisha-Rows")
	_, _ = io.WriteString(w, body)
	if rows != "" {
		w.Header().Set("Aisha-Rows", rows)
	}
}

func TestExporter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		send func(http.ResponseWriter)
		want string // the file; empty: none
		err  string // part of the error; empty: none
	}{
		"csv":    {func(w http.ResponseWriter) { sendExport(w, "text/csv; charset=utf-8", exportedCSV, "2") }, exportedCSV, ""},
		"ndjson": {func(w http.ResponseWriter) { sendExport(w, "application/x-ndjson", "{\"a\":\"\\\"\"}\n{}\n", "2") }, "{\"a\":\"\\\"\"}\n{}\n", ""},
		"empty":  {func(w http.ResponseWriter) { sendExport(w, "text/csv", "id\r\n", "0") }, "id\r\n", ""},
		"gzip": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			var packed strings.Builder
			z := gzip.NewWriter(&packed)
			_, _ = io.WriteString(z, exportedCSV)
			_ = z.Close()
			sendExport(w, "text/csv", packed.String(), "2")
		}, exportedCSV, ""},
		"too_few_rows": {func(w http.ResponseWriter) { sendExport(w, "text/csv", exportedCSV, "3") }, "", "has 2 rows, but the service has sent 3"},
		"no_trailer":   {func(w http.ResponseWriter) { sendExport(w, "text/csv", exportedCSV, "") }, "", "the number of rows is missing"},
		"broken_off": {func(w http.ResponseWriter) {
			sendExport(w, "text/csv", exportedCSV, "2")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "", "broke off after 2 rows"},
		"failure": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"status":"failure","data":null,"error":"the request is not valid","code":"invalid",`+
				`"details":[{"field":"status","code":"invalid_value","message":"must be a list of waiting"}]}`)
		}, "", "responded 422: the request is not valid; status must be a list of waiting"},
		"another_server": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "", "is it the URL of the API?"},
		"redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		}, "", "302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, messages := newExporter(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != "Bearer T" {
					t.Errorf("got the authorization %q, want Bearer T", got)
				}
				tt.send(w)
			})
			path := filepath.Join(t.TempDir(), "list.csv")
			err := e.exportToFile(t.Context(), path)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got error %v, want one with %q", err, tt.err)
			}
			files, _ := os.ReadDir(filepath.Dir(path))
			if tt.err != "" {
				if len(files) != 0 {
					t.Errorf("got the files %v, want none", files)
				}
				return
			}
			if got := readFile(t, path); got != tt.want || len(files) != 1 {
				t.Errorf("got %q in %d files, want %q in one", got, len(files), tt.want)
			}
			if text := messages(); !strings.Contains(text, " rows, ") || strings.ContainsAny(text, "\r\x1b") {
				t.Errorf("got the messages %q, want plain lines with the rows", text)
			}
		})
	}
}

// A file that exists is replaced by a complete export only.
func TestExporter_replacesFile(t *testing.T) {
	t.Parallel()
	rows := "3"
	e, _ := newExporter(t, func(w http.ResponseWriter, _ *http.Request) { sendExport(w, "text/csv", exportedCSV, rows) })
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.exportToFile(t.Context(), path); err == nil || readFile(t, path) != "old" {
		t.Errorf("got error %v and %q, want an error and the old file", err, readFile(t, path))
	}
	rows = "2"
	if err := e.exportToFile(t.Context(), path); err != nil || readFile(t, path) != exportedCSV {
		t.Errorf("got error %v and %q, want no error and the export", err, readFile(t, path))
	}
}

func TestExporter_unreachable(t *testing.T) {
	t.Parallel()
	e, _ := newExporter(t, func(http.ResponseWriter, *http.Request) {})
	e.client.base = "http://127.0.0.1:1"
	if err := e.export(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got error %v, want one with \"refused\"", err)
	}
	if err := e.exportToFile(t.Context(), filepath.Join(t.TempDir(), "no", "list.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v, want %v", err, os.ErrNotExist)
	}
}

func TestRowCounter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		contentType, text string
		want              int64
	}{
		"csv":                  {"text/csv; charset=utf-8", exportedCSV, 2},
		"csv_without_a_header": {"text/csv", "", 0},
		"csv_header":           {"text/csv", "id\r\n", 0},
		"ndjson":               {"application/x-ndjson", "{\"note\":\"\\\"\"}\n{}\n", 2},
		"ndjson_cut":           {"application/x-ndjson", "{}\n{", 1},
	} {
		c := newRowCounter(tt.contentType)
		for i := range len(tt.text) { // in the smallest pieces
			_, _ = fmt.Fprint(c, tt.text[i:i+1])
		}
		if got := c.rows(); got != tt.want {
			t.Errorf("%s: got %d rows, want %d", name, got, tt.want)
		}
	}
}
