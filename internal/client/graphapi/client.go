// Package graphapi decides how WhatsApp messages are sent through Meta's Graph
// API, and what its responses mean: the message was sent, it was refused and
// for which reason, or its outcome is unknown. It sends every message at most
// once.
//
// Package whatsapp, whose Graph and SendLimiter it implements, decides what to
// do after a refusal or an unknown outcome.
package graphapi

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// Options are the settings of a Client.
type Options struct {
	Token   sensitive.Secret
	BaseURL string        // empty: Meta's
	Version string        // of the Graph API, for example v25.0
	Timeout time.Duration // of one call; positive
	Log     *slog.Logger
}

// Client calls the Graph API.
type Client struct {
	options Options
	http    *http.Client
}

var _ whatsapp.Graph = (*Client)(nil)

// New returns a Client. It opens no connection.
func New(o Options) *Client {
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, "https://graph.facebook.com"), "/")
	return &Client{options: o, http: &http.Client{
		Transport: newTransport(),
		// A redirect could turn a POST into a GET, or send the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newTransport returns a transport for many concurrent sends to one host. It
// finds dead connections early, because a send on one has an unknown outcome.
func newTransport() *http.Transport {
	const maxIdle = 256
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        45 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Send implements whatsapp.Graph.
func (c *Client) Send(ctx context.Context, m whatsapp.OutgoingMessage) (string, error) {
	request, err := newMessageRequest(m)
	if err != nil {
		return "", err
	}
	private := c.private(m)
	response, err := c.post(ctx, m.PhoneNumberID, request, private)
	if err != nil {
		return "", err
	}
	if err := response.err(private); err != nil {
		return "", err
	}
	accepted, err := response.acceptedMessage()
	if err != nil {
		return "", err
	}
	if accepted.Status != "" && accepted.Status != "accepted" {
		c.options.Log.WarnContext(ctx, "graph api accepted a message but delays it",
			slog.String("part_id", m.Callback), slog.String("message_status", private.Mask(accepted.Status)))
	}
	return accepted.WAMID, nil
}

// MarkRead implements whatsapp.Graph. Its errors are those of Send, without Meta's
// text: the call does not know the person, so nothing could be masked in it.
func (c *Client) MarkRead(ctx context.Context, phoneNumberID, wamid string) error {
	private := c.privateToken()
	response, err := c.post(ctx, phoneNumberID, newReadRequest(wamid), private)
	if err != nil {
		return err
	}
	err = response.err(private)
	if refusal, ok := errors.AsType[*whatsapp.Refusal](err); ok {
		refusal.Detail = "text left out"
	}
	return err
}
