// Package geminiapi calls the Gemini API for package gemini, whose Model it
// implements. It builds the HTTP requests, validates the responses, retries
// failed attempts, and translates each failure into a fault.
//
// It uses Google's generative-ai-go, which is no longer maintained; the
// transport in this package works around its defects. No type of that SDK is
// part of the exported API, so a successor can replace it within this package.
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
	"google.golang.org/api/option/internaloption"
	gtransport "google.golang.org/api/transport/grpc"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

// Options configures a Client.
type Options struct {
	APIKey   sensitive.Secret
	BaseURL  string        // empty: Google's
	Model    string        // for example gemini-3.5-flash-lite
	Fallback string        // used if Model is overloaded or does not exist; empty: none
	Timeout  time.Duration // of one attempt
	Log      *slog.Logger

	// Observe is called after every attempt, for metrics. It may be nil. The
	// outcome is one of about a dozen constant strings, "completed" for success.
	Observe func(model, outcome string, took time.Duration)
}

// Client is a client of the Gemini API. It is safe for concurrent use.
type Client struct {
	sdk     *genai.Client
	base    *http.Transport
	options Options
	backoff backoff
}

var _ gemini.Model = (*Client)(nil)

// New returns a Client. It opens no connection. It fails if one of the required
// options APIKey, Model, Timeout and Log is missing. ctx is used only until New
// returns.
func New(ctx context.Context, o Options) (*Client, error) {
	o.Model, o.Fallback = trimModelPrefix(o.Model), trimModelPrefix(o.Fallback)
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
		return nil, fmt.Errorf("geminiapi: make the SDK client: %w", err)
	}
	return &Client{
		sdk:     sdk,
		base:    base,
		options: o,
		backoff: backoff{initial: initialDelay, max: maxDelay},
	}, nil
}

// sdkOptions returns the options for the SDK client:
//
//   - The SDK gets a placeholder for the API key, and the transport adds the
//     real one: the SDK would put it into URLs, and so into errors. Without any
//     key the SDK would look for a service account.
//   - Logging is off. Otherwise an environment variable could make the SDK log
//     every prompt.
//   - gRPC is off, see [noGRPC]. The SDK hands the same options to its REST
//     clients, and their validation rejects an HTTP client together with a gRPC
//     pool, so it is skipped.
func sdkOptions(o Options, base http.RoundTripper) []option.ClientOption {
	options := []option.ClientOption{
		option.WithAPIKey("added by the transport"),
		option.WithHTTPClient(&http.Client{Transport: &transport{base: base, key: o.APIKey}}),
		option.WithLogger(slog.New(slog.DiscardHandler)),
		gtransport.WithConnPool(noGRPC{}),
		internaloption.SkipDialSettingsValidation(),
	}
	if o.BaseURL != "" {
		options = append(options, option.WithEndpoint(strings.TrimRight(o.BaseURL, "/")))
	}
	return options
}

// Close closes the idle connections.
func (c *Client) Close() error {
	c.base.CloseIdleConnections()
	return c.sdk.Close()
}

// trimModelPrefix removes the optional prefix from the name of a model.
func trimModelPrefix(model string) string { return strings.TrimPrefix(model, "models/") }
