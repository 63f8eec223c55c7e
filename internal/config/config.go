// Package config decides what the service is told by its environment: which
// variables there are, what they may say, and what holds where they say
// nothing. It checks everything before anything is started.
//
// What the settings are used for is left to cmd/aisha, which hands them on.
package config

import (
	_ "embed" // for the built-in instructions
	"log/slog"
	"net/netip"
	"time"

	"aisha/internal/sensitive"
)

// builtInInstructions say who the assistant is, unless the operator does.
//
//go:embed instructions.txt
var builtInInstructions string

// Config is the whole configuration, checked.
type Config struct {
	DatabaseURL sensitive.Secret // empty only from LoadDev
	Host        string
	Port        int // 0: any that is free

	Gemini   Gemini
	WhatsApp WhatsApp

	CORSAllowedOrigins []string           // empty: none; "*": all
	APIKeys            []sensitive.Secret // empty: /gemini is open
	AdminToken         sensitive.Secret   // empty: no operator routes
	RateSignups        Rate
	RateGemini         Rate
	TrustedProxies     []netip.Prefix

	RetainMessages time.Duration // how long what was said and answered is kept; 0: for ever
	RetainWebhooks time.Duration // and what webhooks told that nobody acted on

	LogLevel  slog.Level
	LogFormat string // json or text

	SimulatorPort int    // of aisha dev; 0: any that is free
	DataDir       string // of aisha dev: where its own database is kept
}

// Gemini is how the model is reached.
type Gemini struct {
	APIKey        sensitive.Secret // empty: not configured
	Model         string
	FallbackModel string        // empty: none
	BaseURL       string        // empty: Google's
	Timeout       time.Duration // of one attempt
}

// WhatsApp is how the Graph API is reached, and how the assistant answers.
type WhatsApp struct {
	Token         sensitive.Secret   // empty: nothing can be sent
	AppSecrets    []sensitive.Secret // any of them may sign; empty: no webhook is taken
	VerifyToken   sensitive.Secret   // empty: no subscription is confirmed
	PhoneNumberID string             // the number that starts conversations
	BaseURL       string             // empty: Meta's
	APIVersion    string
	Throughput    int // messages a second that Meta lets a number send

	Instructions  string
	Apology       string        // where the model has no words; empty: a built-in text
	ReplyWithin   time.Duration // what waits longer is not answered by the model any more
	HandoverPause time.Duration // how long the assistant is silent after somebody wrote by hand
	Debounce      time.Duration // how long a person must be quiet before an answer starts
	ResendAfter   time.Duration // how long an unknown send waits for a status before it is sent again
	Workers       int           // answers worked on at once
}

// Rate is how many requests one client may send in a window of time. With zero
// requests there is no limit.
type Rate struct {
	Requests int
	Window   time.Duration
}

// Load reads the configuration of the service. Its error is [Problems].
func Load() (Config, error) { return load(true) }

// LoadDev reads the configuration of a service that brings along what it
// lacks: it may do without a database, and pages from anywhere may call it.
func LoadDev() (Config, error) {
	cfg, err := load(false)
	if len(cfg.CORSAllowedOrigins) == 0 {
		cfg.CORSAllowedOrigins = []string{"*"}
	}
	return cfg, err
}

func load(needsDatabase bool) (Config, error) {
	var p parser
	env := p.read()
	if needsDatabase {
		p.require(env.DatabaseURL, "it tells where PostgreSQL is, for example postgres://user:password@localhost:5432/aisha")
	}
	cfg := p.config(env)
	if p.problems != nil {
		return Config{}, p.problems
	}
	return cfg, nil
}

// config turns the text of every variable into what it says.
func (p *parser) config(env environment) Config {
	return Config{
		DatabaseURL: p.database(env.DatabaseURL),
		Host:        env.Host.value,
		Port:        p.number(env.Port, 0, maxPort),
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
			ResendAfter:   p.duration(env.ResendAfter, shortestResend, 24*time.Hour),
			Workers:       p.number(env.ReplyWorkers, 1, 1000),
		},
		CORSAllowedOrigins: p.origins(env.CORSAllowedOrigins),
		APIKeys:            p.secrets(env.APIKeys),
		AdminToken:         p.secret(env.AdminToken),
		RateSignups:        p.rate(env.RateLimitSignups),
		RateGemini:         p.rate(env.RateLimitGemini),
		TrustedProxies:     p.prefixes(env.TrustedProxies),
		RetainMessages:     p.retention(env.RetainMessages, shortestRetention),
		RetainWebhooks:     p.retention(env.RetainWebhooks, time.Hour),
		LogLevel:           p.level(env.LogLevel, env.Debug),
		LogFormat:          p.match(env.LogFormat, `^(json|text)$`, "must be json or text"),
		SimulatorPort:      p.number(env.SimulatorPort, 0, maxPort),
		DataDir:            env.DataDir.value,
	}
}
