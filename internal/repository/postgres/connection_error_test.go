package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
)

// A mistyped DATABASE_URL makes a part of the password the name of a host, a
// database or a parameter. None of them may appear in the error.
func TestTranslate_connect_errors_omit_the_URL(t *testing.T) {
	t.Parallel()
	server := testdb.Empty(t)
	password := func(replacement string) string {
		_, rest, _ := strings.Cut(server, "@")
		return "postgres://aisha:" + replacement + "@" + rest
	}
	for name, tt := range map[string]struct{ dsn, want string }{
		"host_name":          {"postgres://aisha:p@ssSECRET@127.0.0.1:1/aisha", "cannot be resolved"},
		"host_in_a_list":     {"host=ssSECRET@h user=SECRET dbname=SECRET port=1", "cannot be resolved"},
		"refused_connection": {strings.Replace(unreachableURL(t), "/x?", "/ssSECRET@h?", 1), "127.0.0.1:"},
		"wrong_password":     {password("SECRET"), "the server refuses the user or the password (SQLSTATE 28P01)"},
		"unknown_database":   {strings.Replace(server, "?", "SECRET?", 1), "the database does not exist (SQLSTATE 3D000)"},
		"unknown_parameter":  {server + "&SECRET=x", "the server refuses a parameter of DATABASE_URL (SQLSTATE 42704)"},
		"read_only":          {server + "&default_transaction_read_only=on&application_name=SECRET", "accepts no writes"},
		"unix_socket":        {"host=/tmp/SECRET user=SECRET", "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := postgres.Ready(t.Context(), mustOpen(t, postgres.Open, tt.dsn))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("got error %v, want one with %q and without the URL", err, tt.want)
			}
			if logged := fmt.Sprintf("%v %+v", err, fault.Of(err)); strings.Contains(logged, "SECRET") {
				t.Errorf("the logged error contains a part of the URL: %s", logged)
			}
			if !postgres.IsUnreachable(err) {
				t.Errorf("IsUnreachable(%v) = false, want true", err)
			}
		})
	}
}

func TestIsUnreachable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"server_stops":       {sqlState("57P01"), true},
		"connection_broke":   {sqlState("08006"), true},
		"standby":            {sqlState("25006"), true},
		"statement_timeout":  {sqlState("57014"), false},
		"deadlock":           {sqlState("40P01"), false},
		"unique_violation":   {sqlState("23505"), false},
		"disk_full":          {sqlState("53100"), false},
		"error_of_an_other":  {fault.New(fault.Unavailable, "x"), false},
		"no_error_to_report": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := postgres.IsUnreachable(postgres.Translate(tt.err)); got != tt.want {
				t.Errorf("IsUnreachable(Translate(%v)) = %t, want %t", tt.err, got, tt.want)
			}
		})
	}
}
