package csvfile_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/service/waitlist/csvfile"
)

type record = csvfile.Record

// readAll returns the records of a file, and the error that ended it.
func readAll(file io.Reader, named map[csvfile.Column]string) ([]record, error) {
	reader, err := csvfile.Open(file, named)
	if err != nil {
		return nil, err
	}
	var records []record
	for {
		next, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, next)
	}
}

// encodeUTF16 returns a text in UTF-16 with the given byte order and mark.
func encodeUTF16(text string, bigEndian, mark bool) string {
	if mark {
		text = "\ufeff" + text
	}
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		bytes := []byte{byte(unit), byte(unit >> 8)}
		if bigEndian {
			bytes[0], bytes[1] = bytes[1], bytes[0]
		}
		out.Write(bytes)
	}
	return out.String()
}

func TestReader(t *testing.T) {
	t.Parallel()
	const unix = "name,phone\nJosé,0712345678\n\"Doe, J.\",0712345679\n"
	plain := []record{{Line: 2, Username: "José", PhoneNumber: "0712345678"}, {Line: 3, Username: "Doe, J.", PhoneNumber: "0712345679"}}
	for name, tt := range map[string]struct {
		file string
		want []record
	}{
		"plain":                         {unix, plain},
		"no_line_break_at_the_end":      {strings.TrimSpace(unix), plain},
		"byte_order_mark":               {"\ufeff" + unix, plain},
		"byte_order_mark_before_quotes": {"\ufeff\"name\",\"phone\"\nA,1\n", []record{{Line: 2, Username: "A", PhoneNumber: "1"}}},
		"CRLF":                          {strings.ReplaceAll(unix, "\n", "\r\n"), plain},
		"CR":                            {strings.ReplaceAll(unix, "\n", "\r"), plain},
		"UTF-16_little_endian":          {encodeUTF16(unix, false, true), plain},
		"UTF-16_big_endian":             {encodeUTF16(unix, true, true), plain},
		"UTF-16_LE_without_mark":        {encodeUTF16(unix, false, false), plain},
		"UTF-16_BE_without_mark":        {encodeUTF16(unix, true, false), plain},
		"UTF-16_with_CRLF":              {encodeUTF16(strings.ReplaceAll(unix, "\n", "\r\n"), false, true), plain},
		"semicolon":                     {"name;phone\nJosé;0712345678\n\"Doe, J.\";0712345679\n", plain},
		"tab":                           {"name\tphone\nJosé\t0712345678\nDoe, J.\t0712345679\n", plain},
		"bar":                           {"name|phone\nJosé|0712345678\nDoe, J.|0712345679\n", plain},
		"delimiter_of_the_header_outside_quotes": {
			"\"Name, first; last\";\"Phone\"\nA;1\n", nil,
		},
		"blank_lines": {
			"\n\nname,phone\n\nA,1\n , \n,,\nB,2\n",
			[]record{{Line: 5, Username: "A", PhoneNumber: "1"}, {Line: 6, Username: " ", PhoneNumber: " ", Blank: true}, {Line: 7, Blank: true}, {Line: 8, Username: "B", PhoneNumber: "2"}},
		},
		"quoted_line_breaks_count": {
			"name,phone,note\n\"A\",1,\"two\nlines\"\r\n\"B\nC\",2,x\nD,3,\n",
			[]record{{Line: 2, Username: "A", PhoneNumber: "1", Note: "two\nlines"}, {Line: 4, Username: "B\nC", PhoneNumber: "2", Note: "x"}, {Line: 6, Username: "D", PhoneNumber: "3"}},
		},
		"doubled_quotes":        {"name,phone\n\"A \"\"B\"\" C\",1\n", []record{{Line: 2, Username: `A "B" C`, PhoneNumber: "1"}}},
		"missing_cells":         {"name,source,phone\nA\nB,web,2,more\n", []record{{Line: 2, Username: "A"}, {Line: 3, Username: "B", Source: "web", PhoneNumber: "2"}}},
		"header_only":           {"name,phone\n", nil},
		"misplaced_quotes":      {"name,phone\nA \"B\" C,1\n\"A\"B,2\nC,3\n", []record{{Line: 2, Broken: true}, {Line: 3, Broken: true}, {Line: 4, Username: "C", PhoneNumber: "3"}}},
		"escaped_cells":         {"name,phone,note\n'=A,'+254712345678,'-x\n'A,'0712345678,'@x\n", []record{{Line: 2, Username: "=A", PhoneNumber: "+254712345678", Note: "-x"}, {Line: 3, Username: "'A", PhoneNumber: "0712345678", Note: "@x"}}},
		"invalid_UTF-8_is_kept": {"name,phone\nJos\xe9,1\n", []record{{Line: 2, Username: "Jos\xe9", PhoneNumber: "1"}}},
		"columns_of_an_export": {
			"id,username,phone_number,status,source,verified_at,created_at,invited_at,joined_at,removed_at,referral_code,referrer_id,note\r\n" +
				"7,A,\"254712345678\",waiting,web,,2026-11-27T09:00:00Z,,,,ABC,,hello\r\n",
			[]record{{Line: 2, Username: "A", PhoneNumber: "254712345678", Source: "web", Note: "hello"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, file := range map[string]io.Reader{
				"at_once": strings.NewReader(tt.file), "byte_by_byte": iotest.OneByteReader(strings.NewReader(tt.file)),
			} {
				got, err := readAll(file, nil)
				if name == "delimiter_of_the_header_outside_quotes" {
					if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "none of its 2 columns") {
						t.Errorf("%s: got error %v, want one about 2 columns", kind, err)
					}
					continue
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
					t.Errorf("%s: error %v, records (-want +got):\n%s", kind, err, diff)
				}
			}
		})
	}
}

func TestOpen_columns(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]record{
		"username,phone_number":                       {Username: "a", PhoneNumber: "b"},
		"Phone Number,Full Name":                      {Username: "b", PhoneNumber: "a"},
		"FULL_NAME,MSISDN":                            {Username: "a", PhoneNumber: "b"},
		"First Name,Last Name,Mobile":                 {Username: "a b", PhoneNumber: "c"},
		"Surname,Tel.,First name":                     {Username: "c a", PhoneNumber: "b"},
		"first name,tel":                              {Username: "a", PhoneNumber: "b"},
		"Name,Surname,Contact":                        {Username: "a b", PhoneNumber: "c"},
		"Name,Given Name,Family Name,Phone 1 - Value": {Username: "a", PhoneNumber: "d"},
		"Jina,Simu,Chanzo,Maelezo":                    {Username: "a", PhoneNumber: "b", Source: "c", Note: "d"},
		"jina kamili,namba ya simu":                   {Username: "a", PhoneNumber: "b"},
		"Contact name,Contact":                        {Username: "a", PhoneNumber: "b"},
		"Number,Name,WhatsApp":                        {Username: "b", PhoneNumber: "c"},
		"WhatsApp number,Phone,Name,Notes":            {Username: "c", PhoneNumber: "b", Note: "d"},
		"id,username,phone_number,status,source":      {Username: "b", PhoneNumber: "c", Source: "e"},
		" name , phone-number ":                       {Username: "a", PhoneNumber: "b"},
	} {
		got, err := readAll(strings.NewReader(header+"\na,b,c,d,e\n"), nil)
		want.Line = 2
		if diff := cmp.Diff([]record{want}, got); diff != "" || err != nil {
			t.Errorf("header %q: error %v, records (-want +got):\n%s", header, err, diff)
		}
	}
}

func TestOpen_named_columns(t *testing.T) {
	t.Parallel()
	const file = "Member,name,Line 1,phone,Where,#\na,b,c,d,e,f\n"
	for name, tt := range map[string]struct {
		named   map[csvfile.Column]string
		want    record
		wantErr string
	}{
		"all":       {named: map[csvfile.Column]string{"username": "member", "phone_number": "line 1", "source": "WHERE"}, want: record{Username: "a", PhoneNumber: "c", Source: "e"}},
		"some":      {named: map[csvfile.Column]string{"phone_number": "Line 1"}, want: record{Username: "b", PhoneNumber: "c"}},
		"symbols":   {named: map[csvfile.Column]string{"source": "#"}, want: record{Username: "b", PhoneNumber: "d", Source: "f"}},
		"no_column": {named: map[csvfile.Column]string{"note": "Remarks"}, wantErr: "line 1: none of the 6 columns has the name that the parameter columns gives for note"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readAll(strings.NewReader(file), tt.named)
			if tt.wantErr != "" {
				if !fault.Is(err, fault.Invalid) || fault.Of(err).Message != tt.wantErr {
					t.Errorf("got error %v, want %q", err, tt.wantErr)
				}
				return
			}
			tt.want.Line = 2
			if diff := cmp.Diff([]record{tt.want}, got); diff != "" || err != nil {
				t.Errorf("error %v, records (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestReader_invalid_files(t *testing.T) {
	t.Parallel()
	const secret = "Wanjiru"
	many := strings.Repeat("A,0712345678\n", 200_000)
	for name, tt := range map[string]struct{ file, want string }{
		"empty":                {"", "line 1: the file has no lines"},
		"mark_only":            {"\ufeff", "line 1: the file has no lines"},
		"line_breaks_only":     {"\n\r\n", "line 1: the file has no lines"},
		"no_header":            {secret + ",0712345678\nB,0712345679\n", "line 1: this line must name the columns, and none of its 2 columns is recognized as the name"},
		"one_column":           {"phone\n0712345678\n", "line 1: this line must name the columns, and none of its 1 columns is recognized as the name"},
		"no_phone_column":      {"\nname," + secret + "\nB,2\n", "line 2: this line must name the columns, and none of its 2 columns is recognized as the phone number"},
		"zero_byte":            {"name,phone\n" + secret + ",1\n\x00,2\n", "line 3: the file is not text"},
		"image":                {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "line 3: the file is not text"},
		"spreadsheet":          {"PK\x03\x04\x14\x00\x06\x00", "line 1: the file is a spreadsheet or an archive; save it as CSV"},
		"open_quote":           {"name,phone\nA,1\n\"" + secret + ",2\nC,3\n", "line 3: a quote is opened and not closed, or is in the wrong place"},
		"open_quote_last_line": {"name,phone\nA,1\n\"" + secret + ",2", "line 3: a quote is opened and not closed, or is in the wrong place"},
		"open_quote_in_header": {"name,\"phone\nA,1\n", "line 1: a quote is opened and not closed, or is in the wrong place"},
		"open_quote_closed_by_another_line": {
			"name,phone\nA,1\n\"" + secret + ",2\n\"C\",3\nD,4\n", "line 3: a quote is opened and not closed, or is in the wrong place",
		},
		"open_quote_in_a_large_file": {"name,phone\nA,\"x\ny\"\n\"" + secret + ",2\n" + many, "line 4: this record is longer than 1 MiB; perhaps a quote is opened and not closed"},
		"endless_line":               {"name,phone\nA,1\n" + strings.Repeat("x", 2<<20), "line 3: this record is longer than 1 MiB; perhaps a quote is opened and not closed"},
		"endless_header":             {strings.Repeat("x,", 2<<20), "line 1: this record is longer than 1 MiB; perhaps a quote is opened and not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readAll(strings.NewReader(tt.file), nil)
			if !fault.Is(err, fault.Invalid) || !strings.HasPrefix(fault.Of(err).Message, tt.want) {
				t.Errorf("got error %v, want the message %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error()+fault.Of(err).Fields[0].Message, secret) {
				t.Errorf("got error %v, want one that repeats nothing from the file", err)
			}
		})
	}
}

// An error of the file must not be taken for the end of the file or for a broken line.
func TestReader_error_of_the_file(t *testing.T) {
	t.Parallel()
	failure := errors.New("cannot be read")
	for _, start := range []string{"", "name", "name,phone\n", "name,phone\nA,1\n\"B", "name,phone\nA,1\nB \"x"} {
		_, err := readAll(io.MultiReader(strings.NewReader(start), iotest.ErrReader(failure)), nil)
		if !errors.Is(err, failure) {
			t.Errorf("after %q: got error %v, want %v", start, err, failure)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"name,phone\nA,1\n", "\ufeffname;phone\r\n\"A;\"\"B\";1\r", encodeUTF16("name\tphone\nA\t1\n", false, true),
		encodeUTF16("name|phone\nA|1", true, false), "name,phone\n\"A\nB\",1\nC \"D\",2\n\"E", "first name,surname,simu\n'=A,B,'+254\n,,\n", "PK\x03\x04", "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		want, wantErr := readAll(strings.NewReader(string(file)), nil)
		if wantErr != nil && !fault.Is(wantErr, fault.Invalid) {
			t.Fatalf("got error %v, want fault.Invalid", wantErr)
		}
		lines := 1 + strings.Count(string(file), "\n") + strings.Count(string(file), "\r")
		last := 0
		for _, r := range want {
			if r.Line <= last || r.Line > lines {
				t.Fatalf("line %d follows line %d in a file of at most %d lines", r.Line, last, lines)
			}
			last = r.Line
		}
		got, err := readAll(iotest.OneByteReader(strings.NewReader(string(file))), nil)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (wantErr == nil) {
			t.Fatalf("byte by byte: error %v, want %v; records (-at once +byte by byte):\n%s", err, wantErr, diff)
		}
	})
}
