package config

import (
	"os"
	"strings"
	"testing"
)

func TestLoad_QuotesFromTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		pair        string
		value       func(Config) string
		want        string
		wantWarning string // a prefix; empty: no warning
	}{
		"single_quotes": {"WHATSAPP_APP_SECRET='simulated-app-secret'",
			func(c Config) string { return c.WhatsApp.AppSecrets[0].Reveal() }, "simulated-app-secret", "WHATSAPP_APP_SECRET is in quotes"},
		"double_quotes": {`ADMIN_TOKEN="simulated-app-secret"`,
			func(c Config) string { return c.AdminToken.Reveal() }, "simulated-app-secret", "ADMIN_TOKEN is in quotes"},
		"space_inside_and_outside": {`ADMIN_TOKEN= ' simulated-app-secret ' `,
			func(c Config) string { return c.AdminToken.Reveal() }, "simulated-app-secret", "ADMIN_TOKEN is in quotes"},
		"url": {`GEMINI_BASE_URL="https://example.com"`,
			func(c Config) string { return c.Gemini.BaseURL }, "https://example.com", "GEMINI_BASE_URL is in quotes"},
		"number": {`HOST="::1"`, func(c Config) string { return c.Host }, "::1", "HOST is in quotes"},
		"text": {`ASSISTANT_APOLOGY='Sorry, "friend"!'`,
			func(c Config) string { return c.WhatsApp.Apology }, `Sorry, "friend"!`, "ASSISTANT_APOLOGY is in quotes"},
		"list_in_quotes": {`API_KEYS='0123456789abcdef,fedcba9876543210'`,
			func(c Config) string { return c.APIKeys[1].Reveal() }, "fedcba9876543210", "API_KEYS is in quotes"},
		"items_in_quotes": {`API_KEYS='0123456789abcdef', fedcba9876543210`,
			func(c Config) string { return c.APIKeys[0].Reveal() }, "0123456789abcdef", "API_KEYS has an item in quotes"},
		"different_quotes": {`ADMIN_TOKEN='simulated-app-secret"`,
			func(c Config) string { return c.AdminToken.Reveal() }, `'simulated-app-secret"`, ""},
		"text_with_quoted_ends": {`ASSISTANT_APOLOGY="Sorry" is "samahani"`,
			func(c Config) string { return c.WhatsApp.Apology }, `"Sorry" is "samahani"`, ""},
		"byte_order_mark": {"ADMIN_TOKEN=\uFEFFsimulated-app-secret",
			func(c Config) string { return c.AdminToken.Reveal() }, "simulated-app-secret", ""},
		"one_quote":    {"ASSISTANT_APOLOGY='", func(c Config) string { return c.WhatsApp.Apology }, "'", ""},
		"empty_quotes": {"GEMINI_MODEL=''", func(c Config) string { return c.Gemini.Model }, "gemini-3.5-flash-lite", "GEMINI_MODEL is in quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, "DATABASE_URL="+database, test.pair)
			cfg, err := Load()
			if err != nil {
				t.Fatal(err)
			}
			if got := test.value(cfg); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			warnings := strings.Join(cfg.ReadWarnings, "\n")
			if test.wantWarning == "" && warnings != "" || !strings.HasPrefix(warnings, test.wantWarning) || strings.Contains(warnings, test.want) {
				t.Errorf("got warnings %q, want the prefix %q and no value", warnings, test.wantWarning)
			}
		})
	}
}

func TestLoad_EmptyQuotesCountAsUnset(t *testing.T) {
	setenv(t, "DATABASE_URL=''")
	if _, err := Load(); !strings.HasPrefix(problemsByName(t, err)["DATABASE_URL"], "must be set") {
		t.Errorf("got error %v, want a problem of DATABASE_URL that must be set", err)
	}
}

// A variable may be set in a line of .env that cannot be read.
func TestLoad_BrokenDotEnvIsTheOnlyProblem(t *testing.T) {
	setenv(t)
	if err := os.WriteFile(".env", []byte("DATABASE_URL="+database+"\nhello world\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load()
	if problems := problemsByName(t, err); len(problems) != 1 || problems[".env"] == "" {
		t.Errorf("got error %v, want one problem of .env", err)
	}
}

// Every variable that is valid without quotes is valid in quotes.
func TestLoad_AnyVariableInQuotes(t *testing.T) {
	for _, tag := range tags() {
		name := tag.Get("envconfig")
		value := tag.Get("default")
		if value == "" {
			value = map[string]string{
				"DATABASE_URL": database, "DATABASE_READ_URL": database, "AISHA_URL": "https://a.example", "GEMINI_BASE_URL": "https://a.example", "WHATSAPP_BASE_URL": "https://a.example", "WHATSAPP_PHONE_NUMBER_ID": "1",
				"CORS_ALLOWED_ORIGINS": "https://a.example", "SIGNUP_REDIRECT_URL": "https://a.example/thanks", "METRICS_ADDR": "127.0.0.1:9090", "TRUSTED_PROXIES": "10.0.0.0/8", "LOG_FORMAT": "json",
			}[name]
		}
		if value == "" {
			value = "0123456789abcdef"
		}
		for _, quote := range []string{"'", `"`} {
			setenv(t, "DATABASE_URL="+database)
			t.Setenv(name, value)
			want, err := Load()
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv(name, quote+value+quote)
			got, err := Load()
			if err != nil {
				t.Errorf("%s in %s: got error %v, want none", name, quote, err)
			}
			if len(got.ReadWarnings) != 1 {
				t.Errorf("%s in %s: got warnings %q, want one", name, quote, got.ReadWarnings)
			}
			got.ReadWarnings = nil
			if diff := diffConfig(want, got); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", name, quote, diff)
			}
		}
	}
}

func TestLoad_FileAsEditorsWriteIt(t *testing.T) {
	for name, test := range map[string]struct {
		content     string
		wantWarning bool
	}{
		"line_end":                {"simulated-app-secret\n", false},
		"windows_line_end":        {"simulated-app-secret\r\n", false},
		"byte_order_mark":         {"\xef\xbb\xbfsimulated-app-secret\r\n", false},
		"quotes":                  {"'simulated-app-secret'\n", true},
		"byte_order_mark_in_file": {"\xef\xbb\xbf\"simulated-app-secret\"\r\n\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, "DATABASE_URL="+database)
			t.Setenv("ADMIN_TOKEN_FILE", writeFile(t, "token", test.content))
			cfg, err := Load()
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.AdminToken.Reveal(); got != "simulated-app-secret" {
				t.Errorf("got %q, want simulated-app-secret", got)
			}
			if got := len(cfg.ReadWarnings) == 1; got != test.wantWarning {
				t.Errorf("got warnings %q, want one: %t", cfg.ReadWarnings, test.wantWarning)
			}
		})
	}
	t.Run("utf_16", func(t *testing.T) {
		setenv(t, "DATABASE_URL="+database)
		t.Setenv("ASSISTANT_INSTRUCTIONS_FILE", writeFile(t, "instructions", "\xff\xfeB\x00e\x00"))
		_, err := Load()
		if got := problemsByName(t, err)["ASSISTANT_INSTRUCTIONS_FILE"]; got != "the file is UTF-16 or binary: save it as UTF-8" {
			t.Errorf("got problem %q, want one about UTF-16", got)
		}
	})
	t.Run("commas_only", func(t *testing.T) {
		setenv(t, "DATABASE_URL="+database)
		t.Setenv("API_KEYS_FILE", writeFile(t, "keys", ",\n , \n"))
		_, err := Load()
		if problemsByName(t, err)["API_KEYS"] == "" {
			t.Errorf("got error %v, want a problem of API_KEYS", err)
		}
	})
	t.Run("path_in_quotes", func(t *testing.T) {
		setenv(t, "DATABASE_URL="+database)
		t.Setenv("ADMIN_TOKEN_FILE", "'"+writeFile(t, "token", "simulated-app-secret")+"'")
		cfg, err := Load()
		if err != nil || cfg.AdminToken.Reveal() != "simulated-app-secret" || len(cfg.ReadWarnings) != 1 {
			t.Errorf("got token %q, warnings %q, error %v, want the token and a warning", cfg.AdminToken.Reveal(), cfg.ReadWarnings, err)
		}
	})
}
