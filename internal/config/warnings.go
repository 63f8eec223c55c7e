package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"aisha/internal/sensitive"
)

// Warnings returns a log message for each setting that is valid but probably a
// mistake.
func (c Config) Warnings() []string {
	warnings := slices.Concat(c.ReadWarnings, c.shortSecrets())
	for _, w := range []struct {
		applies bool
		text    string
	}{
		{len(c.CORSAllowedOrigins) == 0, "CORS_ALLOWED_ORIGINS is empty: web pages of other origins cannot call the API"},
		{len(c.APIKeys) == 0, "API_KEYS is empty: /gemini needs no key"},
		{c.Gemini.APIKey.IsZero(), "GEMINI_API_KEY is empty: /gemini is not configured, and WhatsApp messages are stored but not answered"},
		{!c.WhatsApp.Token.IsZero() && len(c.WhatsApp.AppSecrets) == 0,
			"WHATSAPP_TOKEN is set but WHATSAPP_APP_SECRET is not: webhooks are rejected"},
		{len(c.WhatsApp.AppSecrets) > 0 && c.WhatsApp.Token.IsZero(),
			"WHATSAPP_APP_SECRET is set but WHATSAPP_TOKEN is not: messages are stored but not answered"},
		{len(c.WhatsApp.AppSecrets) > 0 && c.WhatsApp.VerifyToken.IsZero(),
			"WEBHOOK_VERIFY_TOKEN is empty: Meta cannot confirm a new subscription"},
		{sendsUnencrypted(c.Gemini.BaseURL), "GEMINI_BASE_URL is not https: the API key and all messages are sent unencrypted"},
		{sendsUnencrypted(c.WhatsApp.BaseURL), "WHATSAPP_BASE_URL is not https: the access token and all messages are sent unencrypted"},
	} {
		if w.applies {
			warnings = append(warnings, w.text)
		}
	}
	return warnings
}

// shortSecrets returns a warning for each variable with a secret that is short
// enough to be guessed.
func (c Config) shortSecrets() []string {
	const minLength = 16
	var warnings []string
	for _, variable := range []struct {
		name    string
		secrets []sensitive.Secret
	}{
		{"API_KEYS", c.APIKeys},
		{"ADMIN_TOKEN", []sensitive.Secret{c.AdminToken}},
		{"WHATSAPP_APP_SECRET", c.WhatsApp.AppSecrets},
		{"WEBHOOK_VERIFY_TOKEN", []sensitive.Secret{c.WhatsApp.VerifyToken}},
	} {
		if slices.ContainsFunc(variable.secrets, func(s sensitive.Secret) bool { return !s.IsZero() && len(s.Reveal()) < minLength }) {
			warnings = append(warnings, fmt.Sprintf("%s has a secret of fewer than %d characters, which can be guessed", variable.name, minLength))
		}
	}
	return warnings
}

// sendsUnencrypted reports whether requests to address leave this machine
// without TLS.
func sendsUnencrypted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.IsLoopback()
}
