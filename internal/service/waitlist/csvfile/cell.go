package csvfile

import (
	"strings"
	"unicode"
)

// EscapeCell makes a text safe as a cell of a CSV file that a spreadsheet opens: it
// inserts an apostrophe before a text that the spreadsheet would execute as a
// formula. It does the same behind each semicolon, tab and line break of the text,
// because a spreadsheet with another separator begins a new cell there. A text that the
// spreadsheet would change, because it looks like a number, gets an apostrophe too. An
// apostrophe in these places is escaped, so that UnescapeCell returns the same text.
//
// See https://owasp.org/www-community/attacks/CSV_Injection.
func EscapeCell(text string) string {
	escaped := mapCellParts(text, func(part string) string {
		if isFormula(part) || strings.HasPrefix(part, apostrophe) {
			return apostrophe + part
		}
		return part
	})
	if beginsBlank(text) || isChangedNumber(text) {
		return apostrophe + escaped
	}
	return escaped
}

// UnescapeCell removes the apostrophes that EscapeCell inserts. A text that EscapeCell
// did not write keeps its apostrophes, unless a formula, such a number or another
// apostrophe follows.
func UnescapeCell(cell string) string {
	if rest, found := strings.CutPrefix(cell, apostrophe); found && (beginsBlank(rest) || isChangedNumber(rest)) {
		cell = rest
	}
	return mapCellParts(cell, func(part string) string {
		rest, found := strings.CutPrefix(part, apostrophe)
		if found && (isFormula(rest) || strings.HasPrefix(rest, apostrophe)) {
			return rest
		}
		return part
	})
}

const (
	apostrophe = "'"
	// cellEnds are the characters at which a spreadsheet may begin another cell.
	cellEnds = ";\t\r\n"
)

// mapCellParts applies f to the parts of a text between cellEnds.
func mapCellParts(text string, f func(string) string) string {
	if !strings.ContainsAny(text, cellEnds) {
		return f(text)
	}
	var mapped strings.Builder
	for {
		i := strings.IndexAny(text, cellEnds)
		if i < 0 {
			mapped.WriteString(f(text))
			return mapped.String()
		}
		mapped.WriteString(f(text[:i]))
		mapped.WriteByte(text[i])
		text = text[i+1:]
	}
}

// isFormula reports whether a spreadsheet may execute the text. It may ignore blanks
// and quotation marks at the beginning, and read full-width characters as ASCII.
func isFormula(text string) bool {
	first := strings.TrimLeftFunc(text, func(r rune) bool {
		return r == '"' || unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf)
	})
	return strings.IndexAny(first, "=+-@＝＋－＠") == 0
}

// beginsBlank reports whether the text begins with a tab or a line break, which some
// spreadsheets skip.
func beginsBlank(text string) bool {
	return text != "" && strings.IndexByte("\t\r\n", text[0]) >= 0
}

// isChangedNumber reports whether a spreadsheet takes the text for a number, a time or
// a date and stores it in another form, such as 0012, 1E5 and 3/4. Integers of up to 11
// digits stay as they are.
func isChangedNumber(text string) bool {
	const digits = "0123456789"
	number := strings.TrimSpace(text)
	switch {
	case number == "" || strings.IndexByte(digits+".", number[0]) < 0:
		return false
	case strings.Trim(number, digits) == "":
		return len(number) > 11 || len(number) > 1 && number[0] == '0'
	default:
		return strings.Trim(number, digits+".,:/-+%eE ") == ""
	}
}
