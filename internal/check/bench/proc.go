package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuTimes is the CPU time that the service and PostgreSQL have used so far.
type cpuTimes struct{ service, database time.Duration }

func (b *bench) cpuTimes(s *runningService) (cpuTimes, error) {
	database, err := b.databaseCPUTime()
	if err != nil || s == nil {
		return cpuTimes{database: database}, err
	}
	service, err := readProcessStat(s.cmd.Process.Pid)
	return cpuTimes{service: service.own, database: database}, err
}

// since returns the CPU time per request for n requests after an earlier reading.
func (t cpuTimes) since(before cpuTimes, n int) cpuTimes {
	return cpuTimes{
		service:  (t.service - before.service) / time.Duration(n),
		database: (t.database - before.database) / time.Duration(n),
	}
}

// databaseCPUTime returns the CPU time of the postmaster and of all its children,
// both running and exited.
func (b *bench) databaseCPUTime() (time.Duration, error) {
	pidFile, err := os.ReadFile(filepath.Join(b.dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(pidFile), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("parse the postmaster's pid: %w", err)
	}
	at, err := readProcessStat(postmaster)
	if err != nil {
		return 0, err
	}
	total := at.own + at.children
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		child, err := readProcessStat(pid)
		if err == nil && child.parent == postmaster { // other processes may exit in the meantime
			total += child.own
		}
	}
	return total, nil
}

type processStat struct {
	parent        int
	own, children time.Duration // CPU time of the process, and of its exited children
}

// clockTick is the unit of CPU times in /proc. USER_HZ is 100 on every Linux that
// Go supports.
const clockTick = 10 * time.Millisecond

// readProcessStat reads /proc/PID/stat, which proc(5) documents. The second field
// is the program name in brackets. The name may contain spaces and brackets, so
// the fields are counted from the last closing bracket.
func readProcessStat(pid int) (processStat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processStat{}, fmt.Errorf("CPU times are available on Linux only: %w", err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	var numbers [5]int
	for i, field := range []int{1, 11, 12, 13, 14} {
		if numbers[i], err = strconv.Atoi(string(fields[field])); err != nil {
			return processStat{}, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
		}
	}
	return processStat{
		parent:   numbers[0],
		own:      time.Duration(numbers[1]+numbers[2]) * clockTick,
		children: time.Duration(numbers[3]+numbers[4]) * clockTick,
	}, nil
}

// Fields of /proc/PID/status with the current and the highest resident set.
const (
	currentMemory = "VmRSS:"
	peakMemory    = "VmHWM:"
)

// residentMemory returns a field of /proc/PID/status in MB.
func residentMemory(pid int, field string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("memory use is available on Linux only: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, field); found {
			kilobytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc/%d/status", field, pid)
}
