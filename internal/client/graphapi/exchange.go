package graphapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"aisha/internal/service/whatsapp"
)

const (
	// maxAnswer bounds an answer; those of Meta have less than a kilobyte.
	maxAnswer = 64 << 10
	// maxRetryAfter bounds for how long an answer can keep us waiting.
	maxRetryAfter = time.Hour
)

// answer is what came back, as much of it as came.
type answer struct {
	status     int
	retryAfter time.Duration
	body       []byte
	cut        error // why the body ended early, where it did
}

// post sends the payload once. Its error is a *whatsapp.Refusal where nothing
// can have reached the API, and else a *whatsapp.Uncertain.
func (c *Client) post(ctx context.Context, phoneNumberID string, payload any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	connected := new(atomic.Bool)
	request, err := c.request(watch(ctx, connected), phoneNumberID, payload)
	if err != nil {
		return answer{}, unsent(err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if connected.Load() {
			return answer{}, &whatsapp.Uncertain{Cause: withoutURL(err)}
		}
		return answer{}, unsent(withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return answer{
		status:     response.StatusCode,
		retryAfter: retryAfter(response.Header.Get("Retry-After")),
		body:       body,
		cut:        err,
	}, nil
}

func (c *Client) request(ctx context.Context, phoneNumberID string, payload any) (*http.Request, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("%s/%s/%s/messages", c.options.BaseURL, c.options.Version, url.PathEscape(phoneNumberID))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the address of the Graph API is not a URL")
	}
	request.Header.Set("Authorization", "Bearer "+c.options.Token.Reveal())
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// watch notes whether the request has a connection: from then on some of it
// may be on its way, and before that none of it can be.
//
// An idle connection may turn out to be closed. net/http then takes another,
// but only where it knows that the server has seen nothing of this request, so
// each try for a connection starts afresh. It repeats a POST in no other case,
// for want of an Idempotency-Key.
func watch(ctx context.Context, connected *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { connected.Store(false) },
		GotConn:      func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteHeaders: func() { connected.Store(true) },
	})
}

// unsent is a call that failed before anything was sent: everybody waits until
// the API can be reached again.
func unsent(cause error) error {
	return &whatsapp.Refusal{Reaction: whatsapp.WaitAll, Detail: "not sent: " + cause.Error()}
}

// withoutURL takes away what http.Client puts before an error.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// retryAfter reads both forms of the header, seconds and a date. What cannot
// be read counts as not said.
func retryAfter(header string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = time.Until(date)
	}
	return max(0, min(wait, maxRetryAfter))
}

// newTransport is made for many sends at once to one host, and finds out about
// connections that died silently: each would make a send uncertain.
func newTransport() *http.Transport {
	const senders = 256
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConns:           senders,
		MaxIdleConnsPerHost:    senders,
		IdleConnTimeout:        45 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
