package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/postgres"
)

func TestWarnings_durability(t *testing.T) {
	t.Parallel()
	database := testdb.Empty(t) // its server runs with fsync and synchronous_commit off
	for name, tt := range map[string]struct {
		parameters string
		want       []string
	}{
		"synchronous_commit_off":    {"&synchronous_commit=off", []string{"synchronous_commit is off", "fsync is off"}},
		"synchronous_commit_on":     {"&synchronous_commit=on", []string{"fsync is off"}},
		"synchronous_commit_local":  {"&synchronous_commit=local", []string{"fsync is off"}},
		"synchronous_commit_server": {"", []string{"synchronous_commit is off", "fsync is off"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := postgres.Warnings(t.Context(), mustOpen(t, postgres.Open, database+tt.parameters))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got warnings %q, want the prefixes %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got warning %q, want the prefix %q", got[i], tt.want[i])
				}
			}
		})
	}
}

func TestWarnings_TLS(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]bool{
		"postgres://u:p@db.example/d":                                  true, // the default is prefer
		"postgres://u:p@192.0.2.1/d?sslmode=disable":                   true,
		"postgres://u:p@192.0.2.1/d?sslmode=allow":                     true,
		"postgres://u:p@db.example/d?sslmode=prefer":                   true,
		"postgres://u:p@db.example/d?sslmode=require":                  false,
		"postgres://u:p@db.example/d?sslmode=verify-full":              false,
		"postgres://u:p@localhost,db.example/d?sslmode=disable":        true,
		"host=db.example user=u sslmode=disable":                       true,
		"postgres://u:p@localhost/d?sslmode=disable":                   false,
		"postgres://u:p@127.0.0.1:5433/d":                              false,
		"postgres://u:p@[::1]/d":                                       false,
		"postgres:///d?host=" + url.QueryEscape("/var/run/postgresql"): false,
		"host=/var/run/postgresql user=u":                              false,
	} {
		if got := postgres.SendsUnencrypted(&mustOpen(t, postgres.Open, dsn).Config().ConnConfig.Config); got != want {
			t.Errorf("%s: got warning %t, want %t", dsn, got, want)
		}
		warnings := postgres.ReplicaWarnings(mustOpen(t, postgres.OpenReplica, dsn))
		if len(warnings) == 1 != want || want && !strings.HasPrefix(warnings[0], "DATABASE_READ_URL ") {
			t.Errorf("%s: got warnings %q of the replica, want one: %t", dsn, warnings, want)
		}
	}
}

func TestWarnings_unreachable(t *testing.T) {
	t.Parallel()
	if _, err := postgres.Warnings(context.Background(), mustOpen(t, postgres.Open, unreachableURL(t))); !postgres.IsUnreachable(err) {
		t.Errorf("got error %v, want one of an unreachable database", err)
	}
}
