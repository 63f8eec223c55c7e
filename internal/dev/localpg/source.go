package localpg

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const advice = "install it: apt-get install postgresql (Debian, Ubuntu), dnf install postgresql-server (Fedora), " +
	"apk add postgresql (Alpine), brew install postgresql (macOS); or set DATABASE_URL to a database that runs elsewhere"

// source is where PostgreSQL's programs may come from.
type source struct {
	dirs       []string // where they may be installed, best first
	repository string   // the Maven repository they are downloaded from otherwise; empty means the public one
}

// BinDir is the folder of an installed PostgreSQL with its server.
func BinDir() (string, error) {
	dirs := withServer(installedDirs(context.Background()))
	if len(dirs) == 0 {
		return "", errors.New("PostgreSQL's server is not installed; " + advice)
	}
	return dirs[0], nil
}

// installedDirs are the folders where packagers put PostgreSQL's programs, the
// newest version first.
func installedDirs(ctx context.Context) []string {
	var dirs []string
	if dir, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(dir)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", // Debian
		"/usr/pgsql-*/bin",          // PostgreSQL's own packages for Red Hat
		"/usr/libexec/postgresql*",  // Alpine
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin", // Homebrew on Intel
		"/opt/local/lib/postgresql*/bin", // MacPorts
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		matches, _ := filepath.Glob(pattern) // errs for a bad pattern only
		slices.Reverse(matches)
		dirs = append(dirs, matches...)
	}
	if program, err := exec.LookPath("postgres"); err == nil {
		if program, err = filepath.EvalSymlinks(program); err == nil {
			dirs = append(dirs, filepath.Dir(program))
		}
	}
	return dirs
}

// withServer keeps the folders that have what a cluster needs. Client packages
// bring a pg_config that names a folder without a server.
func withServer(dirs []string) []string {
	var complete []string
	for _, dir := range dirs {
		_, noInit := exec.LookPath(filepath.Join(dir, "initdb"))
		_, noServer := exec.LookPath(filepath.Join(dir, "postgres"))
		if noInit == nil && noServer == nil && filepath.IsAbs(dir) && !slices.Contains(complete, dir) {
			complete = append(complete, dir)
		}
	}
	return complete
}
