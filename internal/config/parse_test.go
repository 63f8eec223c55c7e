package config

import (
	"testing"
	"time"
)

func TestLoad_ValidAndInvalidValues(t *testing.T) {
	for _, test := range []struct {
		name           string
		valid, invalid []string
	}{
		{"DATABASE_URL",
			[]string{"postgres://h/d", "postgresql://[::1]:5432/d", "postgres://a:1,b:2/d", "host=a,b port=1,2 dbname=d", "dbname = d",
				"postgres://u:p%40%2F%25%20@h/d", "postgres://u:p#?[:@h:5432/d?sslmode=disable", "postgres:///d?host=/run/postgresql",
				"user=u password='p w' host=h", `password=p@#/?[% host=h`, `password=it\'s host=h`, `password='it\'s \\' host=h`, "password= host=h"},
			[]string{"mysql://h/d", "localhost:5432", "postgres://", "h/d", "postgres//h/d",
				"postgres://u:p@ss@h/d", "postgres://u:p/ss@h/d", "postgres://u:1/ss@h/d", "postgres://u:p%ss@h/d", "postgres://u:100%@h/d", "postgres://u:p ss@h/d",
				"postgres://u:p@s/s@h/d", "postgres://u:p@s?a=s@h/d", "postgres://u:12/s?a=s@h/d",
				"password=p w host=h", "password='p host=h", `password='it's' host=h`, `host=h password=x\`}},
		{"DATABASE_READ_URL", []string{"postgres://replica/d", "host=replica"},
			[]string{"mysql://h/d", "postgres://u:p@ss@h/d", "postgres://u:p/ss@h/d", "password=p w host=h", "postgres://u:p\x01@h/d"}},
		{"REFERRAL_DAILY", []string{"0", "1000000"}, []string{"-1", "1000001", "1.5", "ten"}},
		{"REFERRAL_MAX", []string{"0", "1000000"}, []string{"-1", "1000001"}},
		{"REFERRAL_BOOST", []string{"0", "1000000"}, []string{"-1", "1000001"}},
		{"API_KEYS", []string{"a,", ",a", "'a','b'"}, []string{",", " , ,", ",,,", "'',''", "\n,\n", `'","'`, ";", "a,;", "*", "'*'", "a,*"}},
		{"ADMIN_TOKEN", []string{"**", "*x"}, []string{"*"}},
		{"WHATSAPP_APP_SECRET", []string{"a,b"}, []string{",", `"",""`, "a,\u200b", "\u2060b"}},
		{"TRUSTED_PROXIES", nil, []string{","}},
		{"ALLOW_SIMULATED_ANSWERS", []string{"true", "0"}, []string{"yes"}},
		{"PORT", []string{"0", "1", "65535"}, []string{"-1", "65536", "80.0", "0x50", "8000 8001", ":8000"}},
		{"SIMULATOR_PORT", []string{"0", "65535"}, []string{"-1", "65536"}},
		{"GEMINI_TIMEOUT", []string{"1s", "10m"}, []string{"999ms", "10m1s", "60", "-1s", "0"}},
		{"GEMINI_MODEL", []string{"gemini-3.5-flash-lite", "models/x_1"}, []string{"a b", "a/b", "x:generateContent", "é"}},
		{"GEMINI_BASE_URL", []string{"https://example.com", "http://[::1]:1/x/"},
			[]string{"example.com", "ftp://example.com", "https://", "https://:443", "https://u@e.com", "https://e.com?x", "https://e.com/#x", "https://e.com:port"}},
		{"WHATSAPP_API_VERSION", []string{"v25.0", "v9.10"}, []string{"25.0", "v25", "v25.0/x", "latest"}},
		{"WHATSAPP_PHONE_NUMBER_ID", []string{"1"}, []string{"+254700000000", "1a"}},
		{"REPLY_DEBOUNCE", []string{"0", "0s", "1m"}, []string{"-1ms", "61s", "1500"}},
		{"REPLY_WORKERS", []string{"1", "1000"}, []string{"0", "1001", "many"}},
		{"RESEND_AFTER", []string{"10s", "24h"}, []string{"9s", "25h"}},
		{"RETAIN_MESSAGES", []string{"0", "0s", "192h", "2160h", "87600h"}, []string{"191h59m", "7d", "90", "-192h", "87601h"}},
		{"RETAIN_WEBHOOKS", []string{"0", "1h", "720h"}, []string{"59m", "30d", "-1h", "87601h"}},
		{"RATE_LIMIT_SIGNUPS_PER_NUMBER", []string{"0", "5/m"}, []string{"5", "5/d"}},
		{"METRICS_ADDR", []string{"127.0.0.1:9090", ":9090", "[::1]:0", "metrics.internal:65535"}, []string{"9090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", ":65536", "::1:9090"}},
		{"RATE_LIMIT_SIGNUPS", []string{"0", "1/s", "20/m", "100/h"}, []string{"20", "0/m", "-1/m", "20/d", "20/", "/m", "20 / m", "1/m/m"}},
		{"CORS_ALLOWED_ORIGINS", []string{"*", "https://a.example,http://localhost:3000", "https://*.example.com"},
			[]string{"a.example", "https://a.example/", "https://a.example/x", "null", "https://u@a.example", "https://a.example,x"}},
		{"TRUSTED_PROXIES", []string{"10.0.0.0/8,::1", "fd00::/8"}, []string{"10.0.0.0/33", "proxy", "10.0.0.0/8,x"}},
		{"DEBUG", []string{"true", "0"}, []string{"yes"}},
		{"LOG_LEVEL", []string{"debug", "INFO", "error"}, []string{"verbose", "1"}},
		{"LOG_FORMAT", []string{"json", "text"}, []string{"JSON", "logfmt"}},
	} {
		setenv(t, "DATABASE_URL="+database)
		for _, value := range test.valid {
			t.Setenv(test.name, value)
			if _, err := Load(); err != nil {
				t.Errorf("%s=%q: got error %v, want none", test.name, value, err)
			}
		}
		for _, value := range test.invalid {
			t.Setenv(test.name, value)
			_, err := Load()
			if err == nil {
				t.Errorf("%s=%q: got no error, want one", test.name, value)
			} else if problems := problemsByName(t, err); len(problems) != 1 || problems[test.name] == "" {
				t.Errorf("%s=%q: got error %v, want one problem with this variable", test.name, value, err)
			}
		}
	}
}

func TestLoad_Rates(t *testing.T) {
	for value, want := range map[string]Rate{
		"0":     {},
		"5/s":   {Requests: 5, Window: time.Second},
		"20/m":  {Requests: 20, Window: time.Minute},
		"100/h": {Requests: 100, Window: time.Hour},
	} {
		setenv(t, "DATABASE_URL="+database, "RATE_LIMIT_GEMINI="+value)
		if cfg, err := Load(); err != nil || cfg.RateGemini != want {
			t.Errorf("%s: got %v, error %v, want %v", value, cfg.RateGemini, err, want)
		}
	}
}

func TestLoad_RatePerNumber(t *testing.T) {
	fivePerMinute := Rate{Requests: 5, Window: time.Minute}
	for name, tt := range map[string]struct {
		environment []string
		want        Rate
	}{
		"default":                        {nil, fivePerMinute},
		"no_limit_for_addresses":         {[]string{"RATE_LIMIT_SIGNUPS=0"}, Rate{}},
		"no_limit_for_addresses_but_set": {[]string{"RATE_LIMIT_SIGNUPS=0", "RATE_LIMIT_SIGNUPS_PER_NUMBER=5/m"}, fivePerMinute},
		"no_limit":                       {[]string{"RATE_LIMIT_SIGNUPS_PER_NUMBER=0"}, Rate{}},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, append(tt.environment, "DATABASE_URL="+database)...)
			if cfg, err := Load(); err != nil || cfg.RatePerNumber != tt.want {
				t.Errorf("got %v, error %v, want %v", cfg.RatePerNumber, err, tt.want)
			}
		})
	}
}
