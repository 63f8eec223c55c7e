package localpg

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const installAdvice = "install it: apt-get install postgresql (Debian, Ubuntu), dnf install postgresql-server (Fedora), " +
	"apk add postgresql (Alpine), brew install postgresql (macOS); or set DATABASE_URL to a database that runs elsewhere"

// programSource says where to look for PostgreSQL's programs.
type programSource struct {
	dirs       []string // where they may be installed; the first is preferred
	repository string   // the Maven repository to download them from if they are not installed; empty means the public one
}

// BinDir returns the program folder of an installed PostgreSQL server.
func BinDir() (string, error) {
	dirs := dirsWithServer(installedDirs(context.Background()))
	if len(dirs) == 0 {
		return "", errors.New("PostgreSQL's server is not installed; " + installAdvice)
	}
	return dirs[0], nil
}

// installedDirs returns the folders where packages install PostgreSQL's programs,
// the newest version first.
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
		matches, _ := filepath.Glob(pattern) // fails only for an invalid pattern
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

// dirsWithServer returns the folders that have both initdb and postgres. The
// pg_config of a client package names a folder without a server.
func dirsWithServer(dirs []string) []string {
	var complete []string
	for _, dir := range dirs {
		_, initErr := exec.LookPath(filepath.Join(dir, "initdb"))
		_, serverErr := exec.LookPath(filepath.Join(dir, "postgres"))
		if initErr == nil && serverErr == nil && filepath.IsAbs(dir) && !slices.Contains(complete, dir) {
			complete = append(complete, dir)
		}
	}
	return complete
}
