package config

import (
	"net/netip"
	"net/url"
)

// Warnings are settings that are allowed and yet are seldom meant: each is a
// sentence for the log.
func (c Config) Warnings() []string {
	var warnings []string
	for _, w := range []struct {
		is   bool
		text string
	}{
		{len(c.APIKeys) == 0, "API_KEYS is empty: everybody may use /gemini"},
		{c.Gemini.APIKey.IsZero(), "GEMINI_API_KEY is empty: /gemini is not configured, and WhatsApp messages wait"},
		{!c.WhatsApp.Token.IsZero() && len(c.WhatsApp.AppSecrets) == 0,
			"WHATSAPP_TOKEN is set but WHATSAPP_APP_SECRET is not: no webhook is taken"},
		{len(c.WhatsApp.AppSecrets) > 0 && c.WhatsApp.Token.IsZero(),
			"WHATSAPP_APP_SECRET is set but WHATSAPP_TOKEN is not: messages are stored and wait"},
		{len(c.WhatsApp.AppSecrets) > 0 && c.WhatsApp.VerifyToken.IsZero(),
			"WEBHOOK_VERIFY_TOKEN is empty: Meta cannot confirm a new subscription"},
		{exposes(c.Gemini.BaseURL), "GEMINI_BASE_URL is not https: the key and what people write can be read on the way"},
		{exposes(c.WhatsApp.BaseURL), "WHATSAPP_BASE_URL is not https: the token and what people write can be read on the way"},
	} {
		if w.is {
			warnings = append(warnings, w.text)
		}
	}
	return warnings
}

// exposes reports whether what is sent to the address leaves this machine
// unencrypted.
func exposes(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.IsLoopback()
}
