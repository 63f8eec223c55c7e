package main

import (
	"context"
	"fmt"

	"aisha/internal/client/geminiapi"
	"aisha/internal/service/gemini"
	"aisha/internal/telemetry"
)

// addGemini adds the client of the model. Without an API key the service reports
// that it is not configured.
func (a *app) addGemini(ctx context.Context) (*gemini.Service, error) {
	cfg := a.cfg.Gemini
	if cfg.APIKey.IsZero() {
		return gemini.New(nil), nil
	}
	client, err := geminiapi.New(ctx, geminiapi.Options{
		APIKey:   cfg.APIKey,
		BaseURL:  cfg.BaseURL,
		Model:    cfg.Model,
		Fallback: cfg.FallbackModel,
		Timeout:  cfg.Timeout,
		Log:      a.log,
		Observe:  telemetry.NewGeminiObserver(a.metrics),
	})
	if err != nil {
		return nil, fmt.Errorf("build the Gemini client: %w", err)
	}
	a.credentials.gemini = &credential{
		name:     "GEMINI_API_KEY",
		advice:   "create a key at https://aistudio.google.com/apikey; until then nothing is answered",
		check:    client.CheckKey,
		rejected: geminiapi.ErrKeyRejected,
	}
	a.add(component{name: "gemini client", stop: func(context.Context) error { return client.Close() }})
	return gemini.New(client), nil
}
