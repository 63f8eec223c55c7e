package csvfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding/unicode"
)

// encodingSample is how many bytes at the beginning of a file show its encoding.
const encodingSample = 512

// newTextReader returns the text of a file in UTF-8 without a byte order mark, with
// lines that end with a line feed. The file is in UTF-8 or UTF-16; bytes of other
// encodings stay as they are. Errors of its Read: fault.Invalid for a file that is no
// text, and those of file.
func newTextReader(file io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(file)
	start, err := buffered.Peek(encodingSample)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	mark := 0 // bytes of the byte order mark
	var utf16 *unicode.Endianness
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		mark = 3
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
		mark, utf16 = 2, new(unicode.LittleEndian)
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		mark, utf16 = 2, new(unicode.BigEndian)
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return nil, invalid(1, "the file is a spreadsheet or an archive; save it as CSV")
	default:
		utf16 = guessUTF16(start)
	}
	if _, err := buffered.Discard(mark); err != nil {
		return nil, err
	}
	var text io.Reader = buffered
	if utf16 != nil {
		text = unicode.UTF16(*utf16, unicode.IgnoreBOM).NewDecoder().Reader(buffered)
	}
	return &lineReader{source: text, line: 1}, nil
}

// guessUTF16 returns the byte order of a text in UTF-16 without a mark, or nil. The
// high bytes of delimiters and of Latin letters are zero.
func guessUTF16(start []byte) *unicode.Endianness {
	var zeros [2]int // at even and at odd offsets
	for i, b := range start {
		if b == 0 {
			zeros[i%2]++
		}
	}
	enough := len(start)/8 + 1
	switch {
	case zeros[0] == 0 && zeros[1] >= enough:
		return new(unicode.LittleEndian)
	case zeros[1] == 0 && zeros[0] >= enough:
		return new(unicode.BigEndian)
	default:
		return nil
	}
}

// lineReader replaces CR LF and CR by LF, and fails at a zero byte.
type lineReader struct {
	source  io.Reader
	line    int
	afterCR bool
}

// Read implements io.Reader.
func (l *lineReader) Read(p []byte) (int, error) {
	n, err := l.source.Read(p)
	text := p[:0]
	for _, b := range p[:n] {
		isSecondHalf := b == '\n' && l.afterCR
		l.afterCR = b == '\r'
		switch {
		case b == 0:
			return 0, invalid(l.line, "the file is not text")
		case isSecondHalf:
			continue
		case b == '\r' || b == '\n':
			l.line++
			b = '\n'
		}
		text = append(text, b)
	}
	return len(text), err
}

// errRecordTooLong means that more than maxRecord bytes were read for one record.
var errRecordTooLong = errors.New("the record is too long")

// recordLimit limits the bytes that are read for one record.
type recordLimit struct {
	source io.Reader
	left   int
	err    error // that ended the reading; nil at the end of the file
}

// Read implements io.Reader.
func (l *recordLimit) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.left <= 0 {
		l.err = errRecordTooLong
		return 0, l.err
	}
	n, err := l.source.Read(p[:min(len(p), l.left)])
	l.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}
