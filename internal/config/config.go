// Package config reads the service's configuration from environment variables
// and a .env file. It defines the variables, their defaults and their valid
// values, and reports all invalid ones at once.
//
// Package cmd/aisha passes the settings to the packages that use them.
package config

import (
	_ "embed" // for defaultInstructions
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"aisha/internal/sensitive"
)

// defaultInstructions are the model's system instructions when
// ASSISTANT_INSTRUCTIONS is blank.
//
//go:embed instructions.txt
var defaultInstructions string

// Config is the validated configuration.
type Config struct {
	DatabaseURL     sensitive.Secret // empty only from LoadDev
	DatabaseReadURL sensitive.Secret // for lists, searches, exports and statistics; may be a replica; empty: DatabaseURL
	Host            string
	Port            int // 0: any free port

	Gemini   Gemini
	WhatsApp WhatsApp

	CORSAllowedOrigins []string           // empty: no other origin; "*": all
	CORSGeminiOrigins  []string           // the same for /gemini
	APIKeys            []sensitive.Secret // empty: /gemini needs no key
	AdminToken         sensitive.Secret   // empty: the operator routes are off
	SignupRedirectURL  string             // where a browser goes after a sign-up by form; empty: to a built-in page
	RateSignups        Rate               // valid sign-ups from one client address
	RatePerNumber      Rate               // sign-ups for one phone number
	RateGemini         Rate
	TrustedProxies     []netip.Prefix // networks whose forwarding headers are trusted
	MetricsAddr        string         // host:port where only /metrics is served; empty: the API serves it

	RetainMessages time.Duration // how long messages and their answers are kept; 0: forever
	RetainWebhooks time.Duration // how long unhandled items of webhooks are kept; 0: forever

	Referral Referral

	LogLevel  slog.Level
	LogFormat string // json or text; empty: text in a terminal, json otherwise

	PhoneURL      string // aisha dev only: page of the simulated phone; no variable sets it
	SimulatorPort int    // aisha dev only; 0: any free port
	DataDir       string // aisha dev only: directory of its own database and secrets

	// ReadWarnings name oddities of the variables as they were written, such as
	// quotes around a value and misspelt names.
	ReadWarnings []string
}

// Gemini configures the client of the model.
type Gemini struct {
	APIKey        sensitive.Secret // empty: Gemini is not configured
	Model         string
	FallbackModel string        // empty: none
	BaseURL       string        // empty: Google's
	Timeout       time.Duration // of one attempt of a request
}

// WhatsApp configures the webhook, the client of the Graph API and the
// assistant.
type WhatsApp struct {
	Token         sensitive.Secret   // empty: nothing can be sent
	AppSecrets    []sensitive.Secret // a webhook may be signed with any of them; empty: webhooks are rejected
	VerifyToken   sensitive.Secret   // empty: webhook subscriptions are not confirmed
	PhoneNumberID string             // Meta's id of our number; a message to another one is logged
	BaseURL       string             // empty: Meta's
	APIVersion    string
	Throughput    int // messages per second that Meta allows one of our numbers to send

	Instructions  string
	Apology       string        // sent when the model refuses or fails; empty: a built-in text
	ReplyWithin   time.Duration // older messages are not answered by the model; the person is asked to ask again
	HandoverPause time.Duration // how long the assistant is silent after a human of the business wrote
	Debounce      time.Duration // how long a person must send nothing before the assistant answers
	ResendAfter   time.Duration // how long a send with an unknown outcome waits for a status before it is repeated
	Workers       int           // number of answers that this instance works on at the same time
}

// Referral configures what a referral is worth.
type Referral struct {
	Daily int // credits that an entry can get in a day; more are held for an operator
	Max   int // credits that an entry can get in all; more are held for an operator
	Boost int // places that a credit moves the entry up; 0: none
}

// Rate is the number of requests that a client may send within a window of
// time. Zero requests means no limit.
type Rate struct {
	Requests int
	Window   time.Duration
}

// Load reads the configuration for production. The error has the type
// [Problems].
func Load() (Config, error) {
	var p parser
	env := p.readEnvironment()
	p.require(env.DatabaseURL, "the URL of PostgreSQL, for example postgres://user:password@localhost:5432/aisha")
	return p.parse(env)
}

// LoadDev reads the configuration for local development, where DATABASE_URL is
// optional, HOST and the host of METRICS_ADDR are the loopback address by default,
// and CORS allows every origin by default, but not for /gemini: any web page in the
// developer's browser could spend the money of a real key. The error has the type
// [Problems].
func LoadDev() (Config, error) {
	const loopback = "127.0.0.1"
	var p parser
	env := p.readEnvironment()
	if !env.Host.isSet {
		env.Host.value = loopback
	}
	if strings.HasPrefix(env.MetricsAddr.value, ":") {
		env.MetricsAddr.value = loopback + env.MetricsAddr.value
	}
	simulatedAllowed, _ := strconv.ParseBool(env.AllowSimulatedAnswers.value) // parse reports an invalid value
	if env.WhatsAppToken.isSet && !env.GeminiAPIKey.isSet && !simulatedAllowed {
		p.reject(env.GeminiAPIKey.name, "must be set, because WHATSAPP_TOKEN is: otherwise people would get simulated answers from your number. "+
			"To send simulated answers, set ALLOW_SIMULATED_ANSWERS=true")
	}
	cfg, err := p.parse(env)
	if err != nil {
		return Config{}, err
	}
	if len(cfg.CORSAllowedOrigins) == 0 {
		cfg.CORSAllowedOrigins = []string{"*"}
	}
	return cfg, nil
}

// LoadAddress reads where the API listens. It ignores problems of other variables,
// except that the file .env cannot be read.
// The error has the type [Problems].
func LoadAddress() (host string, port int, err error) {
	var reader, p parser
	env := reader.readEnvironment()
	p.problems = slices.DeleteFunc(reader.problems, func(problem Problem) bool { return problem.Name != dotEnvFile })
	if port = p.number(env.Port, 0, maxPort); len(p.problems) > 0 {
		return "", 0, p.problems
	}
	return env.Host.value, port, nil
}

// parse converts all variables. It fails if it, or readEnvironment before it, found
// a problem.
func (p *parser) parse(env environment) (Config, error) {
	cfg := Config{
		DatabaseURL:     p.database(env.DatabaseURL),
		DatabaseReadURL: p.database(env.DatabaseReadURL),
		Host:            env.Host.value,
		Port:            p.number(env.Port, 0, maxPort),
		Gemini: Gemini{
			APIKey:        p.secret(env.GeminiAPIKey),
			Model:         p.model(env.GeminiModel),
			FallbackModel: p.model(env.GeminiFallbackModel),
			BaseURL:       p.url(env.GeminiBaseURL),
			Timeout:       p.duration(env.GeminiTimeout, time.Second, 10*time.Minute),
		},
		WhatsApp: WhatsApp{
			Token:         p.secret(env.WhatsAppToken),
			AppSecrets:    p.secrets(env.WhatsAppAppSecret),
			VerifyToken:   p.secret(env.WebhookVerifyToken),
			PhoneNumberID: p.match(env.WhatsAppPhoneNumberID, `^[0-9]*$`, "must be an id of digits; it is not the phone number itself"),
			BaseURL:       p.url(env.WhatsAppBaseURL),
			APIVersion:    p.match(env.WhatsAppAPIVersion, `^v[0-9]+\.[0-9]+$`, "must be a version of the Graph API such as v25.0"),
			Throughput:    p.number(env.WhatsAppThroughput, 1, 1000),
			Instructions:  p.instructions(env.AssistantInstructions),
			Apology:       env.AssistantApology.value,
			ReplyWithin:   p.duration(env.ReplyWithin, time.Minute, 24*time.Hour),
			HandoverPause: p.duration(env.HandoverPause, 0, 30*24*time.Hour),
			Debounce:      p.duration(env.ReplyDebounce, 0, time.Minute),
			ResendAfter:   p.duration(env.ResendAfter, minResendAfter, 24*time.Hour),
			Workers:       p.number(env.ReplyWorkers, 1, 1000),
		},
		CORSAllowedOrigins: p.origins(env.CORSAllowedOrigins),
		APIKeys:            p.secrets(env.APIKeys),
		AdminToken:         p.secret(env.AdminToken),
		SignupRedirectURL:  p.page(env.SignupRedirectURL),
		RateSignups:        p.rate(env.RateLimitSignups),
		RatePerNumber:      p.ratePerNumber(env),
		RateGemini:         p.rate(env.RateLimitGemini),
		TrustedProxies:     p.prefixes(env.TrustedProxies),
		MetricsAddr:        p.listenAddress(env.MetricsAddr),
		RetainMessages:     p.retention(env.RetainMessages, minRetainMessages),
		RetainWebhooks:     p.retention(env.RetainWebhooks, minRetainWebhooks),
		Referral: Referral{
			Daily: p.number(env.ReferralDaily, 0, maxReferral),
			Max:   p.number(env.ReferralMax, 0, maxReferral),
			Boost: p.number(env.ReferralBoost, 0, maxReferral),
		},
		LogLevel:      p.level(env.LogLevel, env.Debug),
		LogFormat:     p.match(env.LogFormat, `^(json|text)?$`, "must be json or text"),
		SimulatorPort: p.number(env.SimulatorPort, 0, maxPort),
		DataDir:       env.DataDir.value,
	}
	cfg.CORSGeminiOrigins = cfg.CORSAllowedOrigins
	p.boolean(env.AllowSimulatedAnswers)
	p.url(env.URL) // LoadClient uses it
	if p.problems != nil {
		p.rejectMisspelt()
		return Config{}, p.problems
	}
	cfg.ReadWarnings = p.warnings
	return cfg, nil
}
