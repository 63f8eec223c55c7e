package config

import (
	"strings"
	"testing"
)

func TestWarningsNameWhatIsSeldomMeant(t *testing.T) {
	complete := []string{"DATABASE_URL=" + database, "API_KEYS=x", "GEMINI_API_KEY=x", "WHATSAPP_TOKEN=x", "WHATSAPP_APP_SECRET=x", "WEBHOOK_VERIFY_TOKEN=x"}
	for name, test := range map[string]struct {
		change string
		want   []string // the beginning of each
	}{
		"nothing":         {"HOST=::", nil},
		"open":            {"API_KEYS=", []string{"API_KEYS "}},
		"no model":        {"GEMINI_API_KEY=", []string{"GEMINI_API_KEY "}},
		"no app secret":   {"WHATSAPP_APP_SECRET=", []string{"WHATSAPP_TOKEN "}},
		"no token":        {"WHATSAPP_TOKEN=", []string{"WHATSAPP_APP_SECRET "}},
		"no verify token": {"WEBHOOK_VERIFY_TOKEN=", []string{"WEBHOOK_VERIFY_TOKEN "}},
		"plain gemini":    {"GEMINI_BASE_URL=http://example.com", []string{"GEMINI_BASE_URL "}},
		"plain graph":     {"WHATSAPP_BASE_URL=http://10.0.0.1:8001", []string{"WHATSAPP_BASE_URL "}},
		"local":           {"WHATSAPP_BASE_URL=http://127.0.0.1:8001", nil},
		"local by name":   {"GEMINI_BASE_URL=http://localhost:8001", nil},
	} {
		t.Run(name, func(t *testing.T) {
			given(t, append(complete, test.change)...)
			cfg, err := Load()
			if err != nil {
				t.Fatal(err)
			}
			got := cfg.Warnings()
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("got %q, want %q", got[i], test.want[i])
				}
			}
		})
	}
}
