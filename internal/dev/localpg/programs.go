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

// programs are those of one installed PostgreSQL and how they are run.
type programs struct {
	bin   string              // the folder they are in
	work  string              // the folder they run in
	as    *syscall.Credential // the user they run as; nil means ours
	major int

	// everywhere lets them into folders that are closed to their user.
	everywhere bool
}

// findPrograms takes the first PostgreSQL that can serve the data there is.
func (c *Cluster) findPrograms(ctx context.Context, as *syscall.Credential, from source) (programs, error) {
	want, err := dataMajor(c.data())
	if err != nil {
		return programs{}, err
	}
	dirs, err := c.available(ctx, from)
	if err != nil {
		return programs{}, err
	}
	var found []string
	for _, dir := range dirs {
		p, err := examine(ctx, programs{bin: dir, work: c.options.Dir, as: as})
		if err != nil {
			return programs{}, err
		}
		if p.major == want || want == 0 && p.major >= oldestMajor {
			return p, nil
		}
		found = append(found, fmt.Sprintf("version %d in %s", p.major, dir))
	}
	return programs{}, versionError(c.data(), want, strings.Join(found, " and "))
}

func versionError(data string, want int, found string) error {
	if want == 0 {
		return fmt.Errorf("PostgreSQL %d or newer is needed, but there is only %s; %s", oldestMajor, found, advice)
	}
	return fmt.Errorf("the data in %s were made by PostgreSQL %d, but there is only %s; "+
		"install version %d, or remove that folder to begin with an empty database", data, want, found, want)
}

// dataMajor is the version of PostgreSQL that made the data; 0 means that
// there are none.
func dataMajor(data string) (int, error) {
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

// examine learns the version of the programs, and by that whether their user
// gets to them and to the folder they work in. Where it does not, as root's
// home is closed to others, they get to every folder.
func examine(ctx context.Context, p programs) (programs, error) {
	version, err := p.command(ctx, "postgres", "--version").Output()
	if errors.Is(err, fs.ErrPermission) && p.as != nil {
		p.everywhere = true
		version, err = p.command(ctx, "postgres", "--version").Output()
	}
	if err != nil && p.as != nil {
		return programs{}, fmt.Errorf("run PostgreSQL in %s as the user with id %d, as it refuses to run as root: %w", p.bin, p.as.Uid, err)
	}
	if err != nil {
		return programs{}, fmt.Errorf("run PostgreSQL in %s: %w", p.bin, err)
	}
	// postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
	fields := strings.Fields(string(version))
	if len(fields) < 3 {
		return programs{}, fmt.Errorf("%s/postgres does not tell its version but %q", p.bin, version)
	}
	// Before a release the number is followed by letters: 19beta1.
	digits := strings.IndexFunc(fields[2]+".", func(r rune) bool { return r < '0' || r > '9' })
	p.major, err = strconv.Atoi(fields[2][:digits])
	if err != nil {
		return programs{}, fmt.Errorf("%s/postgres does not tell its version but %q", p.bin, version)
	}
	return p, nil
}

// command prepares one of the programs. Our environment stays away from it: it
// holds secrets of ours and settings for other databases.
func (p programs) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = p.work
	if p.everywhere {
		// The capability holds from the first exec on, so what only it can
		// reach has to be reached by a program that is run on the way.
		through := append([]string{"-c", `cd "$0" && exec "$@"`, p.work, cmd.Path}, args...)
		cmd = exec.CommandContext(ctx, "/bin/sh", through...)
		cmd.Dir = "/"
	}
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = attributes(p.as, p.everywhere)
	return cmd
}
