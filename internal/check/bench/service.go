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

// runningService is a process of the built service.
type runningService struct {
	cmd     *exec.Cmd
	address string
}

// launch starts the service and waits until it serves. The service has no
// upstreams unless extra configures them.
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
			return nil, errors.Join(errors.New("the service exited before it served"), cmd.Wait())
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

// startTimes measures the time from process start to the first 200 of /readyz.
func (b *bench) startTimes(ctx context.Context) ([]time.Duration, error) {
	logProgress("start time")
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
			return nil, fmt.Errorf("/readyz returned status %d", response.StatusCode)
		}
		times = append(times, took)
		if err := s.stop(); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// idleMemory returns the resident set of a service five seconds after its start,
// without load, in MB.
func (b *bench) idleMemory(ctx context.Context) (float64, error) {
	logProgress("idle memory")
	s, err := b.launch(ctx, "aisha")
	if err != nil {
		return 0, err
	}
	select {
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	megabytes, err := residentMemory(s.cmd.Process.Pid, currentMemory)
	return megabytes, errors.Join(err, s.stop())
}
