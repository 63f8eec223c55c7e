package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// profilerSource is compiled into the service only for a profile. A production
// build contains no profiler and no profiling endpoint.
//
//go:embed profiler.go.txt
var profilerSource []byte

// profilerOverlay returns the `go build` arguments that add profilerSource to
// cmd/aisha through an overlay.
func profilerOverlay(dir string) ([]string, error) {
	program, err := filepath.Abs("cmd/aisha/profiler.go")
	if err != nil {
		return nil, err
	}
	source, overlay := filepath.Join(dir, "profiler.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {program: source}})
	if err != nil {
		return nil, err
	}
	return []string{"-overlay", overlay}, errors.Join(
		os.WriteFile(source, profilerSource, 0o600), os.WriteFile(overlay, replace, 0o600))
}

// profile writes a CPU profile of each workload and prints the top functions.
func (b *bench) profile(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for name, work := range b.workloads() {
		file, err := filepath.Abs(filepath.Join(dir, name+".pprof"))
		if err != nil {
			return err
		}
		logProgress("profile of " + name)
		if err := b.profileOne(ctx, work, file); err != nil {
			return err
		}
		top := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-cum", "-nodecount=60", file)
		top.Stdout, top.Stderr = os.Stdout, os.Stderr
		if err := top.Run(); err != nil {
			return fmt.Errorf("read the profile: %w", err)
		}
	}
	return nil
}

// workload is a load that the service is profiled under.
type workload struct {
	database string
	env      []string // added to the environment of the service
	run      func(s *runningService, span time.Duration) error
}

func (b *bench) workloads() map[string]workload {
	clients := func(database string, env []string, r *comparison) workload {
		return workload{database: database, env: env, run: func(s *runningService, span time.Duration) error {
			_, err := runClients(s.address, r, defaultPeople, span)
			return err
		}}
	}
	// These clients post without pauses, because the profiler samples only every
	// 10 ms and would see little of a mostly idle service.
	prompts := func(int) generator {
		question := prompt(servicePath)
		return func() request { return question }
	}
	picker := newPersonPicker(maxPeople)
	return map[string]workload{
		"signups":  clients("aisha", nil, newComparisons()[0]),
		"webhooks": clients("aisha", nil, newComparisons()[1]),
		"prompts":  clients("answering", b.upstreamEnv(), &comparison{clients: 32, newGenerator: prompts}),
		"answers": {database: "answering", env: b.upstreamEnv(), run: func(s *runningService, span time.Duration) error {
			_, err := b.runWriters(s, picker, span)
			return err
		}},
	}
}

func (b *bench) profileOne(ctx context.Context, w workload, file string) error {
	s, err := b.launch(ctx, w.database, append(w.env, "PROFILE="+file)...)
	if err != nil {
		return err
	}
	err = recordProfile(s, w, file)
	return errors.Join(err, s.stop())
}

// recordProfile profiles the load without the warm-up. It waits for the file,
// which the service renames into place once the profile is complete.
func recordProfile(s *runningService, w workload, file string) error {
	if err := os.RemoveAll(file); err != nil {
		return err
	}
	if err := w.run(s, warmUp); err != nil {
		return err
	}
	if err := s.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return err
	}
	if err := w.run(s, duration); err != nil {
		return err
	}
	if err := s.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
	}
	return errors.New("the service wrote no profile")
}
