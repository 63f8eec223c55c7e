package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aisha/internal/sensitive"
)

func TestParseImportArgs(t *testing.T) {
	t.Parallel()
	const all = "columns=username%3AMember&consent_source=fair+in+Nakuru&dry_run=true&source=fair"
	for name, tt := range map[string]struct {
		args []string
		file string
		want string
	}{
		"flags_after_the_file":  {[]string{"a.csv", "--consent-source", "fair in Nakuru", "--source=fair", "--dry-run", "--columns", "username:Member"}, "a.csv", all},
		"flags_before_the_file": {[]string{"--consent-source", "fair in Nakuru", "--source=fair", "--dry-run", "-columns=username:Member", "a.csv"}, "a.csv", all},
		"flags_around_the_file": {[]string{"--dry-run", "--source=fair", "-", "--consent-source", "fair in Nakuru", "--columns", "username:Member"}, "-", all},
		"only_what_is_required": {[]string{"a.csv", "--consent-source", "x"}, "a.csv", "consent_source=x"},
	} {
		got, err := parseImportArgs(tt.args)
		if err != nil || got.file != tt.file || got.query.Encode() != tt.want {
			t.Errorf("%s: got %q with %s, error %v, want %q with %s", name, got.file, got.query.Encode(), err, tt.file, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no_file":           {[]string{"--consent-source", "x"}, "needs a file"},
		"no_consent_source": {[]string{"a.csv"}, "--consent-source"},
		"two_files":         {[]string{"a.csv", "--consent-source", "x", "b.csv"}, `"b.csv"`},
		"unknown_flag":      {[]string{"a.csv", "--consent", "x"}, "-consent"},
	} {
		if _, err := parseImportArgs(tt.args); !errors.Is(err, errUsage) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want wrong usage with %q", name, err, tt.want)
		}
	}
	if _, err := parseImportArgs([]string{"a.csv", "--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: got error %v, want flag.ErrHelp", err)
	}
}

// importServer answers as the service does: polls is how often the operation is in
// progress before it ends with the result.
func importServer(t *testing.T, polls int, uploadStatus int, result string) importer {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer T" {
			t.Errorf("%s %s: got Authorization %q, want Bearer T", r.Method, r.URL, r.Header.Get("Authorization"))
		}
		switch {
		case r.Method == http.MethodPost:
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Location", "/operator/operations/7")
			w.WriteHeader(uploadStatus)
			_, _ = io.WriteString(w, `{"status":"failure","data":null,"error":"not today","code":"invalid"}`)
		case strings.HasSuffix(r.URL.Path, "/progress"):
			state := "running"
			if polls--; polls < 0 {
				state = "succeeded"
			}
			_, _ = io.WriteString(w, `{"status":"success","data":{"state":"`+state+`","done":1,"total":2,"started_at":null}}`)
		case strings.HasPrefix(result, "{"):
			_, _ = io.WriteString(w, result)
		default:
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"status":"failure","data":null,"error":"`+result+`","code":"invalid"}`)
		}
	}))
	t.Cleanup(server.Close)
	return importer{client: newAPIClient(server.URL, sensitive.NewSecret("T")), progress: &importProgress{out: io.Discard, lastShow: time.Now()}}
}

func TestImporter(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("name,phone\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const success = `{"status":"success","data":{"added":1,"present":2,"invalid":3,"skipped":4,"report":"/operator/imports/3/report.csv"}}`
	for name, tt := range map[string]struct {
		uploadStatus int
		result       string
		want         string // part of the output
		wantErr      string
	}{
		"succeeds":        {uploadStatus: 202, result: success, want: "added    1\npresent  2 (on the list already, or earlier in the file)\ninvalid  3\n"},
		"upload_rejected": {uploadStatus: 422, wantErr: "the service responded 422: not today"},
		"operation_fails": {uploadStatus: 202, result: "line 1: the file has no lines", wantErr: "the service responded 422: line 1: the file has no lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args, err := parseImportArgs([]string{file, "--consent-source", "x", "--dry-run"})
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = importServer(t, 1, tt.uploadStatus, tt.result).run(t.Context(), args, &out)
			if tt.wantErr != "" {
				if err == nil || err.Error() != tt.wantErr {
					t.Errorf("got error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil || !strings.Contains(out.String(), tt.want) || !strings.Contains(out.String(), "dry run") {
				t.Errorf("got %q, error %v, want %q and a note on the dry run", out.String(), err, tt.want)
			}
		})
	}
	t.Run("interrupted_while_it_runs", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		i := importServer(t, 1_000_000, 202, success)
		time.AfterFunc(100*time.Millisecond, cancel)
		err := i.wait(ctx, "/operator/operations/7")
		if err == nil || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the import goes on") {
			t.Errorf("got error %v, want one that says that the import goes on", err)
		}
	})
}

func TestImportProgress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		isBar bool
		want  string
	}{
		"terminal": {true, "\r\x1b[K[###############---------------] importing: 5 of 10 records, 50 %\n"},
		"pipe":     {false, "importing: 5 of 10 records, 50 %\n"},
	} {
		var out strings.Builder
		p := &importProgress{out: &out, isBar: tt.isBar}
		p.show("importing", "records", 5, 10)
		p.show("importing", "records", 6, 10) // a moment later
		p.end()
		p.end()
		if out.String() != tt.want {
			t.Errorf("%s: got %q, want %q", name, out.String(), tt.want)
		}
	}
}
