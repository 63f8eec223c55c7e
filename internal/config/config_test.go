package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aisha/internal/sensitive"
)

const database = "postgres://aisha:hunter2@db1:5432,db2:5433/aisha?target_session_attrs=read-write"

// tags returns the struct tags of all variables.
func tags() []reflect.StructTag {
	var all []reflect.StructTag
	kind := reflect.TypeFor[environment]()
	for i := range kind.NumField() {
		all = append(all, kind.Field(i).Tag)
	}
	return all
}

// setenv sets the variables of pairs, unsets all others, and changes to an empty
// directory, which has no .env. After the test the environment is restored,
// including the variables that Load took from a .env file.
func setenv(t *testing.T, pairs ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, tag := range tags() {
		for _, name := range []string{tag.Get("envconfig"), tag.Get("envconfig") + "_FILE"} {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// writeFile writes a file into the current directory and returns its path.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func secrets(values ...string) []sensitive.Secret {
	var all []sensitive.Secret
	for _, value := range values {
		all = append(all, sensitive.NewSecret(value))
	}
	return all
}

// problemsByName returns the messages of err, which must be Problems, by
// variable.
func problemsByName(t *testing.T, err error) map[string]string {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("got error %v, want Problems", err)
	}
	byName := map[string]string{}
	for _, problem := range problems {
		byName[problem.Name] += problem.Message
	}
	return byName
}

// diffConfig compares the values of secrets, too.
func diffConfig(want, got Config) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(sensitive.Secret{}), cmpopts.EquateComparable(netip.Prefix{}))
}

func TestLoad_Defaults(t *testing.T) {
	setenv(t, "DATABASE_URL="+database)
	got, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		DatabaseURL: sensitive.NewSecret(database),
		Host:        "0.0.0.0",
		Port:        8000,
		Gemini:      Gemini{Model: "gemini-3.5-flash-lite", FallbackModel: "gemini-3.8-flash", Timeout: time.Minute},
		WhatsApp: WhatsApp{
			APIVersion: "v25.0", Throughput: 80, Instructions: strings.TrimSpace(defaultInstructions),
			ReplyWithin: 12 * time.Hour, HandoverPause: time.Hour, Debounce: 1500 * time.Millisecond, ResendAfter: 2 * time.Minute, Workers: 64,
		},
		RateSignups:    Rate{Requests: 120, Window: time.Minute},
		RatePerNumber:  Rate{Requests: 5, Window: time.Minute},
		RateGemini:     Rate{Requests: 20, Window: time.Minute},
		RetainMessages: 90 * 24 * time.Hour,
		RetainWebhooks: 30 * 24 * time.Hour,
		Referral:       Referral{Daily: 10, Max: 50},
		SimulatorPort:  8001,
		DataDir:        ".aisha",
	}
	if diff := diffConfig(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.WhatsApp.Instructions, "You are Aisha") {
		t.Errorf("got instructions %.50q, want the built-in ones", got.WhatsApp.Instructions)
	}
}

func TestLoad_AllVariables(t *testing.T) {
	setenv(t,
		"DATABASE_URL= host=/run/postgresql dbname=aisha ", "DATABASE_READ_URL=postgres://replica/aisha", "HOST=::1", "PORT=0",
		"GEMINI_API_KEY=key", "GEMINI_MODEL=a", "GEMINI_FALLBACK_MODEL=models/b", "GEMINI_BASE_URL=http://localhost:8001/", "GEMINI_TIMEOUT=90s",
		"WHATSAPP_TOKEN=token", "WHATSAPP_APP_SECRET=new, old,", "WEBHOOK_VERIFY_TOKEN=verify me", "WHATSAPP_PHONE_NUMBER_ID=1234567890",
		"WHATSAPP_BASE_URL=https://example.com/graph", "WHATSAPP_API_VERSION=v26.0", "WHATSAPP_THROUGHPUT=1000",
		"ASSISTANT_INSTRUCTIONS=Be brief.\nBe kind.", "REPLY_DEBOUNCE=0", "REPLY_WITHIN=1h", "HANDOVER_PAUSE=0", "ASSISTANT_APOLOGY=Sorry.", "REPLY_WORKERS=1", "RESEND_AFTER=10s",
		"CORS_ALLOWED_ORIGINS=https://a.example, http://localhost:3000", "API_KEYS=one,two", "ADMIN_TOKEN=admin",
		"SIGNUP_REDIRECT_URL=https://a.example/thanks?from=form#top", "RATE_LIMIT_SIGNUPS=5/s", "RATE_LIMIT_SIGNUPS_PER_NUMBER=3/h", "RATE_LIMIT_GEMINI=0", "METRICS_ADDR=127.0.0.1:9090", "TRUSTED_PROXIES=10.1.2.3/8, 192.0.2.1,2001:db8::/32",
		"RETAIN_MESSAGES=192h", "RETAIN_WEBHOOKS=0", "REFERRAL_DAILY=0", "REFERRAL_MAX=7", "REFERRAL_BOOST=100",
		"DEBUG=true", "LOG_LEVEL=warn", "LOG_FORMAT=text", "SIMULATOR_PORT=9000", "AISHA_DATA_DIR=/var/lib/aisha",
	)
	got, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		DatabaseURL:     sensitive.NewSecret("host=/run/postgresql dbname=aisha"),
		DatabaseReadURL: sensitive.NewSecret("postgres://replica/aisha"),
		Host:            "::1",
		Gemini: Gemini{
			APIKey: sensitive.NewSecret("key"), Model: "a", FallbackModel: "models/b",
			BaseURL: "http://localhost:8001", Timeout: 90 * time.Second,
		},
		WhatsApp: WhatsApp{
			Token: sensitive.NewSecret("token"), AppSecrets: secrets("new", "old"), VerifyToken: sensitive.NewSecret("verify me"),
			PhoneNumberID: "1234567890", BaseURL: "https://example.com/graph", APIVersion: "v26.0", Throughput: 1000,
			Instructions: "Be brief.\nBe kind.", Apology: "Sorry.", ReplyWithin: time.Hour, ResendAfter: 10 * time.Second, Workers: 1,
		},
		CORSAllowedOrigins: []string{"https://a.example", "http://localhost:3000"},
		CORSGeminiOrigins:  []string{"https://a.example", "http://localhost:3000"},
		SignupRedirectURL:  "https://a.example/thanks?from=form#top",
		APIKeys:            secrets("one", "two"),
		AdminToken:         sensitive.NewSecret("admin"),
		RateSignups:        Rate{Requests: 5, Window: time.Second},
		RatePerNumber:      Rate{Requests: 3, Window: time.Hour},
		MetricsAddr:        "127.0.0.1:9090",
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32"),
		},
		RetainMessages: 8 * 24 * time.Hour,
		Referral:       Referral{Max: 7, Boost: 100},
		LogLevel:       slog.LevelDebug,
		LogFormat:      "text",
		SimulatorPort:  9000,
		DataDir:        "/var/lib/aisha",
	}
	if diff := diffConfig(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// TestLoad_InvalidVariables sets all variables to invalid values. Each contains
// "hunter2", which must not appear in the error.
func TestLoad_InvalidVariables(t *testing.T) {
	invalid := map[string]string{
		"DATABASE_URL": "hunter2", "DATABASE_READ_URL": "postgres://aisha:hunter2@x@db/aisha", "PORT": "hunter2", "GEMINI_API_KEY": "hunter2\nhunter2", "GEMINI_MODEL": "hunter2/../x",
		"GEMINI_FALLBACK_MODEL": "hunter2?", "GEMINI_BASE_URL": "hunter2", "GEMINI_TIMEOUT": "hunter2", "WHATSAPP_TOKEN": "hunter2\x1b[0m",
		"WHATSAPP_APP_SECRET": "hunter2,hunter2\thunter2", "WEBHOOK_VERIFY_TOKEN": "hunter2\rhunter2", "WHATSAPP_PHONE_NUMBER_ID": "hunter2",
		"WHATSAPP_BASE_URL": "https://hunter2@example.com", "WHATSAPP_API_VERSION": "hunter2", "WHATSAPP_THROUGHPUT": "hunter2", "REPLY_DEBOUNCE": "hunter2",
		"REPLY_WORKERS": "hunter2", "REPLY_WITHIN": "25h", "HANDOVER_PAUSE": "hunter2", "RESEND_AFTER": "hunter2", "CORS_ALLOWED_ORIGINS": "hunter2", "SIGNUP_REDIRECT_URL": "hunter2", "API_KEYS": "hunter2\x01",
		"ADMIN_TOKEN": "hunter2\nhunter2", "RATE_LIMIT_SIGNUPS": "hunter2", "RATE_LIMIT_SIGNUPS_PER_NUMBER": "hunter2", "METRICS_ADDR": "hunter2", "RATE_LIMIT_GEMINI": "hunter2", "TRUSTED_PROXIES": "hunter2",
		"RETAIN_MESSAGES": "hunter2", "RETAIN_WEBHOOKS": "hunter2",
		"REFERRAL_DAILY": "hunter2", "REFERRAL_MAX": "-1", "REFERRAL_BOOST": "1.5",
		"DEBUG": "hunter2", "LOG_LEVEL": "hunter2", "LOG_FORMAT": "hunter2", "SIMULATOR_PORT": "hunter2",
		"ALLOW_SIMULATED_ANSWERS": "hunter2",
		"AISHA_URL":               "hunter2",
	}
	setenv(t)
	for name, value := range invalid {
		t.Setenv(name, value)
	}
	_, err := Load()
	problems := problemsByName(t, err)
	for name := range invalid {
		if problems[name] == "" {
			t.Errorf("%s: got no problem, want one", name)
		}
	}
	// HOST, AISHA_DATA_DIR and the two ASSISTANT_ texts accept every value.
	if unchecked := 4; len(invalid)+unchecked != len(tags()) {
		t.Errorf("the test covers %d variables, want all %d", len(invalid)+unchecked, len(tags()))
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got error %q, want one without values", err)
	}
}

func TestProblems_Error(t *testing.T) {
	setenv(t, "PORT=80000")
	_, err := Load()
	const want = "configuration: 2 problems\n" +
		"  DATABASE_URL: must be set: the URL of PostgreSQL, for example postgres://user:password@localhost:5432/aisha\n" +
		"  PORT: must be a whole number from 0 to 65535"
	if err == nil || err.Error() != want {
		t.Errorf("Load: got error\n%v\nwant\n%s", err, want)
	}
	if _, err = LoadDev(); err == nil || !strings.HasPrefix(err.Error(), "configuration: 1 problem\n") {
		t.Errorf("LoadDev: got error %v, want one problem", err)
	}
}

func TestLoad_BlankVariables(t *testing.T) {
	setenv(t, "DATABASE_URL="+database)
	want, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags() {
		if name := tag.Get("envconfig"); name != "DATABASE_URL" && name != "GEMINI_FALLBACK_MODEL" {
			t.Setenv(name, " ")
			t.Setenv(name+"_FILE", "")
		}
	}
	got, err := Load()
	if diff := diffConfig(want, got); err != nil || diff != "" {
		t.Errorf("got error %v and a configuration without the defaults (-want +got):\n%s", err, diff)
	}
}

func TestLoad_BlankFallbackModel(t *testing.T) {
	setenv(t, "DATABASE_URL="+database, "GEMINI_FALLBACK_MODEL=")
	if got, err := Load(); err != nil || got.Gemini.FallbackModel != "" {
		t.Errorf("got fallback model %q, error %v, want neither", got.Gemini.FallbackModel, err)
	}
}

func TestLoadDev(t *testing.T) {
	setenv(t)
	if got, err := LoadDev(); err != nil || got.Host != "127.0.0.1" {
		t.Errorf("got host %q, error %v, want 127.0.0.1", got.Host, err)
	}
	if got, err := LoadDev(); err != nil || !got.DatabaseURL.IsZero() || !reflect.DeepEqual(got.CORSAllowedOrigins, []string{"*"}) {
		t.Errorf("got database %v, origins %q, error %v, want no database and all origins", got.DatabaseURL, got.CORSAllowedOrigins, err)
	} else if len(got.CORSGeminiOrigins) != 0 {
		t.Errorf("got origins %q for /gemini, want none", got.CORSGeminiOrigins)
	}
	t.Setenv("CORS_ALLOWED_ORIGINS", "*")
	if got, err := LoadDev(); err != nil || !reflect.DeepEqual(got.CORSGeminiOrigins, []string{"*"}) {
		t.Errorf("got origins %q for /gemini, error %v, want * as it is set explicitly", got.CORSGeminiOrigins, err)
	}
	t.Setenv("HOST", "0.0.0.0")
	if got, err := LoadDev(); err != nil || got.Host != "0.0.0.0" {
		t.Errorf("got host %q, error %v, want 0.0.0.0", got.Host, err)
	}
	t.Setenv("CORS_ALLOWED_ORIGINS", "https://a.example")
	if got, err := LoadDev(); err != nil || !reflect.DeepEqual(got.CORSAllowedOrigins, []string{"https://a.example"}) {
		t.Errorf("got origins %q, error %v, want https://a.example", got.CORSAllowedOrigins, err)
	}
}

func TestLoadDev_MetricsAddr(t *testing.T) {
	for address, want := range map[string]string{"": "", ":9090": "127.0.0.1:9090", "0.0.0.0:9090": "0.0.0.0:9090", "[::1]:9090": "[::1]:9090"} {
		setenv(t, "METRICS_ADDR="+address, "HOST=0.0.0.0")
		if got, err := LoadDev(); err != nil || got.MetricsAddr != want {
			t.Errorf("METRICS_ADDR=%s: got %q, error %v, want %q", address, got.MetricsAddr, err, want)
		}
	}
	setenv(t, "METRICS_ADDR=:9090", "DATABASE_URL="+database)
	if got, err := Load(); err != nil || got.MetricsAddr != ":9090" {
		t.Errorf("Load: got %q, error %v, want :9090", got.MetricsAddr, err)
	}
}

// A real WhatsApp number must not send simulated answers by mistake.
func TestLoadDev_SimulatedAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		pairs []string
		want  string // the variable of the problem; empty: none
	}{
		"token_without_key":              {[]string{"WHATSAPP_TOKEN=x"}, "GEMINI_API_KEY"},
		"token_in_quotes_without_key":    {[]string{"WHATSAPP_TOKEN='x'"}, "GEMINI_API_KEY"},
		"refused_explicitly":             {[]string{"WHATSAPP_TOKEN=x", "ALLOW_SIMULATED_ANSWERS=false"}, "GEMINI_API_KEY"},
		"allowed":                        {[]string{"WHATSAPP_TOKEN=x", "ALLOW_SIMULATED_ANSWERS=true"}, ""},
		"token_and_key":                  {[]string{"WHATSAPP_TOKEN=x", "GEMINI_API_KEY=x"}, ""},
		"key_only":                       {[]string{"GEMINI_API_KEY=x"}, ""},
		"invalid_permission_is_one_more": {[]string{"GEMINI_API_KEY=x", "ALLOW_SIMULATED_ANSWERS=maybe"}, "ALLOW_SIMULATED_ANSWERS"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, test.pairs...)
			_, err := LoadDev()
			if test.want == "" {
				if err != nil {
					t.Errorf("got error %v, want none", err)
				}
				return
			}
			if problems := problemsByName(t, err); len(problems) != 1 || problems[test.want] == "" {
				t.Errorf("got error %v, want one problem of %s", err, test.want)
			}
		})
	}
}

func TestLoadAddress(t *testing.T) {
	setenv(t, "HOST='::1'", "PORT=9000", "GEMINI_TIMEOUT=soon", "WHATSAPP_TOKEN_FILE=nowhere")
	if host, port, err := LoadAddress(); err != nil || host != "::1" || port != 9000 {
		t.Errorf("got %q, %d, error %v, want ::1, 9000 and no error", host, port, err)
	}
	t.Setenv("PORT", "http")
	if _, _, err := LoadAddress(); problemsByName(t, err)["PORT"] == "" {
		t.Errorf("got error %v, want a problem of PORT", err)
	}
}

func TestConfig_SecretsAreMasked(t *testing.T) {
	setenv(t, "DATABASE_URL="+database, "DATABASE_READ_URL="+database, "GEMINI_API_KEY=hunter2", "WHATSAPP_TOKEN=hunter2", "WHATSAPP_APP_SECRET=hunter2,hunter2",
		"WEBHOOK_VERIFY_TOKEN=hunter2", "API_KEYS=hunter2", "ADMIN_TOKEN=hunter2")
	cfg, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%v %+v", cfg, &cfg)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "cfg", cfg)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("got output with a secret: %s", out.String())
	}
}
