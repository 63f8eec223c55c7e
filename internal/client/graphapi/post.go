package graphapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"aisha/internal/client/upstream"
	"aisha/internal/service/whatsapp"
)

// post sends the payload once. Errors: a *whatsapp.Refusal where the API cannot
// have received any of it, otherwise a *whatsapp.UnknownOutcome. The texts of
// errors that may quote the response are masked.
func (c *Client) post(ctx context.Context, phoneNumberID string, payload any, private upstream.Private) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	connected := new(atomic.Bool)
	request, err := c.newPost(trackConnection(ctx, connected), phoneNumberID, payload)
	if err != nil {
		return response{}, notSent(err)
	}
	httpResponse, err := c.http.Do(request)
	if err != nil {
		if connected.Load() {
			return response{}, &whatsapp.UnknownOutcome{Cause: private.MaskError(withoutURL(err))}
		}
		return response{}, notSent(withoutURL(err))
	}
	defer func() { _ = httpResponse.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(httpResponse.Body, maxResponse))
	return response{
		status:     httpResponse.StatusCode,
		retryAfter: upstream.RetryAfter(httpResponse.Header),
		body:       body,
		readErr:    private.MaskError(err),
	}, nil
}

func (c *Client) newPost(ctx context.Context, phoneNumberID string, payload any) (*http.Request, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	address := fmt.Sprintf("%s/%s/%s/messages", c.options.BaseURL, c.options.Version, url.PathEscape(phoneNumberID))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the base URL of the Graph API is not a URL") // err quotes it
	}
	request.Header.Set("Authorization", "Bearer "+c.options.Token.Reveal())
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// trackConnection sets connected as soon as the request has a connection. From
// then on the server may have received some of the request; before that it has
// received nothing.
//
// An idle connection may turn out to be closed. net/http then takes another
// one, but only where it knows that the server received nothing of the request,
// so each attempt to get a connection resets connected. net/http repeats a POST
// in no other case, because the request has no Idempotency-Key header.
func trackConnection(ctx context.Context, connected *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { connected.Store(false) },
		GotConn:      func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteHeaders: func() { connected.Store(true) },
	})
}

// notSent returns the error of a call that failed before anything was sent. It
// holds the number, because every other send would fail too until the API can
// be reached again.
func notSent(cause error) error {
	return &whatsapp.Refusal{Reaction: whatsapp.HoldNumber, Detail: "not sent: " + cause.Error()}
}

// withoutURL removes the method and the URL that http.Client adds to an error,
// because the URL has ids that must not be logged.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
