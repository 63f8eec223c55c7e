package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/dev/simulator"
)

// Values that the simulator and the service share. Each secret is unique, so that
// a test can search for it in a log.
const (
	appSecret     = "app-secret-5f1c"
	verifyToken   = "verify-token-9a2e"
	accessToken   = "access-token-77d0"
	geminiKey     = "gemini-key-c3b8"
	phoneNumberID = "106540352242922"
)

var simulatorOptions = simulator.Options{
	AppSecret: appSecret, VerifyToken: verifyToken, AccessToken: accessToken, GeminiKey: geminiKey,
	PhoneNumberID: phoneNumberID, DisplayNumber: "254700000000",
}

// waitLimit limits every wait. It is long, because a busy machine may slow the
// tests down but must not make them fail.
const waitLimit = 5 * time.Minute

// phoneOff delays delivered statuses beyond the end of a test, as if all phones were
// switched off. An answer then causes one status webhook instead of three.
var phoneOff = simulator.Range{Min: time.Hour, Max: time.Hour}

// newSimulator starts a simulator for the test and returns it with its URL.
func newSimulator(t *testing.T, timing simulator.Timing) (*simulator.Simulator, string) {
	t.Helper()
	options := simulatorOptions
	options.Timing = timing
	s := simulator.New(options)
	return s, serveSimulator(t, s, nil)
}

// serveSimulator starts an HTTP server for a simulator and returns its URL. The
// middleware may be nil.
func serveSimulator(t *testing.T, sim *simulator.Simulator, middleware func(http.Handler) http.Handler) string {
	t.Helper()
	handler := sim.Handler()
	if middleware != nil {
		handler = middleware(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		sim.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// environment configures a service that uses the simulator as its upstreams.
func environment(databaseURL, simulatorURL string, more ...string) []string {
	return append([]string{
		"DATABASE_URL=" + databaseURL,
		"HOST=127.0.0.1", "PORT=0",
		"GEMINI_API_KEY=" + geminiKey, "GEMINI_BASE_URL=" + simulatorURL, "GEMINI_TIMEOUT=20s",
		"WHATSAPP_TOKEN=" + accessToken, "WHATSAPP_BASE_URL=" + simulatorURL,
		"WHATSAPP_APP_SECRET=" + appSecret, "WEBHOOK_VERIFY_TOKEN=" + verifyToken,
		"WHATSAPP_PHONE_NUMBER_ID=" + phoneNumberID,
		"REPLY_DEBOUNCE=0", "RESEND_AFTER=10s",
		"RATE_LIMIT_SIGNUPS=0", "RATE_LIMIT_GEMINI=0",
	}, more...)
}

// process is a process of the binary.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string // base URL of the API, set once it serves
	exit chan error

	mu  sync.Mutex
	out bytes.Buffer
}

// start runs the binary with the environment env and returns when it serves. The
// process is killed when the test ends.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, env, args...)
	select {
	case err := <-p.exit:
		t.Fatalf("the program exited before it served: %v\n%s", err, p.output())
	case <-p.serving():
	case <-time.After(waitLimit):
		t.Fatalf("the program did not start to serve in time:\n%s", p.output())
	}
	return p
}

// launch runs the binary in an empty folder and returns immediately.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return launchIn(t, func(string) {}, env, args...)
}

// launchIn runs the binary in a folder that prepare can fill.
func launchIn(t *testing.T, prepare func(dir string), env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, exit: make(chan error, 1)}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir = t.TempDir()
	prepare(p.cmd.Dir)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "GORACE=halt_on_error=1"}, env...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = writerFunc(p.write)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadBytes('\n')
			_, _ = p.write(line)
			if err != nil {
				break
			}
		}
		p.exit <- p.cmd.Wait()
	}()
	t.Cleanup(p.kill)
	return p
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *process) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// serving returns a channel that is closed when the program has logged its address.
func (p *process) serving() <-chan struct{} {
	served := make(chan struct{})
	go func() {
		for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			for line := range strings.Lines(p.output()) {
				var entry struct{ Msg, Address string }
				if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
					p.url = "http://" + entry.Address
					close(served)
					return
				}
			}
		}
	}()
	return served
}

// kill sends SIGKILL and waits for the process to exit. It does nothing if the
// process has already exited.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		p.t.Logf("killed: %v", <-p.exited())
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// freeze sends SIGSTOP and waits until all threads have stopped. Until then the
// process may still take what the database or an upstream sends to it.
func (p *process) freeze() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	if err != nil || !status.Stopped() {
		p.t.Fatalf("wait until the process has stopped: status %#x, error %v", status, err)
	}
}

// terminate sends SIGTERM, waits for the process to exit and returns its error.
func (p *process) terminate() error {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case err := <-p.exit:
		p.exit <- err
		return err
	case <-time.After(waitLimit):
		p.t.Fatalf("the program did not stop in time:\n%s", p.output())
		return nil
	}
}

// exited returns a channel that receives the error of the process when it exits.
func (p *process) exited() <-chan error {
	exited := make(chan error, 1)
	go func() {
		err := <-p.exit
		p.exit <- err
		exited <- err
	}()
	return exited
}

// request calls the service and returns the status and the body of the response.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(answer))
}

func contextWithTimeout(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), waitLimit)
}

// waitUntilIdle waits until no message is unanswered and no answer part can still be
// sent. After that no duplicate can be sent.
func waitUntilIdle(t *testing.T, database string) error {
	t.Helper()
	ctx, cancel := contextWithTimeout(t)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for left := 1; left > 0; <-ticker.C {
		if err := conn.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM answer_part WHERE delivery IN ('unsent', 'sending'))
			     + (SELECT count(*) FROM message WHERE answer_id IS NULL)`).Scan(&left); err != nil {
			return fmt.Errorf("wait for %d unanswered messages and unsent parts: %w", left, err)
		}
	}
	return nil
}

// waitForLockWaiters waits until at least wanted connections to the database wait
// for a row lock.
func waitForLockWaiters(t *testing.T, database string, wanted int) {
	t.Helper()
	ctx, cancel := contextWithTimeout(t)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for waiting := 0; waiting < wanted; <-ticker.C {
		if err := conn.QueryRow(ctx, `
			SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple')`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}
