package config

import "testing"

func TestLoadClient(t *testing.T) {
	setenv(t, "AISHA_URL=https://example.com/aisha/", "HOST=::1", "PORT=9000", "ADMIN_TOKEN=T", "GEMINI_TIMEOUT=soon", "WHATSAPP_TOKEN_FILE=nowhere")
	got, err := LoadClient()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	if got.URL != "https://example.com/aisha" || got.Host != "::1" || got.Port != 9000 || got.AdminToken.Reveal() != "T" {
		t.Errorf("got %+v, want the URL without its last slash, ::1, 9000 and the token", got)
	}
	for name, value := range map[string]string{"AISHA_URL": "example.com", "PORT": "http", "ADMIN_TOKEN": "a\tb"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if _, err := LoadClient(); problemsByName(t, err)[name] == "" {
				t.Errorf("got error %v, want a problem of %s", err, name)
			}
		})
	}
	t.Run("token_from_a_file", func(t *testing.T) {
		t.Setenv("ADMIN_TOKEN", "")
		t.Setenv("ADMIN_TOKEN_FILE", "nowhere")
		if _, err := LoadClient(); problemsByName(t, err)["ADMIN_TOKEN_FILE"] == "" {
			t.Errorf("got error %v, want a problem of ADMIN_TOKEN_FILE", err)
		}
		writeFile(t, "token", "from-a-file\n")
		t.Setenv("ADMIN_TOKEN_FILE", "token")
		if got, err := LoadClient(); err != nil || got.AdminToken.Reveal() != "from-a-file" {
			t.Errorf("got error %v and a token of %d characters, want the one in the file", err, len(got.AdminToken.Reveal()))
		}
	})
}
