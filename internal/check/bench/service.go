package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const appSecret = "bench-app-secret"

// runningService is a run of the binary.
type runningService struct {
	cmd     *exec.Cmd
	address string
}

// launch runs the service, without upstreams unless the variables name some.
func (b *bench) launch(ctx context.Context, database string, extra ...string) (*runningService, error) {
	cmd := exec.CommandContext(ctx, b.binary, "serve")
	cmd.Env = append([]string{
		"DATABASE_URL=" + b.cluster.URL(database), "HOST=127.0.0.1", "PORT=0", "LOG_LEVEL=info",
		"WHATSAPP_APP_SECRET=" + appSecret, "RATE_LIMIT_SIGNUPS=0", "RATE_LIMIT_GEMINI=0",
	}, extra...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, errors.Join(errors.New("the service ended before it served"), cmd.Wait())
		}
		var entry struct{ Msg, Address string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "serving" {
			go func() { _, _ = io.Copy(io.Discard, lines) }() // keep the pipe empty
			return &runningService{cmd: cmd, address: entry.Address}, nil
		}
	}
}

func (s *runningService) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// startTimes measures from the start of the binary to the first 200.
func (b *bench) startTimes(ctx context.Context) ([]time.Duration, error) {
	progress("start times")
	var times []time.Duration
	for range 7 {
		begin := time.Now()
		s, err := b.launch(ctx, "aisha")
		if err != nil {
			return nil, err
		}
		response, err := http.Get("http://" + s.address + "/readyz") //nolint:noctx // the service is ours and local
		if err != nil {
			return nil, err
		}
		took := time.Since(begin)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("/readyz answered %d", response.StatusCode)
		}
		times = append(times, took)
		if err := s.stop(); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// idleMemory is the resident set of a service that has just started and
// rests, in MB.
func (b *bench) idleMemory(ctx context.Context) (float64, error) {
	progress("idle memory")
	s, err := b.launch(ctx, "aisha")
	if err != nil {
		return 0, err
	}
	select {
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	megabytes, err := memoryOf(s.cmd.Process.Pid, memoryNow)
	return megabytes, errors.Join(err, s.stop())
}
