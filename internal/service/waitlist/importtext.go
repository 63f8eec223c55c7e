package waitlist

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist/csvfile"
)

// maxCell limits a cell of a file, in characters.
const maxCell = 10_000

// damagedNumber matches what a spreadsheet makes of a phone number that it takes for a
// quantity, such as 2.54712E+11 or 712345678.0. Digits may be lost.
const damagedNumber = `^\+?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$|^\+?[0-9]{5,}[.,]0{1,2}$|^\+?[0-9]{9,}[.,]0+$`

// recordParser validates records.
type recordParser struct {
	damaged *regexp.Regexp
	source  string // of records without one
}

func newRecordParser(source string) recordParser {
	return recordParser{damaged: regexp.MustCompile(damagedNumber), source: source}
}

// entry returns the entry of a record, or its problems.
func (p recordParser) entry(record csvfile.Record) (ImportEntry, []fault.Field) {
	if record.Broken {
		return ImportEntry{}, []fault.Field{{Name: "line", Message: "has a quote in the wrong place"}}
	}
	if problems := longCells(record); problems != nil {
		return ImportEntry{}, problems
	}
	newEntry, err := SignUp{Username: record.Username, PhoneNumber: record.PhoneNumber}.validate()
	problems := p.explain(fault.Of(err), record.PhoneNumber)
	source, problem := cleanLine(record.Source, maxLabel)
	problems = appendProblem(problems, csvfile.Source, problem)
	note, problem := cleanLines(record.Note, maxNote)
	problems = appendProblem(problems, csvfile.Note, problem)
	if problems != nil {
		return ImportEntry{}, problems
	}
	return ImportEntry{
		Username:    sensitive.NewText(strings.Clone(newEntry.Username.Reveal())), // it shares memory with the whole record
		PhoneNumber: newEntry.PhoneNumber,
		Source:      strings.Clone(cmp.Or(source, p.source)),
		Note:        sensitive.NewText(strings.Clone(note)),
	}, nil
}

// explain returns the problems of a sign-up, with what has probably happened to the
// value.
func (p recordParser) explain(err *fault.Error, number string) []fault.Field {
	const column = string(csvfile.PhoneNumber)
	var problems []fault.Field
	if err != nil {
		problems = err.Fields
	}
	for i, problem := range problems {
		if problem.Code == fault.FieldNotUnicode {
			problems[i].Message += "; save the file as CSV UTF-8"
		}
	}
	if p.damaged.MatchString(strings.TrimSpace(number)) { // some of them could be taken for another number
		problems = slices.DeleteFunc(problems, func(problem fault.Field) bool { return problem.Name == column })
		problems = append(problems, fault.Field{
			Name:    column,
			Message: "was damaged by a spreadsheet, which took it for a quantity; make the column a text column and enter the number again",
		})
	}
	return problems
}

func appendProblem(problems []fault.Field, column csvfile.Column, problem *fault.Field) []fault.Field {
	if problem == nil {
		return problems
	}
	problem.Name = string(column)
	return append(problems, *problem)
}

// longCells returns the cells that are too long to look at.
func longCells(record csvfile.Record) []fault.Field {
	var problems []fault.Field
	for _, cell := range []struct {
		column csvfile.Column
		text   string
	}{
		{csvfile.Username, record.Username}, {csvfile.PhoneNumber, record.PhoneNumber},
		{csvfile.Source, record.Source}, {csvfile.Note, record.Note},
	} {
		if len(cell.text) > maxCell && utf8.RuneCountInString(cell.text) > maxCell {
			problems = append(problems, fault.Field{Name: string(cell.column), Message: "is longer than 10,000 characters"})
		}
	}
	return problems
}

// describeProblems returns one problem for all wrong columns of a record.
func describeProblems(line int, fields []fault.Field) ImportProblem {
	if len(fields) == 1 {
		return ImportProblem{Line: line, Field: fields[0].Name, Message: fields[0].Message}
	}
	names, messages := make([]string, len(fields)), make([]string, len(fields))
	for i, field := range fields {
		names[i], messages[i] = field.Name, field.Name+" "+field.Message
	}
	return ImportProblem{Line: line, Field: strings.Join(names, ", "), Message: strings.Join(messages, "; ")}
}
