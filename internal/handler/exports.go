package handler

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"aisha/internal/handler/wire"
	"aisha/internal/service/waitlist"
)

// maxExports limits the exports in progress. Each of them may keep a processor and a
// connection of the pool for lists busy.
const maxExports = 2

// rowsTrailer is the trailer with the number of entries. A client that does not
// receive it has only a part of the export.
const rowsTrailer = "Aisha-Rows"

// exportList handles GET /operator/waiting-list/export. newCode returns the referral
// code of an entry.
func exportList(service Exports, newCode func(id int64) string) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		q := parseQuery(r)
		request := waitlist.ExportRequest{Filter: parseFilter(q), Format: q.oneOf("format", "csv", "csv", "ndjson")}
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		format := exportFormats()[request.Format]
		body := wire.Stream{Trailer: rowsTrailer, Gzip: acceptsGzip(r.Header.Values("Accept-Encoding"))}
		if r.Method != http.MethodHead { // the response to HEAD has no entries
			export, err := service.Export(r.Context(), request).Get()
			if err != nil {
				return wire.Response{}, err
			}
			body.Write = func(out io.Writer) (string, error) {
				rows, err := format.write(out, export.Entries(r.Context()), newCode)
				return strconv.Itoa(rows), err
			}
		}
		name := fmt.Sprintf("waiting-list-%s.%s", time.Now().UTC().Format(time.DateOnly), request.Format)
		return wire.Response{
			Status: http.StatusOK,
			Header: http.Header{
				"Content-Disposition": {fmt.Sprintf("attachment; filename=%q", name)},
				"Vary":                {"Accept-Encoding"},
			},
			ContentType: format.contentType,
			Body:        body,
		}, nil
	}
}

// write writes the entries and returns how many they are.
func (f exportFormat) write(out io.Writer, entries iter.Seq2[waitlist.Entry, error], newCode func(id int64) string) (rows int, err error) {
	if _, err := io.WriteString(out, f.head); err != nil {
		return 0, err
	}
	var line []byte
	for entry, err := range entries {
		if err != nil {
			return rows, err
		}
		body := newEntryBody(entry)
		body.ReferralCode = newCode(entry.ID)
		if line, err = f.appendEntry(line[:0], body); err != nil {
			return rows, err
		}
		if _, err := out.Write(line); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}
