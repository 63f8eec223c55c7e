package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestEverySecretCanBeGivenAsAFile(t *testing.T) {
	given(t)
	for _, tag := range tags() {
		if tag.Get("file") != "" {
			name := tag.Get("envconfig")
			t.Setenv(name+"_FILE", write(t, name, "\n  postgres://"+name+" \r\n"))
		}
	}
	cfg, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"DATABASE_URL":           cfg.DatabaseURL.Reveal(),
		"GEMINI_API_KEY":         cfg.Gemini.APIKey.Reveal(),
		"WHATSAPP_TOKEN":         cfg.WhatsApp.Token.Reveal(),
		"WHATSAPP_APP_SECRET":    cfg.WhatsApp.AppSecrets[0].Reveal(),
		"WEBHOOK_VERIFY_TOKEN":   cfg.WhatsApp.VerifyToken.Reveal(),
		"API_KEYS":               cfg.APIKeys[0].Reveal(),
		"ADMIN_TOKEN":            cfg.AdminToken.Reveal(),
		"ASSISTANT_INSTRUCTIONS": cfg.WhatsApp.Instructions,
	} {
		if got != "postgres://"+name {
			t.Errorf("%s_FILE: got %q", name, got)
		}
	}
}

func TestAFileMayHoldOneKeyALine(t *testing.T) {
	given(t, "DATABASE_URL="+database)
	t.Setenv("API_KEYS_FILE", write(t, "keys", "one\r\ntwo,three\n\n"))
	cfg, err := Load()
	if err != nil || !reflect.DeepEqual(cfg.APIKeys, secrets("one", "two", "three")) {
		t.Errorf("got %d keys, %v", len(cfg.APIKeys), err)
	}
}

func TestAFileThatCannotBeUsedIsAProblem(t *testing.T) {
	for name, test := range map[string]struct {
		pairs         []string
		problem, want string
	}{
		"missing":   {[]string{"WHATSAPP_TOKEN_FILE=EAAhunter2"}, "WHATSAPP_TOKEN_FILE", "the file cannot be read: no such file or directory"},
		"directory": {[]string{"ADMIN_TOKEN_FILE=."}, "ADMIN_TOKEN_FILE", "the file cannot be read: is a directory"},
		"empty":     {[]string{"GEMINI_API_KEY_FILE=/dev/null"}, "GEMINI_API_KEY_FILE", "the file is empty"},
		"both":      {[]string{"API_KEYS=hunter2", "API_KEYS_FILE=/dev/null"}, "API_KEYS", "must not be set together with API_KEYS_FILE"},
		"both instructions": {[]string{"ASSISTANT_INSTRUCTIONS=x", "ASSISTANT_INSTRUCTIONS_FILE=/dev/null"},
			"ASSISTANT_INSTRUCTIONS", "must not be set together with ASSISTANT_INSTRUCTIONS_FILE"},
		"no database": {[]string{"DATABASE_URL=", "DATABASE_URL_FILE=nowhere"}, "DATABASE_URL_FILE", "the file cannot be read: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			given(t, append([]string{"DATABASE_URL=" + database}, test.pairs...)...)
			_, err := Load()
			if problems := problemsOf(t, err); len(problems) != 1 || problems[test.problem] != test.want {
				t.Errorf("got %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a value is printed: %v", err)
			}
		})
	}
}

func TestDotEnvIsReadAndTheEnvironmentWins(t *testing.T) {
	given(t, "PORT=9000")
	write(t, ".env", "# mine\nDATABASE_URL='postgres://u:pa$$word@localhost/aisha'\nPORT=1\nADMIN_TOKEN=\nexport LOG_FORMAT=text # to read\n")
	cfg, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.DatabaseURL.Reveal() != "postgres://u:pa$$word@localhost/aisha" || cfg.Port != 9000 || cfg.LogFormat != "text" || !cfg.AdminToken.IsZero() {
		t.Errorf("got %q, %+v", cfg.DatabaseURL.Reveal(), cfg)
	}
}

func TestBrokenDotEnvIsAProblemThatQuotesNothing(t *testing.T) {
	for _, content := range []string{"WHATSAPP-TOKEN=hunter2\n", "ADMIN_TOKEN=\"hunter2\n"} {
		given(t, "DATABASE_URL="+database)
		write(t, ".env", content)
		_, err := Load()
		if problems := problemsOf(t, err); problems[".env"] == "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v", content, err)
		}
	}
}
