package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

const listExportHelp = `Usage: aisha list export [--format csv|ndjson] [--output FILE] [filters]

Writes the waiting list, or the part of it that the filters select, to FILE or to the
standard output. It calls the API at AISHA_URL with ADMIN_TOKEN; without AISHA_URL,
the service on this machine. FILE appears when it is complete. A transfer that breaks
off exits with 1.

Filters:
  --q TEXT              part of a name, or the beginning or end of a number
  --status LIST         waiting, invited, joined, removed; separated by commas
  --source NAME         where people signed up
  --verified true|false
  --referrer ID         entries that signed up with the code of this entry
  --joined-after TIME   signed up at or after, for example 2026-11-27T09:00:00Z
  --joined-before TIME  signed up before
`

// exportArgs are the arguments of aisha list export.
type exportArgs struct {
	query  url.Values
	output string // empty: the standard output
}

// listExport is the command aisha list export. Errors: errUsage, and those of the
// export.
func listExport(ctx context.Context, args []string) error {
	parsed, err := parseExportArgs(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = fmt.Fprint(os.Stdout, listExportHelp)
		return err
	}
	if err != nil {
		return err
	}
	client, err := loadAPIClient()
	if err != nil {
		return err
	}
	e := exporter{client: client, path: "/operator/waiting-list/export?" + parsed.query.Encode(), messages: os.Stderr}
	if parsed.output == "" {
		return e.export(ctx, os.Stdout)
	}
	return e.exportToFile(ctx, parsed.output)
}

func parseExportArgs(args []string) (exportArgs, error) {
	parsed := exportArgs{query: url.Values{}}
	flags := flag.NewFlagSet("aisha list export", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&parsed.output, "output", "", "")
	for name, parameter := range map[string]string{
		"format": "format", "q": "q", "status": "status", "source": "source", "verified": "verified",
		"referrer": "referrer", "joined-after": "joined_after", "joined-before": "joined_before",
	} {
		flags.Func(name, "", func(value string) error {
			parsed.query.Set(parameter, value)
			return nil
		})
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exportArgs{}, err
	case err != nil:
		return exportArgs{}, fmt.Errorf("%w: list export: %w", errUsage, err)
	case flags.NArg() > 0:
		return exportArgs{}, fmt.Errorf("%w: list export takes no argument %q; name a file with --output", errUsage, flags.Arg(0))
	}
	return parsed, nil
}

// exporter downloads an export.
type exporter struct {
	client   apiClient
	path     string // with the query
	messages *os.File
}

// exportToFile writes the export to a temporary file beside the file, and renames it
// when it is complete.
func (e exporter) exportToFile(ctx context.Context, path string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("create a file for the export: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	err = e.export(ctx, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// export writes the export to out. It fails unless the number of rows is the one that
// the service sends at the end.
func (e exporter) export(ctx context.Context, out io.Writer) error {
	response, err := e.get(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	rows := newRowCounter(response.Header.Get("Content-Type"))
	progress := startProgress(e.messages, rows)
	_, err = io.Copy(io.MultiWriter(out, rows), response.Body)
	progress.stop()
	if ctx.Err() != nil {
		return fmt.Errorf("the export was interrupted after %d rows", rows.rows())
	}
	if err != nil {
		return fmt.Errorf("the export broke off after %d rows: %w", rows.rows(), err)
	}
	announced := response.Trailer.Get("Aisha-Rows")
	if announced == "" {
		return fmt.Errorf("the export may have broken off after %d rows: the number of rows is missing at its end; a proxy may have removed it", rows.rows())
	}
	if announced != strconv.FormatInt(rows.rows(), 10) {
		return fmt.Errorf("the export has %d rows, but the service has sent %s", rows.rows(), announced)
	}
	return nil
}

// get sends the request and returns the response if it is an export.
func (e exporter) get(ctx context.Context) (*http.Response, error) {
	request, err := e.client.newRequest(ctx, http.MethodGet, e.path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := e.client.send(request, http.StatusOK)
	if ctx.Err() != nil {
		return nil, errors.New("the export was interrupted")
	}
	return response, err
}
