package geminiapi

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/sensitive"
)

// testBaseURLVariable is set in the environment of the process that runs
// TestNewInSubprocess.
const testBaseURLVariable = "GEMINIAPI_TEST_BASE_URL"

// probeURL is requested by the subprocess after New, to prove that the proxy
// records what the subprocess sends.
const probeURL = "http://probe.invalid/"

// TestNew_opens_no_connection makes a Client in a subprocess, because net/http
// and gRPC read the proxy variables only once per process.
func TestNew_opens_no_connection(t *testing.T) {
	t.Parallel()
	for name, baseURL := range map[string]string{
		"default_host":    "",
		"configured_host": "https://gemini.example.org",
		"loopback":        "http://127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := newRecordingProxy(t)
			subprocess := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNewInSubprocess$")
			subprocess.Env = append(os.Environ(), testBaseURLVariable+"="+baseURL, "NO_PROXY=", "no_proxy=")
			for _, variable := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
				subprocess.Env = append(subprocess.Env, variable+"=http://"+proxy.address)
			}
			if out, err := subprocess.CombinedOutput(); err != nil {
				t.Errorf("subprocess: %v\n%s", err, out)
			}
			if got, want := proxy.requests(), []string{"GET " + probeURL + " HTTP/1.1"}; !slices.Equal(got, want) {
				t.Errorf("the proxy received %q, want %q", got, want)
			}
		})
	}
}

// TestNewInSubprocess is the subprocess of TestNew_opens_no_connection.
func TestNewInSubprocess(t *testing.T) {
	baseURL, ok := os.LookupEnv(testBaseURLVariable)
	if !ok {
		return
	}
	client, err := New(t.Context(), Options{
		APIKey: sensitive.NewSecret(testKey), BaseURL: baseURL, Model: "first",
		Timeout: time.Second, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	// A gRPC channel connects in its own goroutines, which exist before New
	// returns.
	if stacks := allStacks(); strings.Contains(stacks, "google.golang.org/grpc") {
		t.Errorf("New started goroutines of gRPC:\n%s", stacks)
	}
	response, err := http.Get(probeURL)
	if err != nil {
		t.Fatalf("request the probe through the proxy: %v", err)
	}
	_ = response.Body.Close()
	if err := client.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func allStacks() string {
	buffer := make([]byte, 1<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}

// recordingProxy records the first line of every connection and closes it after
// an empty response.
type recordingProxy struct {
	address string
	mu      sync.Mutex
	lines   []string
}

func newRecordingProxy(t *testing.T) *recordingProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &recordingProxy{address: listener.Addr().String()}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(connection)
		}
	}()
	return p
}

func (p *recordingProxy) serve(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	line, _ := bufio.NewReader(connection).ReadString('\n')
	p.mu.Lock()
	p.lines = append(p.lines, strings.TrimSpace(line))
	p.mu.Unlock()
	_, _ = io.WriteString(connection, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
}

func (p *recordingProxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}
