package geminiapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"aisha/internal/client/upstream"
	"aisha/internal/sensitive"
)

// googleBaseURL is the API's own address.
const googleBaseURL = "https://generativelanguage.googleapis.com"

// maxCheckBody limits the response to a check. The description of a model has
// about a kilobyte.
const maxCheckBody = 64 << 10

// ErrKeyRejected is the error of CheckKey for a key that the API rejects.
var ErrKeyRejected = errors.New("gemini api: the API key is rejected")

// CheckKey asks the API for the description of the model, which costs no
// tokens. It returns nil if the API accepts the key, and ErrKeyRejected if the
// API rejects it. Any other error means that the key could not be checked: the
// API cannot be reached, or the server at Options.BaseURL has no such route.
// CheckKey makes one request, without retries, and returns within
// Options.Timeout.
// https://ai.google.dev/api/models#method:-models.get
func (c *Client) CheckKey(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	address := strings.TrimRight(cmp.Or(c.options.BaseURL, googleBaseURL), "/") +
		"/v1beta/models/" + url.PathEscape(c.options.Model)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("check the API key: the base URL of the Gemini API is not a URL") // err quotes it
	}
	request.Header.Set("X-Goog-Api-Key", c.options.APIKey.Reveal())
	private := upstream.Private{Secrets: []sensitive.Secret{c.options.APIKey}}
	response, err := c.base.RoundTrip(request) // unlike http.Client, it follows no redirect with the key
	if err != nil {
		return fmt.Errorf("check the API key: %w", private.MaskError(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxCheckBody))
	described, parseErr := upstream.ParseJSON(body)
	switch {
	case response.StatusCode == http.StatusOK && err == nil && parseErr == nil && described.IsObject():
		return nil
	case statusFailure(response, body, private).outcome == keyRejected:
		return ErrKeyRejected
	default:
		return fmt.Errorf("check the API key: the response has status %d and is not a model's description", response.StatusCode)
	}
}
