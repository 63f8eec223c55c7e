package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"aisha/internal/localpg"
)

const appSecret = "bench-app-secret"

// service is a run of the binary.
type service struct {
	cmd *exec.Cmd
	url string
}

// launch runs the service without upstreams: what is measured ends with the
// acknowledgement.
func launch(ctx context.Context, binary string, cluster *localpg.Cluster) (*service, error) {
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Env = []string{
		"DATABASE_URL=" + cluster.URL("aisha"), "HOST=127.0.0.1", "PORT=0", "LOG_LEVEL=info",
		"WHATSAPP_APP_SECRET=" + appSecret, "RATE_LIMIT_SIGNUPS=0", "RATE_LIMIT_GEMINI=0",
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var entry struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "serving" {
			go func() {
				for lines.Scan() { // keep the pipe empty
				}
			}()
			return &service{cmd: cmd, url: "http://" + entry.Address}, nil
		}
	}
	return nil, errors.Join(errors.New("the service ended before it served"), cmd.Wait())
}

func (s *service) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// startTimes measures from the start of the binary to the first 200.
func startTimes(ctx context.Context, binary string, cluster *localpg.Cluster) ([]time.Duration, error) {
	progress("start times")
	var times []time.Duration
	for range 7 {
		begin := time.Now()
		s, err := launch(ctx, binary, cluster)
		if err != nil {
			return nil, err
		}
		response, err := http.Get(s.url + "/readyz") //nolint:noctx // the service is ours and local
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

// idleMemory is the resident set of a service that has just answered one
// request and rests, in MB.
func idleMemory(ctx context.Context, binary string, cluster *localpg.Cluster) (float64, error) {
	progress("idle memory")
	s, err := launch(ctx, binary, cluster)
	if err != nil {
		return 0, err
	}
	select {
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	megabytes, err := residentSet(s.cmd.Process.Pid)
	return megabytes, errors.Join(err, s.stop())
}

func residentSet(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("memory can be read on Linux only: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, errors.New("no VmRSS in the process's status")
}
