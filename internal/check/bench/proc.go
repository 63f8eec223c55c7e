package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuTimes are how long the processor has worked for each side so far.
type cpuTimes struct{ service, database time.Duration }

func (b *bench) cpuTimes(s *runningService) (cpuTimes, error) {
	database, err := b.databaseTime()
	if err != nil || s == nil {
		return cpuTimes{database: database}, err
	}
	service, err := readStat(s.cmd.Process.Pid)
	return cpuTimes{service: service.own, database: database}, err
}

// since is the time that each of n requests has taken after an earlier moment.
func (t cpuTimes) since(before cpuTimes, n int) cpuTimes {
	return cpuTimes{
		service:  (t.service - before.service) / time.Duration(n),
		database: (t.database - before.database) / time.Duration(n),
	}
}

// databaseTime is the time of the postmaster, of its children that have ended
// and of those that live.
func (b *bench) databaseTime() (time.Duration, error) {
	pidFile, err := os.ReadFile(filepath.Join(b.dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(pidFile), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("the postmaster's pid: %w", err)
	}
	at, err := readStat(postmaster)
	if err != nil {
		return 0, err
	}
	total := at.own + at.ended
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		child, err := readStat(pid)
		if err == nil && child.parent == postmaster { // others may end while we look
			total += child.own
		}
	}
	return total, nil
}

type stat struct {
	parent     int
	own, ended time.Duration // of the process, and of its children that it has waited for
}

// tick is the unit of times in /proc; USER_HZ is 100 on every Linux that Go
// runs on.
const tick = 10 * time.Millisecond

// readStat reads what proc(5) documents. The second field is the program's
// name in brackets and may hold anything, so counting begins behind it.
func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, fmt.Errorf("processor times can be read on Linux only: %w", err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	var numbers [5]int
	for i, field := range []int{1, 11, 12, 13, 14} {
		if numbers[i], err = strconv.Atoi(string(fields[field])); err != nil {
			return stat{}, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
		}
	}
	return stat{
		parent: numbers[0],
		own:    time.Duration(numbers[1]+numbers[2]) * tick,
		ended:  time.Duration(numbers[3]+numbers[4]) * tick,
	}, nil
}

// What the kernel calls a process's memory now and at its most.
const (
	memoryNow  = "VmRSS:"
	peakMemory = "VmHWM:"
)

// memoryOf is a process's resident set, in MB.
func memoryOf(pid int, which string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("memory can be read on Linux only: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, which); found {
			kilobytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, errors.New("the process's status does not tell its memory")
}
