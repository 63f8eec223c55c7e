package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/joho/godotenv"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/localpg"
	"aisha/internal/dev/simulator"
)

// `docker run --env-file` passes the quotes of a line on.
func TestServe_QuotesFromEnvFile(t *testing.T) {
	t.Parallel()
	const secret = "simulated-app-secret"
	service := start(t, []string{"DATABASE_URL='" + testdb.New(t) + "'", "HOST=\"127.0.0.1\"", "PORT='0'", "WHATSAPP_APP_SECRET='" + secret + "'"}, "serve")
	if status, answer := postSigned(t, service.url, secret, `{}`); status != 200 {
		t.Errorf("webhook: got %d %s, want 200", status, answer)
	}
	if log := service.output(); !strings.Contains(log, "WHATSAPP_APP_SECRET is in quotes") || strings.Contains(log, secret) {
		t.Errorf("got the log\n%s\nwant a warning of the quotes without the secret", log)
	}
}

// postSigned posts a webhook as Meta does.
func postSigned(t *testing.T, url, secret, body string) (int, string) {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/webhook/whatsapp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return send(t, r)
}

func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// runCommand runs the binary in an empty folder and returns its output and exit
// code.
func runCommand(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, failures bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &out, &failures
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), failures.String(), cmd.ProcessState.ExitCode()
}

func TestServe_RefusesConfigurationWithoutItsValues(t *testing.T) {
	t.Parallel()
	server := testdb.Empty(t)
	for name, tt := range map[string]struct{ pair, want string }{
		"unescaped_at":      {"DATABASE_URL=postgres://aisha:p@ssSECRET@127.0.0.1:1/aisha", "write @ as %40"},
		"unescaped_slash":   {"DATABASE_URL=postgres://aisha:12/ssSECRET@127.0.0.1:1/aisha", "/ as %2F"},
		"unescaped_percent": {"DATABASE_URL=postgres://aisha:p%ssSECRET@127.0.0.1:1/aisha", "% as %25"},
		"unescaped_space":   {"DATABASE_URL=postgres://aisha:p ssSECRET@127.0.0.1:1/aisha", "a space as %20"},
		"bad_port":          {"DATABASE_URL=postgres://aisha:pSECRET@127.0.0.1:SECRET/aisha", "check its host, port and parameters"},
		"keyword_list":      {"DATABASE_URL=host=127.0.0.1 password=p ssSECRET user=aisha", "put a value that contains a space in 'single quotes'"},
		"wrong_password":    {"DATABASE_URL=" + strings.Replace(server, "postgres://", "postgres://SECRET:SECRET@x", 1), "write @ as %40"},
		"space_and_equals":  {"DATABASE_URL=" + keywordDSN(server) + " options='' application_name=my SECRET=x", "the server refuses a parameter of DATABASE_URL"},
		"commas_as_keys":    {"API_KEYS= , ,", "API_KEYS: must not be a list without any item"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := runCommand(t, []string{"DATABASE_URL=" + server, "HOST=127.0.0.1", "PORT=0", tt.pair}, "serve")
			if code != 1 || !strings.Contains(stderr, tt.want) {
				t.Errorf("got exit code %d and %s, want 1 and %q", code, stderr, tt.want)
			}
			if strings.Contains(stdout+stderr, "SECRET") {
				t.Errorf("the output contains a part of the value:\n%s%s", stdout, stderr)
			}
		})
	}
}

// keywordDSN returns the connection string of a URL as a list of keywords.
func keywordDSN(url string) string {
	rest := strings.TrimPrefix(url, "postgres://")
	login, rest, _ := strings.Cut(rest, "@")
	user, password, _ := strings.Cut(login, ":")
	address, rest, _ := strings.Cut(rest, "/")
	host, port, _ := net.SplitHostPort(address)
	database, _, _ := strings.Cut(rest, "?")
	return "host=" + host + " port=" + port + " user=" + user + " password=" + password + " dbname=" + database
}

func TestServe_DotEnvOfWindows(t *testing.T) {
	t.Parallel()
	content := "\xef\xbb\xbfPORT=0\r\nexport HOST='127.0.0.1' # here\r\nDATABASE_URL='" + testdb.New(t) + "'\r\nWHATSAPP_APPSECRET=0123456789abcdef\r\nADMIN_TOKEN=short\r\n"
	p := launchIn(t, func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}, nil, "serve")
	select {
	case err := <-p.exit:
		t.Fatalf("the program exited before it served: %v\n%s", err, p.output())
	case <-p.serving():
	}
	for _, want := range []string{
		"WHATSAPP_APPSECRET is set but not used: did you mean WHATSAPP_APP_SECRET?",
		"ADMIN_TOKEN has a secret of fewer than 16 characters",
	} {
		if !strings.Contains(p.output(), want) {
			t.Errorf("got the log\n%s\nwant a warning %q", p.output(), want)
		}
	}
}

func TestCommand_HelpAndVersion(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]struct {
		code           int
		stdout, stderr string // prefixes
	}{
		"--version":    {0, "aisha ", ""},
		"help":         {0, "Aisha: ", ""},
		"serve --help": {0, "Usage: aisha serve", ""},
		"dev -h":       {0, "Usage: aisha dev", ""},
		"nonsense":     {2, "", `aisha: wrong usage: unknown command "nonsense"`},
		"serve now":    {2, "", `aisha: wrong usage: serve takes no arguments, but got "now"`},
		"":             {2, "", "aisha: wrong usage: no command"},
	} {
		stdout, stderr, code := runCommand(t, nil, strings.Fields(args)...)
		if code != want.code || !strings.HasPrefix(stdout, want.stdout) || !strings.HasPrefix(stderr, want.stderr) {
			t.Errorf("aisha %s: got exit code %d, output %q and %q; want %d, %q and %q", args, code, stdout, stderr, want.code, want.stdout, want.stderr)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	service := start(t, []string{"DATABASE_URL=" + testdb.New(t), "HOST=0.0.0.0", "PORT=0"}, "serve")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(service.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	// A proxy must not be asked, and other settings do not matter.
	env := []string{"HOST=0.0.0.0", "PORT=" + port, "HTTP_PROXY=http://127.0.0.1:1", "GEMINI_TIMEOUT=soon"}
	if stdout, stderr, code := runCommand(t, env, "health"); code != 0 || stdout+stderr != "" {
		t.Errorf("running service: got exit code %d and %q, want 0 and no output", code, stdout+stderr)
	}
	if err := service.terminate(); err != nil {
		t.Errorf("stop the service: %v", err)
	}
	stdout, stderr, code := runCommand(t, env, "health")
	if code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "aisha: the service is not healthy") {
		t.Errorf("stopped service: got exit code %d and %q, want 1 and one line", code, stdout+stderr)
	}
}

// aisha dev without HOST listens on loopback, refuses foreign names, and accepts
// webhooks that are signed with the secret of its data folder.
func TestDev_ClosedByDefault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	service := start(t, []string{"PORT=0", "SIMULATOR_PORT=0", "AISHA_DATA_DIR=" + dir}, "dev")
	if !strings.HasPrefix(service.url, "http://127.0.0.1:") {
		t.Errorf("got address %s, want one on 127.0.0.1", service.url)
	}
	phone := phoneURL(t, service)
	for name, tt := range map[string]struct {
		url, host string
		want      int
	}{
		"api_own_name":       {service.url + "/healthz", "localhost:8000", 200},
		"api_address":        {service.url + "/healthz", "192.0.2.1", 200},
		"api_foreign":        {service.url + "/healthz", "evil.example", 403},
		"simulator_own_name": {phone, "localhost", 200},
		"simulator_foreign":  {phone, "evil.example:8001", 403},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		if status, answer := send(t, r); status != tt.want {
			t.Errorf("%s: got %d %.100s, want %d", name, status, answer, tt.want)
		}
	}

	path := filepath.Join(dir, "secrets.env")
	secrets, err := godotenv.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secrets.env: got mode %v, error %v, want 0600", info.Mode(), err)
	}
	for secret, want := range map[string]int{secrets["WHATSAPP_APP_SECRET"]: 200, "simulated-app-secret": 403} {
		if status, answer := postSigned(t, service.url, secret, `{"object":"whatsapp_business_account"}`); status != want {
			t.Errorf("webhook signed with %q: got %d %s, want %d", secret, status, answer, want)
		}
	}
	for token, want := range map[string]int{secrets["WEBHOOK_VERIFY_TOKEN"]: 200, "simulated-verify-token": 403} {
		query := "/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + token
		if status, answer := request(t, "GET", service.url+query, ""); status != want {
			t.Errorf("subscription with %q: got %d %s, want %d", token, status, answer, want)
		}
	}
	if strings.Contains(service.output(), secrets["WHATSAPP_APP_SECRET"]) || !strings.Contains(service.output(), path) {
		t.Errorf("got the output\n%s\nwant the path of the secrets without the secrets", service.output())
	}
	if strings.Contains(service.output(), "River") {
		t.Errorf("got the output\n%s\nwant no lines of River at level info", service.output())
	}
}

// phoneURL waits until aisha dev prints its addresses and returns that of the phone.
func phoneURL(t *testing.T, service *process) string {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(service.output()) {
			if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "Phone" {
				return fields[1]
			}
		}
	}
	t.Fatalf("the output names no phone:\n%s", service.output())
	return ""
}

func TestDev_RefusesSimulatedAnswersFromARealNumber(t *testing.T) {
	t.Parallel()
	env := []string{"PORT=0", "SIMULATOR_PORT=0", "WHATSAPP_TOKEN=EAA-token-of-a-real-number", "AISHA_DATA_DIR=" + t.TempDir()}
	stdout, stderr, code := runCommand(t, env, "dev")
	if code != 1 || !strings.Contains(stderr, "ALLOW_SIMULATED_ANSWERS=true") || strings.Contains(stdout+stderr, "EAA") {
		t.Errorf("got exit code %d and %s%s, want 1 and the name of the variable that allows it", code, stdout, stderr)
	}
}

func TestServe_ReportsRejectedCredentials(t *testing.T) {
	t.Parallel()
	_, simURL := newSimulator(t, simulator.Timing{})
	for name, tt := range map[string]struct {
		more []string
		want string
		log  []string
	}{
		"accepted":  {nil, `{"gemini":"ok","whatsapp":"ok"}`, nil},
		"rejected":  {[]string{"GEMINI_API_KEY=wrong-key", "WHATSAPP_TOKEN=wrong-token"}, `{"gemini":"rejected","whatsapp":"rejected"}`, []string{"GEMINI_API_KEY is rejected", "WHATSAPP_TOKEN is rejected"}},
		"no_routes": {[]string{"GEMINI_BASE_URL=" + simURL + "/none", "WHATSAPP_BASE_URL=" + simURL + "/none"}, `{"gemini":"unchecked","whatsapp":"unchecked"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := start(t, environment(testdb.New(t), simURL, tt.more...), "serve")
			got := ""
			for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline) && got != tt.want; time.Sleep(10 * time.Millisecond) {
				status, answer := request(t, "GET", service.url+"/readyz", "")
				var body struct {
					Data struct{ Credentials json.RawMessage }
				}
				if err := json.Unmarshal([]byte(answer), &body); err != nil || status != 200 {
					t.Fatalf("GET /readyz: got %d %s, want 200", status, answer)
				}
				got = string(body.Data.Credentials)
			}
			if got != tt.want {
				t.Errorf("got credentials %s, want %s", got, tt.want)
			}
			for _, line := range tt.log {
				if !strings.Contains(service.output(), line) {
					t.Errorf("got the log\n%s\nwant the warning %q", service.output(), line)
				}
			}
			if log := service.output(); strings.Contains(log, "wrong-") || tt.log == nil && strings.Contains(log, "rejected") {
				t.Errorf("got the log\n%s\nwant no key and no other warning", log)
			}
		})
	}
}

// pollUntil waits until the condition holds, or until waitLimit has passed.
func pollUntil(condition func() bool) {
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
}

// An unreachable database is one line at the start, and one while the service runs:
// not one for each attempt, request and heartbeat.
func TestServe_LogsADatabaseOutageOnce(t *testing.T) {
	t.Parallel()
	_, simURL := newSimulator(t, simulator.Timing{})
	options := localpg.Options{Dir: t.TempDir()}
	database, err := localpg.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	service := start(t, environment(database.URL("postgres"), simURL), "serve")
	if err := database.Stop(); err != nil {
		t.Errorf("stop the database: %v", err)
	}
	isDown := func(log string) int { return strings.Count(log, "cannot reach its database") }
	pollUntil(func() bool { return isDown(service.output()) > 0 })
	for range 5 {
		if status, answer := request(t, "POST", service.url+"/waiting-list/", `{"username":"Jane","phone_number":"0722000000"}`); status != 503 {
			t.Errorf("sign-up during the outage: got %d %s, want 503", status, answer)
		}
	}
	var problems []string
	for line := range strings.Lines(service.output()) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, `"level":"WARN"`) && strings.Contains(line, `"error"`) {
			problems = append(problems, line)
		}
	}
	if len(problems) != 1 {
		t.Errorf("got %d lines about the outage, want 1:\n%s", len(problems), strings.Join(problems, ""))
	}

	// Lines beyond the first one of a minute are at debug.
	second := launch(t, environment(database.URL("postgres"), simURL, "LOG_LEVEL=debug"), "serve")
	pollUntil(func() bool { return isDown(second.output()) >= 3 })
	warnings, attempts := 0, 0
	for line := range strings.Lines(second.output()) {
		if !strings.Contains(line, `"msg":"waiting for the database"`) {
			continue
		}
		attempts++
		if strings.Contains(line, `"level":"WARN"`) {
			warnings++
		}
	}
	if attempts < 3 || warnings != 1 {
		t.Errorf("start without a database: got %d warnings after %d attempts, want 1 after 3 or more:\n%s", warnings, attempts, second.output())
	}
}
