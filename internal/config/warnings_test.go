package config

import (
	"strings"
	"testing"
)

func TestConfig_Warnings(t *testing.T) {
	complete := []string{"DATABASE_URL=" + database, "CORS_ALLOWED_ORIGINS=*", "API_KEYS=x", "GEMINI_API_KEY=x", "WHATSAPP_TOKEN=x", "WHATSAPP_APP_SECRET=x", "WEBHOOK_VERIFY_TOKEN=x"}
	for name, test := range map[string]struct {
		change string
		want   []string // prefixes of the warnings
	}{
		"complete":            {"HOST=::", nil},
		"no_origins":          {"CORS_ALLOWED_ORIGINS=", []string{"CORS_ALLOWED_ORIGINS "}},
		"no_api_keys":         {"API_KEYS=", []string{"API_KEYS "}},
		"no_gemini_key":       {"GEMINI_API_KEY=", []string{"GEMINI_API_KEY "}},
		"no_app_secret":       {"WHATSAPP_APP_SECRET=", []string{"WHATSAPP_TOKEN "}},
		"no_token":            {"WHATSAPP_TOKEN=", []string{"WHATSAPP_APP_SECRET "}},
		"no_verify_token":     {"WEBHOOK_VERIFY_TOKEN=", []string{"WEBHOOK_VERIFY_TOKEN "}},
		"gemini_over_http":    {"GEMINI_BASE_URL=http://example.com", []string{"GEMINI_BASE_URL "}},
		"graph_api_over_http": {"WHATSAPP_BASE_URL=http://10.0.0.1:8001", []string{"WHATSAPP_BASE_URL "}},
		"http_to_loopback":    {"WHATSAPP_BASE_URL=http://127.0.0.1:8001", nil},
		"http_to_localhost":   {"GEMINI_BASE_URL=http://localhost:8001", nil},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, append(complete, test.change)...)
			cfg, err := Load()
			if err != nil {
				t.Fatal(err)
			}
			got := cfg.Warnings()
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want warnings with the prefixes %q", got, test.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("got %q, want prefix %q", got[i], test.want[i])
				}
			}
		})
	}
}
