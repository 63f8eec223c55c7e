package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

func TestServe_Routes(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	service := start(t, environment(testdb.Empty(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string // a prefix
	}{
		{"GET", "/", "", 200, `{"message":"Waiting List API is running"}`},
		{"POST", "/waiting-list/", `{"username":"John Doe","phone_number":"0712345678"}`, 200, `{"message":"Added to waiting list","id":1}`},
		{"POST", "/waiting-list", `{"username":"Jane","phone_number":"+254 712 345 678"}`, 200, `{"message":"Added to waiting list","id":1}`},
		{"POST", "/waiting-list/", `{"username":"Jane","phone_number":"0722000000"}`, 200, `{"message":"Added to waiting list","id":2}`},
		{"POST", "/waiting-list/", `{"username":"Jane","phone_number":"123"}`, 422, `{"status":"failure","data":null,"error":`},
		{"POST", "/gemini", `{"prompt":"What is machine learning?"}`, 200, `{"response":"`},
		{"POST", "/gemini", `{"prompt":" "}`, 422, `{"status":"failure"`},
		{"GET", "/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + verifyToken, "", 200, "1158201444"},
		{"GET", "/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong", "", 403, `{"status":"failure"`},
		{"POST", "/webhook/whatsapp", `{}`, 403, `{"status":"failure"`},
		{"GET", "/healthz", "", 200, ""},
		{"GET", "/readyz", "", 200, ""},
		{"GET", "/metrics", "", 200, "# HELP"},
		{"GET", "/docs", "", 200, "<!"},
		{"GET", "/redoc", "", 200, "<!"},
		{"GET", "/openapi.yaml", "", 200, "openapi:"},
		{"GET", "/openapi.json", "", 200, "{"},
		{"GET", "/nothing", "", 404, `{"status":"failure"`},
		{"DELETE", "/gemini", "", 405, `{"status":"failure"`},
	} {
		status, answer := request(t, tt.method, service.url+tt.path, tt.body)
		if status != tt.status || !strings.HasPrefix(answer, tt.answer) {
			t.Errorf("%s %s: got %d %.200s; want %d %s…", tt.method, tt.path, status, answer, tt.status, tt.answer)
		}
	}
	if err := sim.Verify(t.Context()); err != nil {
		t.Errorf("the simulator's verification request: %v", err)
	}
}

// At every log level the log must contain no secret, message text, name or phone
// number.
func TestServe_LogsOmitSecretsAndPersonalData(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	service := start(t, environment(testdb.New(t), simURL, "LOG_LEVEL=debug", "API_KEYS=api-key-2d9f"), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	const phone, words, name = "254799888777", "confidential-words-31", "Confidential Name"
	sim.Say(simulator.Person{Phone: phone, Name: name}, words)
	sim.Send(simulator.Person{Phone: phone, Name: name}, "reaction", map[string]any{"reaction": map[string]any{"emoji": "x"}})
	waitFor(t, sim, func(l simulator.Ledger) bool {
		return l.Counts.Outbound == 1 && l.Counts.Pending == 0
	})
	request(t, "POST", service.url+"/waiting-list/", `{"username":"`+name+`","phone_number":"0799888777"}`)
	request(t, "POST", service.url+"/waiting-list/", `{"username":"`+name+`","phone_number":"0799888777x"}`)
	request(t, "GET", service.url+"/webhook/whatsapp?hub.mode=subscribe&hub.verify_token="+verifyToken+"-wrong", "")
	if err := service.terminate(); err != nil {
		t.Errorf("stop the service: %v", err)
	}
	log := service.output()
	for _, secret := range []string{appSecret, verifyToken, accessToken, geminiKey, "api-key-2d9f", "799888777", words, name} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q:\n%s", secret, lineWith(log, secret))
		}
	}
}

// lineWith returns the first line of the log that contains the word.
func lineWith(log, word string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

func waitFor(t *testing.T, sim *simulator.Simulator, wanted func(simulator.Ledger) bool) {
	t.Helper()
	ctx, cancel := contextWithTimeout(t)
	defer cancel()
	if err := sim.WaitFor(ctx, wanted); err != nil {
		t.Fatal(err)
	}
}

func TestServe_NotConfiguredWithoutKeys(t *testing.T) {
	t.Parallel()
	service := start(t, []string{"DATABASE_URL=" + testdb.New(t), "HOST=127.0.0.1", "PORT=0"}, "serve")
	for _, tt := range []struct{ method, path, body string }{
		{"POST", "/gemini", `{"prompt":"x"}`},
		{"POST", "/webhook/whatsapp", `{}`},
		{"GET", "/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=", ""},
	} {
		status, answer := request(t, tt.method, service.url+tt.path, tt.body)
		if status != 503 || !strings.Contains(answer, `"code":"not_configured"`) {
			t.Errorf("%s %s: got %d %s, want 503 not_configured", tt.method, tt.path, status, answer)
		}
	}
}

func TestServe_ReportsAllConfigurationErrors(t *testing.T) {
	t.Parallel()
	p := launch(t, []string{"PORT=http", "GEMINI_TIMEOUT=soon", "RATE_LIMIT_GEMINI=many", "WHATSAPP_TOKEN=hush", "WHATSAPP_TOKEN_FILE=/dev/null"}, "serve")
	if err := <-p.exited(); err == nil {
		t.Fatal("the service started with an invalid configuration")
	}
	for _, name := range []string{"PORT", "GEMINI_TIMEOUT", "RATE_LIMIT_GEMINI", "WHATSAPP_TOKEN"} {
		if !strings.Contains(p.output(), name) {
			t.Errorf("the output does not name %s:\n%s", name, p.output())
		}
	}
	if strings.Contains(p.output(), "hush") {
		t.Error("the output contains the value of a secret")
	}
}

func TestServe_TwoInstancesOnEmptyDatabase(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	env := environment(testdb.Empty(t), simURL)
	var group sync.WaitGroup
	services := make([]*process, 2)
	for i := range services {
		services[i] = launch(t, env, "serve")
	}
	for _, p := range services {
		group.Go(func() {
			select {
			case <-p.serving():
			case <-time.After(waitLimit):
				t.Errorf("an instance did not start to serve in time:\n%s", p.output())
			}
		})
	}
	group.Wait()
	const persons = 40
	for i := range persons {
		sim.SetWebhookURL(services[i%2].url + "/webhook/whatsapp")
		sim.Say(person(i), token(i, 0))
	}
	waitFor(t, sim, func(l simulator.Ledger) bool { return allAnswered(l, persons, 1) })
	checkAnsweredOnce(t, sim.Ledger(), persons, 1)
}

func TestServe_StopFinishesCurrentAnswer(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{Model: simulator.Range{Min: 500 * time.Millisecond, Max: 500 * time.Millisecond}})
	service := start(t, environment(testdb.New(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	sim.Say(person(1), token(1, 0))
	waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.ModelCalls+l.Counts.ReadCalls > 0 })
	if err := service.terminate(); err != nil {
		t.Errorf("stop the service: %v\n%s", err, service.output())
	}
	if sent := len(sim.Ledger().Outbound); sent != 1 {
		t.Errorf("%d answers were sent, want 1 (the answer in progress)", sent)
	}
}

func TestServe_ClosesSlowRequest(t *testing.T) {
	t.Parallel()
	service := start(t, []string{"DATABASE_URL=" + testdb.New(t), "HOST=127.0.0.1", "PORT=0"}, "serve")
	conn, err := net.Dial("tcp", strings.TrimPrefix(service.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST /gemini HTTP/1.1\r\nHost: x\r\nContent-Ty"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(waitLimit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); errors.Is(err, io.EOF) || isTimeout(err) {
		t.Errorf("the service did not close the connection: %v", err)
	}
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

func TestServe_SignUpBodies(t *testing.T) {
	t.Parallel()
	service := start(t, []string{"DATABASE_URL=" + testdb.New(t), "HOST=127.0.0.1", "PORT=0", "RATE_LIMIT_SIGNUPS=0"}, "serve")
	long := strings.Repeat("x", 10_000)
	for name, tt := range map[string]struct {
		contentType, body string
		status            int
	}{
		"malformed":                  {"application/json", `{"username":`, 400},
		"two_values":                 {"application/json", `{} {}`, 400},
		"invalid_utf8":               {"application/json", "{\"username\":\"\xff\"}", 400},
		"nul_in_name":                {"application/json", `{"username":"a\u0000b","phone_number":"0712345678"}`, 422},
		"name_of_10000_characters":   {"application/json", `{"username":"` + long + `","phone_number":"0712345678"}`, 422},
		"number_of_10000_characters": {"application/json", `{"username":"x","phone_number":"` + long + `"}`, 422},
		"wrong_types":                {"application/json", `{"username":7,"phone_number":[]}`, 422},
		"too_large":                  {"application/json", `"` + strings.Repeat("x", 70_000) + `"`, 413},
		"not_json":                   {"text/plain", `{}`, 415},
		"unknown_members":            {"application/json", `{"username":"x","phone_number":"0712345678","more":{}}`, 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, service.url+"/waiting-list/", bytes.NewReader([]byte(tt.body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", tt.contentType)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != tt.status || response.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: got %d %s, want %d", name, response.StatusCode, answer, tt.status)
		}
	}
}

func TestCommand_VersionAndUnknown(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(binary, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "aisha ") {
		t.Errorf("version = %q, %v, want prefix \"aisha \"", out, err)
	}
	err = exec.Command(binary, "nonsense").Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("unknown command: got %v, want exit code 2", err)
	}
}

// Development mode needs no configuration and keeps its data between runs.
func TestDev_KeepsDataBetweenRuns(t *testing.T) {
	t.Parallel()
	env := []string{"HOST=127.0.0.1", "PORT=0", "SIMULATOR_PORT=0", "AISHA_DATA_DIR=" + t.TempDir()}
	for run, number := range []string{"0712345678", "0722000000"} {
		service := start(t, env, "dev")
		status, answer := request(t, "POST", service.url+"/waiting-list/", `{"username":"x","phone_number":"`+number+`"}`)
		if want := fmt.Sprintf(`{"message":"Added to waiting list","id":%d}`, run+1); status != 200 || answer != want {
			t.Errorf("run %d: got %d %s, want %s", run+1, status, answer, want)
		}
		status, answer = request(t, "POST", service.url+"/gemini", `{"prompt":"Habari"}`)
		if status != 200 || !strings.Contains(strings.ToLower(answer), "simulated") {
			t.Errorf("run %d: got %d %s, want a simulated answer", run+1, status, answer)
		}
		if err := service.terminate(); err != nil {
			t.Errorf("run %d: stop the service: %v\n%s", run+1, err, service.output())
		}
	}
}
