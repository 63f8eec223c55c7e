package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ourNames() []string {
	var names []string
	for _, tag := range tags() {
		names = append(names, tag.Get("envconfig"))
		if tag.Get("file") != "" {
			names = append(names, tag.Get("envconfig")+"_FILE")
		}
	}
	return names
}

func TestFindMisspelt(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"DATABSE_URL":           "DATABASE_URL",
		"DATABASE_URI":          "DATABASE_URL",
		"DATABASE_URLS":         "DATABASE_URL",
		"database_url":          "DATABASE_URL",
		"Port":                  "PORT",
		"API_KEY":               "API_KEYS",
		"APIKEYS":               "API_KEYS",
		"ADMIN_TOKNE":           "ADMIN_TOKEN",
		"ADMINTOKEN":            "ADMIN_TOKEN",
		"LOGLEVEL":              "LOG_LEVEL",
		"GEMINI_KEY":            "GEMINI_API_KEY",
		"GEMINI_API_KYE":        "GEMINI_API_KEY",
		"WHATSAPP_APPSECRET":    "WHATSAPP_APP_SECRET",
		"WHATSAP_TOKEN":         "WHATSAPP_TOKEN",
		"WHATSAPP_TOKEN_FIEL":   "WHATSAPP_TOKEN_FILE",
		"WHATSAPP_VERIFY_TOKEN": "WEBHOOK_VERIFY_TOKEN",
		"WEBHOOK_VERFIY_TOKEN":  "WEBHOOK_VERIFY_TOKEN",
		"CORS_ALLOWED_ORIGIN":   "CORS_ALLOWED_ORIGINS",
		"AISHA_DATADIR":         "AISHA_DATA_DIR",
		"TRUSTED_PROXY":         "",
	}
	var names []string
	for name := range want {
		names = append(names, name)
	}
	delete(want, "TRUSTED_PROXY") // three letters off
	if diff := cmp.Diff(want, findMisspelt(names, ourNames())); diff != "" {
		t.Errorf("misspelt names (-want +got):\n%s", diff)
	}
}

// The names are those of a container in Kubernetes with the images and tools that
// often run beside ours.
func TestFindMisspelt_foreign_names(t *testing.T) {
	t.Parallel()
	foreign := strings.Fields(`
		PATH HOME HOSTNAME PWD OLDPWD SHLVL TERM USER LOGNAME LANG LC_ALL TZ SHELL MAIL EDITOR TMPDIR _ PORTAL GHOST HOSTS HOSTTYPE POST COST PORTS
		container DEBIAN_FRONTEND GOLANG_VERSION GOTOOLCHAIN GOPATH GOMEMLIMIT GOGC GOMAXPROCS GODEBUG NODE_ENV NODE_OPTIONS PYTHONPATH LOG_DIR LOG_FILE
		HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR XDG_RUNTIME_DIR INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET
		KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_PORT KUBERNETES_PORT_443_TCP KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_PORT_443_TCP_PROTO
		AISHA_SERVICE_HOST AISHA_SERVICE_PORT AISHA_PORT AISHA_PORT_8000_TCP AISHA_PORT_8000_TCP_PORT WHATSAPP_SERVICE_HOST WHATSAPP_PORT WHATSAPP_PORT_80_TCP
		GEMINI_SERVICE_PORT_HTTP GEMINI_PORT GEMINI_CLI GEMINI_CLI_NO_RELAUNCH POD_NAME POD_IP NODE_NAME NAMESPACE DYNO RENDER FLY_APP_NAME K_SERVICE
		PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSSLMODE PGSSLROOTCERT POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB POSTGRES_URL REDIS_URL
		DATABASE_HOST DATABASE_PORT DATABASE_USER DATABASE_NAME DATABASE_PASSWORD DATABASE_SSL AWS_REGION AWS_ACCESS_KEY_ID GOOGLE_API_KEY GOOGLE_APPLICATION_CREDENTIALS
		SENTRY_DSN OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_ENDPOINT VERSION COMMIT IMAGE_TAG API_URL API_TOKEN ACCESS_TOKEN SECRET_KEY ADMIN_EMAIL ADMIN_PASSWORD
		DEBUGGER DEBUG_PORT REPLY_TO RETAIN COMPOSE_PROJECT_NAME npm_config_cache JAVA_HOME AISHA_FAULTS DISPLAY SSH_AUTH_SOCK`)
	if got := findMisspelt(foreign, ourNames()); len(got) > 0 {
		t.Errorf("got misspelt names %q, want none", got)
	}
}

// A misspelt name in .env counts too, and is listed with the problems that it may
// have caused.
func TestLoad_MisspeltName(t *testing.T) {
	setenv(t)
	writeFile(t, ".env", "DATABSE_URL=postgres://hunter2\nGEMINI_API_KYE=hunter2\n")
	for _, name := range []string{"DATABSE_URL", "GEMINI_API_KYE"} {
		t.Setenv(name, "") // restores it after the test, because Load sets it
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load()
	problems := problemsByName(t, err)
	want := map[string]string{
		"DATABASE_URL":   "must be set: the URL of PostgreSQL, for example postgres://user:password@localhost:5432/aisha",
		"DATABSE_URL":    "is not used: did you mean DATABASE_URL?",
		"GEMINI_API_KYE": "is not used: did you mean GEMINI_API_KEY?",
	}
	if diff := cmp.Diff(want, problems); diff != "" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got error %v; problems (-want +got):\n%s", err, diff)
	}
}
