package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/joho/godotenv"
)

const dotEnvFile = ".env"

// maxDotEnvProblems limits the report on a file that is no .env file at all.
const maxDotEnvProblems = 10

// readDotEnv returns the variables of the file .env in the current directory. A
// missing file has none.
func (p *parser) readDotEnv() map[string]string {
	content, err := os.ReadFile(dotEnvFile)
	var failed *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &failed):
		p.reject(dotEnvFile, "the file cannot be read: "+failed.Err.Error())
		return nil
	}
	text, err := decodeText(content)
	if err != nil {
		p.reject(dotEnvFile, err.Error())
		return nil
	}
	return p.parseDotEnv(text)
}

// parseDotEnv parses the lines of a .env file. It reports every wrong line by its
// number and never by its content, which may be a secret.
//
// godotenv reports neither the line nor the kind of an error without quoting the
// value, so each statement is parsed alone first. The values come from parsing
// the whole text, because a value can refer to an earlier variable.
func (p *parser) parseDotEnv(text string) map[string]string {
	lines := strings.SplitAfter(text, "\n")
	defined := map[string]bool{}
	problems := 0
	for i := 0; i < len(lines) && problems < maxDotEnvProblems; {
		lines[i] = removeOnlyComment(lines[i])
		name, length, problem := parseStatement(lines[i:])
		if problem != "" {
			p.reject(dotEnvFile, fmt.Sprintf("line %d: %s", i+1, problem))
			problems++
		}
		if refersToUndefined(strings.Join(lines[i:i+length], ""), defined) {
			p.warn(fmt.Sprintf(".env line %d: a $ is followed by a name that the lines above do not set, and both are removed from the value. "+
				"Put a value that contains a $ in single quotes", i+1))
		}
		defined[name] = true
		i += length
	}
	if problems > 0 {
		return nil
	}
	values, err := godotenv.UnmarshalBytes([]byte(strings.Join(lines, "")))
	if err != nil {
		p.reject(dotEnvFile, "must be lines of NAME=value") // does not happen after the checks above
	}
	return values
}

// removeOnlyComment returns a line NAME= # comment without the comment, which
// godotenv would take for the value.
func removeOnlyComment(line string) string {
	return regexp.MustCompile(`^(\s*(?:export\s+)?[A-Za-z0-9_.]+\s*[=:])[ \t\v\f\r\p{Z}]+#[^\n]*`).ReplaceAllString(line, "$1")
}

// parseStatement parses the statement that begins at the first line. A quoted
// value may extend over several lines. It returns the name, which is empty for a
// comment and a blank line, the number of lines, and a problem or "".
func parseStatement(lines []string) (name string, length int, problem string) {
	first := strings.TrimSpace(lines[0])
	if first == "" || strings.HasPrefix(first, "#") {
		return "", 1, ""
	}
	statement := regexp.MustCompile(`^(?:export\s+)?([^=:]*?)\s*[=:][\s\v\p{Z}]*(['"]?)(#?)`).FindStringSubmatch(first)
	switch {
	case statement == nil:
		return "", 1, "must be NAME=value"
	case !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`).MatchString(statement[1]):
		return "", 1, "the name before = must consist of letters, digits and _"
	case statement[2] == "" && statement[3] != "": // a secret, or a comment without a space before it
		return "", 1, "a value that begins with # must be in quotes"
	case statement[2] == "":
		lines = lines[:1]
	}
	for length := 1; length <= len(lines); length++ {
		if !strings.Contains(lines[length-1], statement[2]) {
			continue // the value does not end in this line
		}
		values, err := godotenv.UnmarshalBytes([]byte(strings.Join(lines[:length], "")))
		if _, found := values[statement[1]]; err == nil && found && len(values) == 1 {
			return statement[1], length, ""
		}
	}
	if strings.Count(first, statement[2]) > 1 {
		return "", 1, "only a comment may follow the closing quote"
	}
	return "", 1, "the closing quote is missing"
}

// refersToUndefined reports whether the statement contains a $NAME that godotenv
// replaces by nothing.
func refersToUndefined(statement string, defined map[string]bool) bool {
	value := statement[strings.IndexAny(statement, "=:")+1:]
	if value = strings.TrimSpace(value); strings.HasPrefix(value, "'") || strings.HasPrefix(strings.TrimSpace(statement), "#") {
		return false
	}
	if quoted, found := strings.CutPrefix(value, `"`); found {
		value, _, _ = strings.Cut(quoted, `"`)
	} else if comment := strings.LastIndex(value, " #"); comment >= 0 {
		value = value[:comment]
	}
	return slices.ContainsFunc(regexp.MustCompile(`(\\?)\$\(?\{?([A-Z0-9_]+)`).FindAllStringSubmatch(value, -1), func(reference []string) bool {
		return reference[1] == "" && !defined[reference[2]]
	})
}

// decodeText returns the content of a text file with \n at the end of each line
// and without the byte order mark that editors on Windows write.
func decodeText(content []byte) (string, error) {
	switch {
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}), bytes.HasPrefix(content, []byte{0xFE, 0xFF}), bytes.IndexByte(content, 0) >= 0:
		return "", errors.New("the file is UTF-16 or binary: save it as UTF-8")
	case !utf8.Valid(content):
		return "", errors.New("the file is not UTF-8 text: save it as UTF-8")
	}
	text := strings.TrimPrefix(string(content), byteOrderMark)
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), nil
}
