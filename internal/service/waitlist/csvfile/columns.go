package csvfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Column is a column that an import uses.
type Column string

// The columns. A file needs the first two.
const (
	Username    Column = "username"
	PhoneNumber Column = "phone_number"
	Source      Column = "source"
	Note        Column = "note"
)

// Columns returns all columns.
func Columns() []Column { return []Column{Username, PhoneNumber, Source, Note} }

// absent is the index of a column that the file does not have.
const absent = -1

// columns are the indexes of the columns of a file.
type columns struct {
	names             []int // joined to the username
	phone, src, notes int
	status            int // of a file that the export wrote
}

// findColumns finds the columns in a header. The error does not repeat the header.
func findColumns(header []string, named map[Column]string) (columns, error) {
	f := finder{header: header, named: named}
	name := f.find(Username, fullNames)
	c := columns{phone: f.find(PhoneNumber, phoneNames), src: f.find(Source, sourceNames), notes: f.find(Note, noteNames), status: slices.Index(header, "status")}
	if f.err != nil {
		return columns{}, f.err
	}
	_, isNamed := named[Username]
	c.names = nameColumns(header, name, isNamed)
	if c.names == nil {
		return columns{}, missing(len(header), "the name", "username, name, full name, first name and last name, jina or contact name", Username)
	}
	if c.phone == absent {
		return columns{}, missing(len(header), "the phone number", "phone_number, phone, mobile, tel, simu, whatsapp, number or contact", PhoneNumber)
	}
	return c, nil
}

// finder finds columns in a header.
type finder struct {
	header []string
	named  map[Column]string
	err    error
}

// find returns the column with the name that the caller has given for it, or else with
// one of the aliases.
func (f *finder) find(column Column, aliases string) int {
	name, isNamed := f.named[column]
	if !isNamed {
		return indexOf(f.header, strings.Fields(aliases))
	}
	i := slices.IndexFunc(f.header, func(cell string) bool { return strings.TrimSpace(cell) == name })
	if i < 0 && simplify(name) != "" {
		i = slices.IndexFunc(f.header, func(cell string) bool { return simplify(cell) == simplify(name) })
	}
	if i < 0 {
		f.err = fmt.Errorf("none of the %d columns has the name that the parameter columns gives for %s", len(f.header), column)
	}
	return i
}

func missing(n int, what, accepted string, column Column) error {
	return fmt.Errorf("this line must name the columns, and none of its %d columns is recognized as %s: call it %s, or name it in the parameter columns=%s:…",
		n, what, accepted, column)
}

// nameColumns returns the columns that form the name. full is the column of the full
// name, or absent.
func nameColumns(header []string, full int, isNamed bool) []int {
	first, last := indexOf(header, strings.Fields(firstNames)), indexOf(header, strings.Fields(lastNames))
	switch {
	case full != absent && (isNamed || first != absent || last == absent):
		return []int{full}
	case full != absent:
		return []int{full, last} // "Name" beside "Surname" is the first name
	case first != absent && last != absent:
		return []int{first, last}
	case first != absent:
		return []int{first}
	default:
		return nil
	}
}

// The names of columns that are recognized, as simplify returns them. Of several
// columns in a file, the one whose name comes first here is used.
const (
	fullNames  = "username fullname fullnames displayname contactname customername name names jinakamili jina contactperson person"
	firstNames = "firstname givenname forename jinalakwanza"
	lastNames  = "lastname surname familyname secondname jinalamwisho jinalaukoo"
	phoneNames = "phonenumber msisdn phone phoneno mobilenumber mobilephone mobileno mobile nambayasimu nambarisimu nambarayasimu simu " +
		"whatsappnumber whatsappno whatsapp telephonenumber telephone telephoneno telno tel cellphone cellnumber cellno cell " +
		"phone1value phone1 primaryphone contactnumber contactno namba number contact"
	sourceNames = "source chanzo"
	noteNames   = "note notes comment comments remarks maelezo"
)

// indexOf returns the first column that has one of the names, in the order of the
// names.
func indexOf(header, names []string) int {
	simplified := make([]string, len(header))
	for i, cell := range header {
		simplified[i] = simplify(cell)
	}
	for _, name := range names {
		if i := slices.Index(simplified, name); i >= 0 {
			return i
		}
	}
	return absent
}

// simplify returns the letters and digits of a column's name, in lower case.
func simplify(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// record returns the values of a record. Cells may be missing at its end.
func (c columns) record(cells []string) Record {
	return Record{
		Username:    c.username(cells),
		PhoneNumber: strings.TrimPrefix(cellAt(cells, c.phone), apostrophe), // a spreadsheet's mark of a text
		Source:      cellAt(cells, c.src),
		Note:        cellAt(cells, c.notes),
		Removed:     cellAt(cells, c.status) == "removed",
		Blank:       !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }),
	}
}

func (c columns) username(cells []string) string {
	if len(c.names) == 1 {
		return cellAt(cells, c.names[0])
	}
	return strings.TrimSpace(cellAt(cells, c.names[0]) + " " + cellAt(cells, c.names[1]))
}

// cellAt returns the text of a cell.
func cellAt(cells []string, i int) string {
	if i < 0 || i >= len(cells) {
		return ""
	}
	return UnescapeCell(cells[i])
}
