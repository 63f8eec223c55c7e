package config

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/joho/godotenv"
	"github.com/kelseyhightower/envconfig"
)

// environment holds all variables as text. envconfig does not convert them,
// because it would stop at the first invalid value; parser reports all of them.
//
// A blank variable counts as unset, because Docker Compose passes unset
// variables as blank ones. The tag blank:"true" marks a variable for which blank
// is a value. The tag file:"true" marks a variable that NAME_FILE, the path of a
// file, can set instead.
type environment struct {
	DatabaseURL setting `envconfig:"DATABASE_URL" file:"true"`
	Host        setting `envconfig:"HOST" default:"0.0.0.0"`
	Port        setting `envconfig:"PORT" default:"8000"`

	GeminiAPIKey        setting `envconfig:"GEMINI_API_KEY" file:"true"`
	GeminiModel         setting `envconfig:"GEMINI_MODEL" default:"gemini-3.5-flash-lite"`
	GeminiFallbackModel setting `envconfig:"GEMINI_FALLBACK_MODEL" default:"gemini-3.8-flash" blank:"true"`
	GeminiBaseURL       setting `envconfig:"GEMINI_BASE_URL"`
	GeminiTimeout       setting `envconfig:"GEMINI_TIMEOUT" default:"60s"`

	WhatsAppToken         setting `envconfig:"WHATSAPP_TOKEN" file:"true"`
	WhatsAppAppSecret     setting `envconfig:"WHATSAPP_APP_SECRET" file:"true"`
	WebhookVerifyToken    setting `envconfig:"WEBHOOK_VERIFY_TOKEN" file:"true"`
	WhatsAppPhoneNumberID setting `envconfig:"WHATSAPP_PHONE_NUMBER_ID"`
	WhatsAppBaseURL       setting `envconfig:"WHATSAPP_BASE_URL"`
	WhatsAppAPIVersion    setting `envconfig:"WHATSAPP_API_VERSION" default:"v25.0"`
	WhatsAppThroughput    setting `envconfig:"WHATSAPP_THROUGHPUT" default:"80"`

	AssistantInstructions setting `envconfig:"ASSISTANT_INSTRUCTIONS" file:"true"`
	AssistantApology      setting `envconfig:"ASSISTANT_APOLOGY"`
	ReplyDebounce         setting `envconfig:"REPLY_DEBOUNCE" default:"1500ms"`
	ReplyWorkers          setting `envconfig:"REPLY_WORKERS" default:"64"`
	ReplyWithin           setting `envconfig:"REPLY_WITHIN" default:"12h"`
	HandoverPause         setting `envconfig:"HANDOVER_PAUSE" default:"1h"`
	ResendAfter           setting `envconfig:"RESEND_AFTER" default:"2m"`

	CORSAllowedOrigins setting `envconfig:"CORS_ALLOWED_ORIGINS"`
	APIKeys            setting `envconfig:"API_KEYS" file:"true"`
	AdminToken         setting `envconfig:"ADMIN_TOKEN" file:"true"`
	RateLimitSignups   setting `envconfig:"RATE_LIMIT_SIGNUPS" default:"120/m"`
	RateLimitPerNumber setting `envconfig:"RATE_LIMIT_SIGNUPS_PER_NUMBER" default:"5/m"`
	RateLimitGemini    setting `envconfig:"RATE_LIMIT_GEMINI" default:"20/m"`
	TrustedProxies     setting `envconfig:"TRUSTED_PROXIES"`
	MetricsAddr        setting `envconfig:"METRICS_ADDR"`

	RetainMessages setting `envconfig:"RETAIN_MESSAGES" default:"2160h"`
	RetainWebhooks setting `envconfig:"RETAIN_WEBHOOKS" default:"720h"`

	Debug     setting `envconfig:"DEBUG" default:"false"`
	LogLevel  setting `envconfig:"LOG_LEVEL" default:"info"`
	LogFormat setting `envconfig:"LOG_FORMAT" default:"json"`

	SimulatorPort setting `envconfig:"SIMULATOR_PORT" default:"8001"`
	DataDir       setting `envconfig:"AISHA_DATA_DIR" default:".aisha"`
}

// setting is the name and the text of one variable.
type setting struct {
	name  string
	value string
	isSet bool // in the environment or by a file; false for a default
}

// Decode implements envconfig.Decoder.
func (s *setting) Decode(value string) error {
	s.value = strings.TrimSpace(value)
	return nil
}

// readEnvironment reads all variables from the environment and from .env. The
// environment has precedence.
func (p *parser) readEnvironment() environment {
	// The error of godotenv is dropped: it quotes the invalid line, which may
	// contain a secret.
	if err := godotenv.Load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.reject(".env", "must be lines of NAME=value")
	}
	var env environment
	if err := envconfig.Process("", &env); err != nil {
		panic("config: envconfig cannot read a setting: " + err.Error()) // a bug: Decode accepts every text
	}
	fields := reflect.ValueOf(&env).Elem()
	for i := range fields.NumField() {
		s := fields.Field(i).Addr().Interface().(*setting)
		p.applyFileOrDefault(s, fields.Type().Field(i).Tag)
	}
	return env
}

// applyFileOrDefault sets the value from NAME_FILE if that is set, and replaces
// a blank value by the default. envconfig supports neither.
func (p *parser) applyFileOrDefault(s *setting, tag reflect.StructTag) {
	s.name = tag.Get("envconfig")
	s.isSet = strings.TrimSpace(os.Getenv(s.name)) != ""
	if s.value == "" && tag.Get("blank") == "" {
		s.value = tag.Get("default")
	}
	path := os.Getenv(s.name + "_FILE")
	if tag.Get("file") == "" || path == "" {
		return
	}
	if s.isSet {
		p.reject(s.name, "must not be set together with "+s.name+"_FILE")
		return
	}
	s.value, s.isSet = p.readFile(s.name+"_FILE", path), true
}

// readFile returns the content of a file, with the space around it trimmed.
// name is the variable that a problem is reported for.
func (p *parser) readFile(name, path string) string {
	content, err := os.ReadFile(path) //nolint:gosec // the operator chooses the file
	text := strings.TrimSpace(string(content))
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		// The message omits the path, because it is the secret itself if the
		// operator set NAME_FILE instead of NAME.
		p.reject(name, "the file cannot be read: "+failed.Err.Error())
	case err != nil:
		p.reject(name, "the file cannot be read")
	case text == "":
		p.reject(name, "the file is empty")
	}
	return text
}
