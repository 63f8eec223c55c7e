package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestLoad_Files(t *testing.T) {
	setenv(t)
	for _, tag := range tags() {
		if tag.Get("file") != "" {
			name := tag.Get("envconfig")
			t.Setenv(name+"_FILE", writeFile(t, name, "\n  postgres://"+name+" \r\n"))
		}
	}
	cfg, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"DATABASE_URL":           cfg.DatabaseURL.Reveal(),
		"DATABASE_READ_URL":      cfg.DatabaseReadURL.Reveal(),
		"GEMINI_API_KEY":         cfg.Gemini.APIKey.Reveal(),
		"WHATSAPP_TOKEN":         cfg.WhatsApp.Token.Reveal(),
		"WHATSAPP_APP_SECRET":    cfg.WhatsApp.AppSecrets[0].Reveal(),
		"WEBHOOK_VERIFY_TOKEN":   cfg.WhatsApp.VerifyToken.Reveal(),
		"API_KEYS":               cfg.APIKeys[0].Reveal(),
		"ADMIN_TOKEN":            cfg.AdminToken.Reveal(),
		"ASSISTANT_INSTRUCTIONS": cfg.WhatsApp.Instructions,
	} {
		if want := "postgres://" + name; got != want {
			t.Errorf("%s_FILE: got %q, want %q", name, got, want)
		}
	}
}

func TestLoad_FileWithOneKeyPerLine(t *testing.T) {
	setenv(t, "DATABASE_URL="+database)
	t.Setenv("API_KEYS_FILE", writeFile(t, "keys", "one\r\ntwo,three\n\n"))
	cfg, err := Load()
	if err != nil || !reflect.DeepEqual(cfg.APIKeys, secrets("one", "two", "three")) {
		t.Errorf("got %d keys, error %v, want the keys one, two and three", len(cfg.APIKeys), err)
	}
}

func TestLoad_InvalidFiles(t *testing.T) {
	for name, test := range map[string]struct {
		pairs         []string
		problem, want string
	}{
		"missing": {
			pairs:   []string{"WHATSAPP_TOKEN_FILE=EAAhunter2"},
			problem: "WHATSAPP_TOKEN_FILE", want: "the file cannot be read: no such file or directory",
		},
		"directory": {
			pairs:   []string{"ADMIN_TOKEN_FILE=."},
			problem: "ADMIN_TOKEN_FILE", want: "the file cannot be read: is a directory",
		},
		"empty": {
			pairs:   []string{"GEMINI_API_KEY_FILE=/dev/null"},
			problem: "GEMINI_API_KEY_FILE", want: "the file is empty",
		},
		"variable_and_file": {
			pairs:   []string{"API_KEYS=hunter2", "API_KEYS_FILE=/dev/null"},
			problem: "API_KEYS", want: "must not be set together with API_KEYS_FILE",
		},
		"instructions_and_file": {
			pairs:   []string{"ASSISTANT_INSTRUCTIONS=x", "ASSISTANT_INSTRUCTIONS_FILE=/dev/null"},
			problem: "ASSISTANT_INSTRUCTIONS", want: "must not be set together with ASSISTANT_INSTRUCTIONS_FILE",
		},
		"missing_database_file": {
			pairs:   []string{"DATABASE_URL=", "DATABASE_URL_FILE=nowhere"},
			problem: "DATABASE_URL_FILE", want: "the file cannot be read: no such file or directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, append([]string{"DATABASE_URL=" + database}, test.pairs...)...)
			_, err := Load()
			if problems := problemsByName(t, err); len(problems) != 1 || problems[test.problem] != test.want {
				t.Errorf("got error %v, want only %s: %s", err, test.problem, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got error %q, want one without values", err)
			}
		})
	}
}

func TestLoad_DotEnv(t *testing.T) {
	setenv(t, "PORT=9000")
	writeFile(t, ".env", "# comment\nDATABASE_URL='postgres://u:pa$$word@localhost/aisha'\nPORT=1\nADMIN_TOKEN=\nexport LOG_FORMAT=text # to read\n")
	cfg, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.DatabaseURL.Reveal() != "postgres://u:pa$$word@localhost/aisha" || cfg.Port != 9000 || cfg.LogFormat != "text" || !cfg.AdminToken.IsZero() {
		t.Errorf("got database %q, %+v, want the values of .env except PORT=9000", cfg.DatabaseURL.Reveal(), cfg)
	}
}

func TestLoad_InvalidDotEnv(t *testing.T) {
	for _, content := range []string{"WHATSAPP-TOKEN=hunter2\n", "ADMIN_TOKEN=\"hunter2\n"} {
		setenv(t, "DATABASE_URL="+database)
		writeFile(t, ".env", content)
		_, err := Load()
		if problems := problemsByName(t, err); problems[".env"] == "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got error %v, want a problem of .env without its content", content, err)
		}
	}
}
