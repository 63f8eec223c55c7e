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

// profilerSource is added to the program for a profile alone. What is built
// for production has no trace of it, and no address that tells a profile.
//
//go:embed profiler.go.txt
var profilerSource []byte

// profilerOverlay returns the arguments that make `go build` see one file more
// in the program than there is.
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

// profile writes a CPU profile of each kind of load and prints what took most.
func (b *bench) profile(ctx context.Context, into string) error {
	if err := os.MkdirAll(into, 0o750); err != nil {
		return err
	}
	for name, work := range b.profiled() {
		file, err := filepath.Abs(filepath.Join(into, name+".pprof"))
		if err != nil {
			return err
		}
		progress("profile of " + name)
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

// work keeps a service busy for a while.
type work struct {
	database string
	env      []string // of the service
	do       func(s *runningService, span time.Duration) error
}

func (b *bench) profiled() map[string]work {
	clients := func(database string, env []string, r *row) work {
		return work{database, env, func(s *runningService, span time.Duration) error {
			_, err := busy(s.address, r, usualPeople, span)
			return err
		}}
	}
	// Without a pause: the profiler hardly sees what is done within a tick.
	asking := func(int) generator {
		question := prompt(servicePath)
		return func() request { return question }
	}
	everyone := newCrowd(maxPeople)
	return map[string]work{
		"signups":  clients("aisha", nil, rows()[0]),
		"webhooks": clients("aisha", nil, rows()[1]),
		"prompts":  clients("answering", b.upstreams(), &row{clients: 32, client: asking}),
		"answers": {"answering", b.upstreams(), func(s *runningService, span time.Duration) error {
			_, err := b.answers(s, everyone, span)
			return err
		}},
	}
}

func (b *bench) profileOne(ctx context.Context, w work, file string) error {
	s, err := b.launch(ctx, w.database, append(w.env, "PROFILE="+file)...)
	if err != nil {
		return err
	}
	err = recordProfile(s, w, file)
	return errors.Join(err, s.stop())
}

// recordProfile profiles the load without what comes before it. The file
// appears when it is complete.
func recordProfile(s *runningService, w work, file string) error {
	if err := os.RemoveAll(file); err != nil {
		return err
	}
	if err := w.do(s, warmUp); err != nil {
		return err
	}
	if err := s.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return err
	}
	if err := w.do(s, duration); err != nil {
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
