package config

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"

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
	DatabaseURL     setting `envconfig:"DATABASE_URL" file:"true"`
	DatabaseReadURL setting `envconfig:"DATABASE_READ_URL" file:"true"`
	Host            setting `envconfig:"HOST" default:"0.0.0.0"`
	Port            setting `envconfig:"PORT" default:"8000"`

	URL setting `envconfig:"AISHA_URL"`

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
	SignupRedirectURL  setting `envconfig:"SIGNUP_REDIRECT_URL"`
	RateLimitSignups   setting `envconfig:"RATE_LIMIT_SIGNUPS" default:"120/m"`
	RateLimitPerNumber setting `envconfig:"RATE_LIMIT_SIGNUPS_PER_NUMBER" default:"5/m"`
	RateLimitGemini    setting `envconfig:"RATE_LIMIT_GEMINI" default:"20/m"`
	TrustedProxies     setting `envconfig:"TRUSTED_PROXIES"`
	MetricsAddr        setting `envconfig:"METRICS_ADDR"`

	RetainMessages setting `envconfig:"RETAIN_MESSAGES" default:"2160h"`
	RetainWebhooks setting `envconfig:"RETAIN_WEBHOOKS" default:"720h"`

	ReferralDaily setting `envconfig:"REFERRAL_DAILY" default:"10"`
	ReferralMax   setting `envconfig:"REFERRAL_MAX" default:"50"`
	ReferralBoost setting `envconfig:"REFERRAL_BOOST" default:"0"`

	Debug     setting `envconfig:"DEBUG" default:"false"`
	LogLevel  setting `envconfig:"LOG_LEVEL" default:"info"`
	LogFormat setting `envconfig:"LOG_FORMAT"`

	SimulatorPort         setting `envconfig:"SIMULATOR_PORT" default:"8001"`
	DataDir               setting `envconfig:"AISHA_DATA_DIR" default:".aisha"`
	AllowSimulatedAnswers setting `envconfig:"ALLOW_SIMULATED_ANSWERS" default:"false"`
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
// environment has precedence, except for a variable of ours that is blank there and
// so counts as unset. The other variables of .env are set too: pgx, the Go
// runtime and the proxy settings of net/http read the environment.
func (p *parser) readEnvironment() environment {
	fromFile := p.readDotEnv()
	unsetIfBlank := namesUnsetIfBlank()
	for name, value := range fromFile {
		inEnvironment, found := os.LookupEnv(name)
		countsAsUnset := unsetIfBlank[name] && isBlank(inEnvironment)
		if found && !countsAsUnset {
			delete(fromFile, name)
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			p.reject(dotEnvFile, "a name or a value cannot be set: "+err.Error())
		}
	}
	var env environment
	if err := envconfig.Process("", &env); err != nil {
		panic("config: envconfig cannot read a setting: " + err.Error()) // a bug: Decode accepts every text
	}
	var names []string
	fields := reflect.ValueOf(&env).Elem()
	for i := range fields.NumField() {
		s, tag := fields.Field(i).Addr().Interface().(*setting), fields.Type().Field(i).Tag
		s.name = tag.Get("envconfig")
		// Quotes that are left in a value from .env are meant: the file was parsed.
		if _, parsed := fromFile[s.name]; !parsed {
			s.value = p.clean(s.name, s.value)
		}
		p.applyFileOrDefault(s, tag)
		names = append(names, s.name)
		if tag.Get("file") != "" {
			names = append(names, s.name+"_FILE")
		}
	}
	p.warnMisspelt(environmentNames(), names)
	return env
}

// namesUnsetIfBlank returns the names of our variables for which a blank value
// counts as unset.
func namesUnsetIfBlank() map[string]bool {
	names := map[string]bool{}
	fields := reflect.TypeFor[environment]()
	for i := range fields.NumField() {
		tag := fields.Field(i).Tag
		if tag.Get("blank") == "" {
			names[tag.Get("envconfig")] = true
		}
		if tag.Get("file") != "" {
			names[tag.Get("envconfig")+"_FILE"] = true
		}
	}
	return names
}

// environmentNames returns the names of all variables that are not blank.
func environmentNames() []string {
	var names []string
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.TrimSpace(value) != "" {
			names = append(names, name)
		}
	}
	return names
}

// applyFileOrDefault sets the value from NAME_FILE if that is set, and replaces
// a blank value by the default. envconfig supports neither.
func (p *parser) applyFileOrDefault(s *setting, tag reflect.StructTag) {
	s.isSet = s.value != "" && strings.TrimSpace(os.Getenv(s.name)) != ""
	if s.value == "" && tag.Get("blank") == "" {
		s.value = tag.Get("default")
	}
	fileVariable := s.name + "_FILE"
	path := os.Getenv(fileVariable)
	if tag.Get("file") == "" || isBlank(path) {
		return
	}
	if s.isSet {
		p.reject(s.name, "must not be set together with "+fileVariable)
		return
	}
	s.value, s.isSet = p.readFile(fileVariable, p.clean(fileVariable, path)), true
}

// readFile returns the content of a file, without the space and the quotes around
// it. name is the variable that a problem is reported for.
func (p *parser) readFile(name, path string) string {
	content, err := os.ReadFile(path) //nolint:gosec // the operator chooses the file
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		// The message omits the path, because it is the secret itself if the
		// operator set NAME_FILE instead of NAME.
		p.reject(name, "the file cannot be read: "+failed.Err.Error())
		return ""
	case err != nil:
		p.reject(name, "the file cannot be read")
		return ""
	}
	text, err := decodeText(content)
	if err != nil {
		p.reject(name, err.Error())
		return ""
	}
	text = p.clean(name, text)
	if text == "" {
		p.reject(name, "the file is empty")
	}
	return text
}
