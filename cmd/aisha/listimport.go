package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const listImportHelp = `Usage: aisha list import FILE --consent-source TEXT [--source NAME] [--dry-run] [--columns LIST]

Adds the people in a CSV file to the waiting list. FILE may be - for the standard input.
The first line names the columns: name and phone number under usual names, and if you
like source and note. It calls the API at AISHA_URL with ADMIN_TOKEN; without AISHA_URL,
the service on this machine. The import goes on in the service if this command is
interrupted after the upload.

  --consent-source TEXT  where these people agreed to be on the list; required
  --source NAME          source of people for whom the file has none
  --dry-run              change nothing, and say what would happen
  --columns LIST         names of columns in the file, for example
                         username:Member,phone_number:Line 1
`

const (
	// operationPoll is how often the progress of an operation is read.
	operationPoll = 500 * time.Millisecond
	// pollPatience is how long the service may be unreachable while an operation runs.
	pollPatience = time.Minute
)

// importArgs are the arguments of aisha list import.
type importArgs struct {
	file  string // "-": the standard input
	query url.Values
}

// listImport is the command aisha list import. Errors: errUsage, and those of the
// import.
func listImport(ctx context.Context, args []string, out io.Writer) error {
	parsed, err := parseImportArgs(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = fmt.Fprint(out, listImportHelp)
		return err
	}
	if err != nil {
		return err
	}
	client, err := loadAPIClient()
	if err != nil {
		return err
	}
	i := importer{client: client, progress: newImportProgress(os.Stderr)}
	return i.run(ctx, parsed, out)
}

// parseImportArgs accepts the file before, between and after the flags.
func parseImportArgs(args []string) (importArgs, error) {
	parsed := importArgs{query: url.Values{}}
	flags := flag.NewFlagSet("aisha list import", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for name, parameter := range map[string]string{"consent-source": "consent_source", "source": "source", "columns": "columns"} {
		flags.Func(name, "", func(value string) error {
			parsed.query.Set(parameter, value)
			return nil
		})
	}
	dryRun := flags.Bool("dry-run", false, "")
	for rest := args; ; rest = flags.Args()[1:] {
		if err := flags.Parse(rest); errors.Is(err, flag.ErrHelp) {
			return importArgs{}, err
		} else if err != nil {
			return importArgs{}, fmt.Errorf("%w: list import: %w", errUsage, err)
		}
		if flags.NArg() == 0 {
			break
		}
		if parsed.file != "" {
			return importArgs{}, fmt.Errorf("%w: list import takes one file, but got %q too", errUsage, flags.Arg(0))
		}
		parsed.file = flags.Arg(0)
	}
	if *dryRun {
		parsed.query.Set("dry_run", "true")
	}
	switch {
	case parsed.file == "":
		return importArgs{}, fmt.Errorf("%w: list import needs a file", errUsage)
	case strings.TrimSpace(parsed.query.Get("consent_source")) == "":
		return importArgs{}, fmt.Errorf("%w: say where these people agreed to be on the list, for example --consent-source \"fair in Nakuru\"", errUsage)
	}
	return parsed, nil
}

// importer uploads a file and waits until it is imported.
type importer struct {
	client   apiClient
	progress *importProgress
}

func (i importer) run(ctx context.Context, args importArgs, out io.Writer) error {
	location, err := i.upload(ctx, args)
	i.progress.end()
	if ctx.Err() != nil {
		return errors.New("the upload was interrupted; nothing of the file is taken")
	}
	if err != nil {
		return err
	}
	err = i.wait(ctx, location)
	i.progress.end()
	if err != nil {
		return err
	}
	var result struct {
		Added, Present, Invalid, Skipped int64
		Report                           string
	}
	if err := i.get(ctx, location, &result); err != nil {
		return err
	}
	text := fmt.Sprintf("added    %d\npresent  %d (on the list already, or earlier in the file)\ninvalid  %d\nskipped  %d (on the list as removed)\n",
		result.Added, result.Present, result.Invalid, result.Skipped)
	if args.query.Get("dry_run") != "" {
		text = "This was a dry run; nothing was changed.\n" + text
	}
	if result.Invalid+result.Skipped > 0 {
		text += "The lines that were not taken: " + i.client.base + result.Report + "\n"
	}
	_, err = io.WriteString(out, text)
	return err
}

// upload sends the file and returns the path of the operation that imports it.
func (i importer) upload(ctx context.Context, args importArgs) (location string, err error) {
	file, size := os.Stdin, int64(-1)
	if args.file != "-" {
		if file, err = os.Open(args.file); err != nil {
			return "", err
		}
		defer func() { _ = file.Close() }()
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	body := &progressReader{file: file, size: size, progress: i.progress}
	// NopCloser: the transport must not close the standard input.
	request, err := i.client.newRequest(ctx, http.MethodPost, "/operator/imports?"+args.query.Encode(), io.NopCloser(body))
	if err != nil {
		return "", err
	}
	request.ContentLength = size
	request.Header.Set("Content-Type", "text/csv")
	request.Header.Set("Expect", "100-continue") // a rejected request needs no upload
	response, err := i.client.send(request, http.StatusAccepted)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	return response.Header.Get("Location"), nil
}

// operationProgress is how far an operation is.
type operationProgress struct {
	State string
	Done  int64
	Total *int64
}

// wait returns when the operation has ended. The service may be restarted before that.
func (i importer) wait(ctx context.Context, location string) error {
	ticker := time.NewTicker(operationPoll)
	defer ticker.Stop()
	lastAnswer := time.Now()
	for {
		var now operationProgress
		err := i.get(ctx, location+"/progress", &now)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("interrupted; the import goes on in the service, see %s%s", i.client.base, location)
		case err == nil && now.State != "queued" && now.State != "running":
			return nil
		case err == nil:
			lastAnswer = time.Now()
			i.progress.showOperation(now)
		case time.Since(lastAnswer) > pollPatience:
			return fmt.Errorf("the service does not answer; the import goes on when it runs again, see %s%s: %w", i.client.base, location, err)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// get reads the data of a resource.
func (i importer) get(ctx context.Context, path string, data any) error {
	request, err := i.client.newRequest(ctx, http.MethodGet, path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := i.client.send(request, http.StatusOK)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body := struct{ Data any }{data}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return fmt.Errorf("read the state of the import: %w", err)
	}
	return nil
}
