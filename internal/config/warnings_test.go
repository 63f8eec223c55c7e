package config

import (
	"strings"
	"testing"
)

func TestConfig_Warnings(t *testing.T) {
	const long, short = "0123456789abcdef", "0123456789abcde"
	complete := []string{"DATABASE_URL=" + database, "CORS_ALLOWED_ORIGINS=*", "GEMINI_API_KEY=x", "WHATSAPP_TOKEN=x",
		"API_KEYS=" + long, "WHATSAPP_APP_SECRET=" + long, "WEBHOOK_VERIFY_TOKEN=" + long}
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
		"short_api_key":       {"API_KEYS=" + long + "," + short, []string{"API_KEYS has a secret of fewer than 16"}},
		"short_admin_token":   {"ADMIN_TOKEN=" + short, []string{"ADMIN_TOKEN has a secret"}},
		"short_verify_token":  {"WEBHOOK_VERIFY_TOKEN=" + short, []string{"WEBHOOK_VERIFY_TOKEN has a secret"}},
		"short_app_secret":    {"WHATSAPP_APP_SECRET=" + short, []string{"WHATSAPP_APP_SECRET has a secret"}},
		"quotes":              {"GEMINI_API_KEY='x'", []string{"GEMINI_API_KEY is in quotes"}},
		"misspelt_name":       {"GEMINI_APIKEY=x", []string{"GEMINI_APIKEY is set but not used: did you mean GEMINI_API_KEY?"}},
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
				if strings.Contains(got[i], short) {
					t.Errorf("got %q, want a warning without the secret", got[i])
				}
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("got %q, want prefix %q", got[i], test.want[i])
				}
			}
		})
	}
}
