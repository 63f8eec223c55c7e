package main

import (
	"bufio"
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// limitMemory sets the memory limit of the garbage collector to 90 % of the
// limit that the cgroup of this process has, so that garbage does not let a
// container run out of memory. The rest is for what the collector does not
// control. GOMEMLIMIT takes precedence.
func limitMemory(ctx context.Context, log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	cgroup := cgroupMemoryLimit(os.DirFS("/"))
	if cgroup == 0 {
		return
	}
	limit := cgroup / 10 * 9
	debug.SetMemoryLimit(limit)
	log.InfoContext(ctx, "memory limit set from the cgroup", slog.Int64("limit_mib", limit>>20), slog.Int64("cgroup_mib", cgroup>>20))
}

// cgroupMemoryLimit returns the lowest memory limit of this process' cgroup and
// of the cgroups that contain it, in bytes, or 0 if none has a limit. root is the
// root directory. https://docs.kernel.org/admin-guide/cgroup-v2.html and
// https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
func cgroupMemoryLimit(root fs.FS) int64 {
	cgroups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0 // not Linux
	}
	lowest := int64(math.MaxInt64)
	for lines := bufio.NewScanner(bytes.NewReader(cgroups)); lines.Scan(); {
		// A line is ID:CONTROLLERS:PATH. Version 2 has no controllers.
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch controllers := strings.Split(fields[1], ","); {
		case fields[1] == "":
			lowest = min(lowest, lowestLimit(root, "sys/fs/cgroup", fields[2], "memory.max"))
		case slices.Contains(controllers, "memory"):
			lowest = min(lowest, lowestLimit(root, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	// Version 1 writes no limit as the largest multiple of the page size.
	if lowest >= math.MaxInt64/2 {
		return 0
	}
	return lowest
}

// lowestLimit reads the limit file of a cgroup and of its ancestors, up to the
// directory where they are mounted. A container may see the path of its cgroup
// on the host, which does not exist in the container; then only its ancestors
// are read, and the mounted directory is the container's own cgroup.
func lowestLimit(root fs.FS, mount, cgroup, file string) int64 {
	lowest := int64(math.MaxInt64)
	for cgroup = path.Clean("/" + cgroup); ; cgroup = path.Dir(cgroup) {
		text, err := fs.ReadFile(root, path.Join(mount, cgroup, file))
		if limit, parseErr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && parseErr == nil && limit > 0 {
			lowest = min(lowest, limit) // "max" does not parse
		}
		if cgroup == "/" {
			return lowest
		}
	}
}
