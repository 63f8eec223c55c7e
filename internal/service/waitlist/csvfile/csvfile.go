// Package csvfile reads lists of people from CSV files, as spreadsheets and address
// books write them.
//
// It decides the encoding, the delimiter, and which column is which. The caller
// validates the values.
package csvfile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"aisha/internal/fault"
)

const (
	// maxRecord limits the length of a record in bytes, so that a quote that never
	// closes does not read the whole file into memory.
	maxRecord = 1 << 20
	// headerBuffer is how many bytes of the header are searched for the delimiter.
	headerBuffer = 64 << 10
)

// Record is a person in the file.
type Record struct {
	Line int // on which the record begins; the first line is 1

	// The values are those of the file, see UnescapeCell. They share memory with the
	// whole record.
	Username    string
	PhoneNumber string
	Source      string
	Note        string

	Removed bool // the person was removed from the list that the file was exported from

	Blank  bool // has no text in any cell
	Broken bool // a quote is in the wrong place, so the values are unknown
}

// Reader reads the records of a file.
type Reader struct {
	csv      *csv.Reader
	buffered *bufio.Reader // that csv reads
	limit    *recordLimit
	columns  columns
	nextLine int // where the next record begins, unless there are blank lines
}

// Open reads the header of a file. named are the names of columns in the header;
// other columns are recognized by usual names. Errors: fault.Invalid for a file that is
// no CSV or lacks a column, and those of file.
func Open(file io.Reader, named map[Column]string) (*Reader, error) {
	text, err := newTextReader(file)
	if err != nil {
		return nil, err
	}
	limit := &recordLimit{source: text, left: maxRecord}
	buffered := bufio.NewReaderSize(limit, headerBuffer)
	start, err := buffered.Peek(headerBuffer)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	r := &Reader{csv: csv.NewReader(buffered), buffered: buffered, limit: limit, nextLine: 1}
	r.csv.Comma = delimiter(string(start))
	r.csv.FieldsPerRecord = -1
	r.csv.ReuseRecord = true
	header, err := r.read()
	if errors.Is(err, io.EOF) {
		return nil, invalid(1, "the file has no lines")
	}
	if err != nil {
		return nil, r.structureError(err)
	}
	line, _ := r.csv.FieldPos(0)
	if r.columns, err = findColumns(header, named); err != nil {
		return nil, invalid(line, err.Error())
	}
	return r, nil
}

// Next returns the next record, or io.EOF. Errors: fault.Invalid if the rest of the
// file cannot be read, and those of the file.
func (r *Reader) Next() (Record, error) {
	cells, err := r.read()
	if line, isBroken := r.brokenLine(err); isBroken {
		r.nextLine = line + 1
		return Record{Line: line, Broken: true}, nil
	}
	if errors.Is(err, io.EOF) {
		return Record{}, io.EOF
	}
	if err != nil {
		return Record{}, r.structureError(err)
	}
	record := r.columns.record(cells)
	record.Line, _ = r.csv.FieldPos(0)
	return record, nil
}

func (r *Reader) read() ([]string, error) {
	r.limit.left = maxRecord
	cells, err := r.csv.Read()
	if r.limit.err != nil {
		return nil, r.limit.err // csv may report the cut line instead
	}
	if err == nil {
		last := len(cells) - 1
		line, _ := r.csv.FieldPos(last)
		r.nextLine = line + strings.Count(cells[last], "\n") + 1
	}
	return cells, err
}

// brokenLine reports whether err concerns a single line, and which one. After a quote in
// the wrong place of a record of several lines, it is not known where the records before
// it ended.
func (r *Reader) brokenLine(err error) (line int, isBroken bool) {
	var parse *csv.ParseError
	if !errors.As(err, &parse) || parse.StartLine != parse.Line {
		return 0, false
	}
	if errors.Is(err, csv.ErrQuote) {
		if _, err := r.buffered.Peek(1); err != nil {
			return 0, false // the quote is open at the end of the file
		}
	}
	return parse.StartLine, true
}

// structureError returns the error of a file whose records have unknown ends.
func (r *Reader) structureError(err error) error {
	parse, isParse := errors.AsType[*csv.ParseError](err)
	switch {
	case isParse:
		return invalid(parse.StartLine, "a quote is opened and not closed, or is in the wrong place")
	case errors.Is(err, errRecordTooLong):
		return invalid(r.nextLine, "this record is longer than 1 MiB; perhaps a quote is opened and not closed")
	default:
		return err
	}
}

// invalid returns the error of a file. The message must not repeat anything from the
// file.
func invalid(line int, message string) error {
	message = fmt.Sprintf("line %d: %s", line, message)
	err := fault.InvalidField("body", fault.FieldInvalidValue, message)
	err.Message = message
	return err
}

// delimiter returns the delimiter of a text that begins with a header: the one that
// is most frequent in it.
func delimiter(text string) rune {
	header := firstRecord(text)
	best, most := ',', 0
	for _, candidate := range ",;\t|" {
		if n := strings.Count(header, string(candidate)); n > most {
			best, most = candidate, n
		}
	}
	return best
}

// firstRecord returns the first record of a text without its quoted parts.
func firstRecord(text string) string {
	var record strings.Builder
	isQuoted := false
	for _, r := range strings.TrimLeft(text, "\n") {
		switch {
		case r == '"':
			isQuoted = !isQuoted
		case r == '\n' && !isQuoted:
			return record.String()
		case !isQuoted:
			record.WriteRune(r)
		}
	}
	return record.String()
}
