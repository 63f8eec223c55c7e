package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// oldestMajor is the oldest version of PostgreSQL that the service works with.
const oldestMajor = 14

// programs are the programs of one PostgreSQL installation and how to run them.
type programs struct {
	binDir  string              // the folder with the programs
	workDir string              // their working directory
	user    *syscall.Credential // the user that runs them; nil means ours
	major   int

	// bypassPermissions gives them a capability to enter folders that are closed
	// to their user.
	bypassPermissions bool
}

// findPrograms returns the first PostgreSQL whose version fits the data folder.
func (c *Cluster) findPrograms(ctx context.Context, user *syscall.Credential, from programSource) (programs, error) {
	want, err := dataVersion(c.dataDir())
	if err != nil {
		return programs{}, err
	}
	dirs, err := c.availableDirs(ctx, from)
	if err != nil {
		return programs{}, err
	}
	var found []string
	for _, dir := range dirs {
		p, err := probePrograms(ctx, programs{binDir: dir, workDir: c.options.Dir, user: user})
		if err != nil {
			return programs{}, err
		}
		if p.major == want || want == 0 && p.major >= oldestMajor {
			return p, nil
		}
		found = append(found, fmt.Sprintf("version %d in %s", p.major, dir))
	}
	return programs{}, versionError(c.dataDir(), want, strings.Join(found, " and "))
}

func versionError(data string, want int, found string) error {
	if want == 0 {
		return fmt.Errorf("PostgreSQL %d or newer is needed, but there is only %s; %s", oldestMajor, found, installAdvice)
	}
	return fmt.Errorf("the data in %s were made by PostgreSQL %d, but there is only %s; "+
		"install version %d, or remove that folder to begin with an empty database", data, want, found, want)
}

// dataVersion returns the major version of PostgreSQL that created the data. It
// returns 0 if there are no data.
func dataVersion(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the database's data: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the version of the database's data in %s: %w", data, err)
	}
	return major, nil
}

// probePrograms runs "postgres --version" and fills in the version. If the user
// cannot enter the folder of the programs or the working directory, for example
// because it is inside root's home, it sets bypassPermissions.
func probePrograms(ctx context.Context, p programs) (programs, error) {
	version, err := p.command(ctx, "postgres", "--version").Output()
	if errors.Is(err, fs.ErrPermission) && p.user != nil {
		p.bypassPermissions = true
		version, err = p.command(ctx, "postgres", "--version").Output()
	}
	if err != nil && p.user != nil {
		return programs{}, fmt.Errorf("run PostgreSQL in %s as the user with id %d, as it refuses to run as root: %w", p.binDir, p.user.Uid, err)
	}
	if err != nil {
		return programs{}, fmt.Errorf("run PostgreSQL in %s: %w", p.binDir, err)
	}
	// postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
	fields := strings.Fields(string(version))
	if len(fields) < 3 {
		return programs{}, fmt.Errorf("%s/postgres printed %q instead of its version", p.binDir, version)
	}
	// The version of a pre-release has letters: 19beta1.
	digits := strings.IndexFunc(fields[2]+".", func(r rune) bool { return r < '0' || r > '9' })
	p.major, err = strconv.Atoi(fields[2][:digits])
	if err != nil {
		return programs{}, fmt.Errorf("%s/postgres printed %q instead of its version", p.binDir, version)
	}
	return p, nil
}

// command prepares a command. It does not pass on our environment, which contains
// secrets and settings for other databases.
func (p programs) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.binDir, name), args...)
	cmd.Dir = p.workDir
	if p.bypassPermissions {
		// The capability takes effect at the first exec. So a shell changes to the
		// working directory and runs the program.
		shellArgs := append([]string{"-c", `cd "$0" && exec "$@"`, p.workDir, cmd.Path}, args...)
		cmd = exec.CommandContext(ctx, "/bin/sh", shellArgs...)
		cmd.Dir = "/"
	}
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = p.processAttributes()
	return cmd
}
