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

// What the simulator and the service agree on. They look like nothing else,
// so that a test can search for them in a log.
const (
	appSecret     = "app-secret-5f1c"
	verifyToken   = "verify-token-9a2e"
	accessToken   = "access-token-77d0"
	geminiKey     = "gemini-key-c3b8"
	phoneNumberID = "106540352242922"
)

var agreed = simulator.Options{
	AppSecret: appSecret, VerifyToken: verifyToken, AccessToken: accessToken, GeminiKey: geminiKey,
	PhoneNumberID: phoneNumberID, DisplayNumber: "254700000000",
}

// patience bounds every wait for something that must happen. It is so long
// because a machine that is busy must make the tests slow and never red.
const patience = 5 * time.Minute

// unread is the pace of phones that are switched off: a thousand answers have a
// thousand statuses and not three times as many.
var unread = simulator.Range{Min: time.Hour, Max: time.Hour}

// newSimulator runs a simulator for the test.
func newSimulator(t *testing.T, timing simulator.Timing) (*simulator.Simulator, string) {
	t.Helper()
	options := agreed
	options.Timing = timing
	s := simulator.New(options)
	return s, serveSimulator(t, s, nil)
}

// serveSimulator lets a simulator listen; front, where there is one, stands
// before it.
func serveSimulator(t *testing.T, sim *simulator.Simulator, front func(http.Handler) http.Handler) string {
	t.Helper()
	handler := sim.Handler()
	if front != nil {
		handler = front(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		sim.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// environment configures a service that speaks to the simulator.
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

// process is a run of the binary.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string // of the API, once it serves
	done chan error

	mu  sync.Mutex
	out bytes.Buffer
}

// start runs the binary with nothing but env in its environment and returns
// when it serves.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, env, args...)
	select {
	case err := <-p.done:
		t.Fatalf("the program ended before it served: %v\n%s", err, p.output())
	case <-p.serving():
	case <-time.After(patience):
		t.Fatalf("the program does not serve:\n%s", p.output())
	}
	return p
}

// launch runs the binary and returns at once.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, done: make(chan error, 1)}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir = t.TempDir()
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
		p.done <- p.cmd.Wait()
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

// serving is closed when the program has logged its address.
func (p *process) serving() <-chan struct{} {
	served := make(chan struct{})
	go func() {
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
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

// kill is kill -9.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		p.t.Logf("killed: %v", <-p.ended())
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// terminate asks the program to stop and returns how it ended.
func (p *process) terminate() error {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(patience):
		p.t.Fatalf("the program does not stop:\n%s", p.output())
		return nil
	}
}

func (p *process) ended() <-chan error {
	ended := make(chan error, 1)
	go func() {
		err := <-p.done
		p.done <- err
		ended <- err
	}()
	return ended
}

// request calls the service and returns status and body.
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

func contextWithPatience(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), patience)
}

// settled waits until the service has nothing left that it could send. Only
// then is it certain that nothing comes twice.
func settled(t *testing.T, database string) error {
	t.Helper()
	ctx, cancel := contextWithPatience(t)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for left := 1; left > 0; <-look.C {
		if err := conn.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM part WHERE delivery IN ('unsent', 'sending'))
			     + (SELECT count(*) FROM message WHERE answer_id IS NULL)`).Scan(&left); err != nil {
			return fmt.Errorf("%d messages and parts are left: %w", left, err)
		}
	}
	return nil
}

// awaitLocked waits until so many connections to the database wait for a lock.
func awaitLocked(t *testing.T, database string, wanted int) {
	t.Helper()
	ctx, cancel := contextWithPatience(t)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for waiting := 0; waiting < wanted; <-look.C {
		if err := conn.QueryRow(ctx, `
			SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}
