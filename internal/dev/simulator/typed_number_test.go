package simulator

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The table of the waiting list rejects foreign numbers and unassigned ranges,
// which the simulated phone accepts.
var acceptedHereOnly = map[string]string{
	`"+255712345678"`: "255712345678",
	`"+12025550123"`:  "12025550123",
	`"0109123456"`:    "254109123456",
	`"0146123456"`:    "254146123456",
	`"0190123456"`:    "254190123456",
	`"111111111"`:     "254111111111",
}

func TestParseTypedNumber(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../service/waitlist/testdata/kenya_phones.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	for _, row := range rows {
		columns := strings.Split(row, "\t")
		var typed string
		if err := json.Unmarshal([]byte(columns[0]), &typed); err != nil {
			t.Fatalf("read %s: %v", columns[0], err)
		}
		want := strings.TrimPrefix(columns[2], "+")
		if here, found := acceptedHereOnly[columns[0]]; found {
			want = here
		}
		if got, ok := parseTypedNumber(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %q and %t, want %q", columns[0], got, ok, want)
		}
	}
	for typed, want := range map[string]string{
		"+256 712-345-678":            "256712345678",
		"00256 712 345 678":           "256712345678",
		"000 256 712 345 678":         "256712345678",
		"7 12 34 56 78":               "254712345678",
		"254.0712.345.678":            "254712345678",
		"+44 20 7946 0958":            "442079460958",
		"256712345678":                "",
		"+254 20 201 2345":            "",
		"+":                           "",
		"":                            "",
		strings.Repeat("0", 65):       "",
		"0712 345 678 or 0722 345678": "",
	} {
		if got, ok := parseTypedNumber(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q and %t, want %q", typed, got, ok, want)
		}
	}
}
