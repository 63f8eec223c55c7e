package graphapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"aisha/internal/client/upstream"
	"aisha/internal/service/whatsapp"
)

// ErrTokenRejected is the error of CheckToken for a token with which nothing
// can be sent.
var ErrTokenRejected = errors.New("graph api: the access token is rejected")

// CheckToken asks the Graph API for the id of the phone number, or of the
// token's owner if phoneNumberID is empty. It returns nil if the API accepts
// the token. It returns an error that wraps ErrTokenRejected if the token is
// invalid or has no access to the phone number. Any other error means that the
// token could not be checked: the API cannot be reached, or the server at
// Options.BaseURL has no such route. CheckToken makes one request, without
// retries, and returns within Options.Timeout.
// https://developers.facebook.com/docs/graph-api/reference/whats-app-business-phone-number
func (c *Client) CheckToken(ctx context.Context, phoneNumberID string) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	address := fmt.Sprintf("%s/%s/%s?fields=id", c.options.BaseURL, c.options.Version,
		url.PathEscape(cmp.Or(phoneNumberID, "me")))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("check the access token: the base URL of the Graph API is not a URL") // err quotes it
	}
	request.Header.Set("Authorization", "Bearer "+c.options.Token.Reveal())
	httpResponse, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("check the access token: %w", c.privateToken().MaskError(withoutURL(err)))
	}
	defer func() { _ = httpResponse.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(httpResponse.Body, maxResponse))
	r := response{status: httpResponse.StatusCode, body: body, readErr: err}
	return r.tokenError()
}

// tokenError returns the error of CheckToken for the response.
func (r response) tokenError() error {
	e, code, isGraphError := r.graphError()
	described, err := upstream.ParseJSON(r.body)
	switch {
	case isGraphError && isNoAccess(e, code):
		return fmt.Errorf("%w: it has no access to the phone number id, or the id does not exist", ErrTokenRejected)
	case isGraphError && whatsapp.ReactionTo(code, whatsapp.GiveUp) == whatsapp.HoldForOperator, r.status == http.StatusUnauthorized:
		return fmt.Errorf("%w: status %d, code %d", ErrTokenRejected, r.status, code)
	case isGraphError:
		return fmt.Errorf("check the access token: status %d, code %d", r.status, code)
	case r.status == http.StatusOK && err == nil && described.Member("id").Text() != "":
		return nil
	default:
		return fmt.Errorf("check the access token: the response has status %d and is not from the Graph API", r.status)
	}
}
