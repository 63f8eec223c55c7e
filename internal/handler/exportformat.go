package handler

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"aisha/internal/service/waitlist/csvfile"
)

// exportFormat is a format of exports.
type exportFormat struct {
	contentType string
	head        string // precedes the first entry
	appendEntry func(line []byte, e entryBody) ([]byte, error)
}

// exportFormats returns the formats by their names.
func exportFormats() map[string]exportFormat {
	return map[string]exportFormat{
		"csv":    {contentType: "text/csv; charset=utf-8", head: csvHead, appendEntry: appendCSV},
		"ndjson": {contentType: "application/x-ndjson", appendEntry: appendNDJSON},
	}
}

// appendNDJSON appends the entry as JSON, as the other routes return it.
func appendNDJSON(line []byte, e entryBody) ([]byte, error) {
	out := bytes.NewBuffer(line)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(e)
	return out.Bytes(), err
}

// csvHead begins with a byte order mark. Without it, Excel does not read the file as
// UTF-8.
const csvHead = "\ufeff" +
	"id,username,phone_number,status,source,verified_at,created_at,invited_at,joined_at,removed_at,referral_code,referrer_id,note\r\n"

// appendCSV appends the entry as a record of CSV (RFC 4180), in the order of csvHead.
// All texts are quoted, because spreadsheets also separate cells at semicolons.
//
// A phone number begins with a plus, so csvfile.EscapeCell puts an apostrophe before
// it, as before every formula. Without the plus and the apostrophe Excel would take
// it for a number: of 12 digits it shows 2.54712E+11, and stores that when it saves
// the file as CSV.
func appendCSV(line []byte, e entryBody) ([]byte, error) {
	line = strconv.AppendInt(line, e.ID, 10)
	line = appendCell(line, e.Username)
	line = appendCell(line, e.PhoneNumber)
	line = appendCell(line, string(e.Status))
	line = appendOptionalCell(line, e.Source)
	line = appendTime(line, e.VerifiedAt)
	line = appendTime(line, &e.CreatedAt)
	line = appendTime(line, e.InvitedAt)
	line = appendTime(line, e.JoinedAt)
	line = appendTime(line, e.RemovedAt)
	line = appendCell(line, e.ReferralCode)
	line = append(line, ',')
	if e.ReferrerID != nil {
		line = strconv.AppendInt(line, *e.ReferrerID, 10)
	}
	line = appendOptionalCell(line, e.Note)
	return append(line, "\r\n"...), nil
}

// appendCell appends a comma and the text as a quoted cell that no spreadsheet
// executes.
func appendCell(line []byte, text string) []byte {
	if text == "" {
		return append(line, ',')
	}
	line = append(line, `,"`...)
	line = append(line, strings.ReplaceAll(csvfile.EscapeCell(text), `"`, `""`)...)
	return append(line, '"')
}

func appendOptionalCell(line []byte, text *string) []byte {
	if text == nil {
		return append(line, ',')
	}
	return appendCell(line, *text)
}

// appendTime appends a comma and the time in RFC 3339, as in JSON.
func appendTime(line []byte, at *time.Time) []byte {
	line = append(line, ',')
	if at == nil {
		return line
	}
	return at.AppendFormat(line, time.RFC3339Nano)
}
