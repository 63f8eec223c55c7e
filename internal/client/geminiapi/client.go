// Package geminiapi decides how the Gemini API is asked: what goes over the
// wire, what an answer must have to count as one, which failures are worth
// another attempt, and what each failure means to whoever asked. What to ask
// is left to package gemini, whose Model it implements.
//
// It is built on Google's generative-ai-go, which is no longer developed and
// has edges that its [transport] rounds off. Nothing of that library shows in
// the exported API, so its successor can take its place inside this package.
package geminiapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/generative-ai-go/genai"
	"google.golang.org/api/option"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

// Options is what a Client needs to know.
type Options struct {
	APIKey   sensitive.Secret
	BaseURL  string        // empty: Google's
	Model    string        // for example gemini-3.5-flash-lite
	Fallback string        // asked where Model is overloaded or gone; empty: none
	Timeout  time.Duration // of one attempt
	Log      *slog.Logger

	// Observe is told of every attempt, for metrics; nil: nobody is. The
	// outcome is "answered" or one of a dozen short names of what went wrong.
	Observe func(model, outcome string, took time.Duration)
}

// Client asks the Gemini API. One Client serves the whole process: the SDK
// leaves goroutines behind for each one that is made, even when it is closed.
type Client struct {
	sdk     *genai.Client
	base    *http.Transport
	options Options
	pause   pause
}

var _ gemini.Model = (*Client)(nil)

// New prepares a Client. It talks to nobody yet. The context is used only
// while New runs.
func New(ctx context.Context, o Options) (*Client, error) {
	o.Model, o.Fallback = bareName(o.Model), bareName(o.Fallback)
	switch {
	case o.APIKey.IsZero():
		return nil, errors.New("geminiapi: no API key")
	case o.Model == "":
		return nil, errors.New("geminiapi: no model")
	case o.Timeout <= 0:
		return nil, errors.New("geminiapi: the timeout must be positive")
	case o.Log == nil:
		return nil, errors.New("geminiapi: no log")
	}
	base := newBaseTransport()
	sdk, err := genai.NewClient(ctx, sdkOptions(o, base)...)
	if err != nil {
		return nil, fmt.Errorf("geminiapi: %w", err)
	}
	return &Client{sdk: sdk, base: base, options: o, pause: pause{first: firstPause, longest: longestPause}}, nil
}

// sdkOptions keep the key away from the SDK, which would put it into URLs and
// so into errors, and keep the SDK quiet: a variable of the environment can
// make it print every prompt. It does insist on some key, or it would go and
// look for a service account.
func sdkOptions(o Options, base http.RoundTripper) []option.ClientOption {
	options := []option.ClientOption{
		option.WithAPIKey("added by the transport"),
		option.WithHTTPClient(&http.Client{Transport: &transport{base: base, key: o.APIKey}}),
		option.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if o.BaseURL != "" {
		options = append(options, option.WithEndpoint(strings.TrimRight(o.BaseURL, "/")))
	}
	return options
}

// Close gives back the connections that are idle.
func (c *Client) Close() error {
	c.base.CloseIdleConnections()
	return c.sdk.Close()
}

// bareName is the name of a model without the collection that it is in, which
// the API accepts both ways.
func bareName(model string) string { return strings.TrimPrefix(model, "models/") }
