// Package graphapi decides how Meta's Graph API is asked to send a WhatsApp
// message, and what can be believed afterwards: that it was sent, that it was
// not, or that nobody knows. Package whatsapp, whose Graph it implements,
// decides what to do then; nothing is sent twice in here.
package graphapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// Options is what a Client needs to know.
type Options struct {
	Token   sensitive.Secret
	BaseURL string        // empty: Meta's
	Version string        // of the Graph API, for example v25.0
	Timeout time.Duration // of one call; positive
	Log     *slog.Logger
}

// Client speaks to the Graph API.
type Client struct {
	options Options
	http    *http.Client
}

var _ whatsapp.Graph = (*Client)(nil)

// New makes a Client. It talks to nobody yet.
func New(o Options) *Client {
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, "https://graph.facebook.com"), "/")
	return &Client{options: o, http: &http.Client{
		Transport: newTransport(),
		// A redirect would turn the POST into a GET, or carry the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send implements whatsapp.Graph.
func (c *Client) Send(ctx context.Context, m whatsapp.Outgoing) (string, error) {
	message, err := newMessage(m)
	if err != nil {
		return "", err
	}
	answer, err := c.post(ctx, m.PhoneNumberID, message)
	if err != nil {
		return "", err
	}
	if err := answer.refusal(c.veil(m.To.Phone.Reveal(), m.To.UserID, m.To.Name.Reveal(), m.Body.Reveal())); err != nil {
		return "", err
	}
	sent, err := answer.sent()
	if err != nil {
		return "", err
	}
	if sent.Status != "" && sent.Status != "accepted" {
		c.options.Log.WarnContext(ctx, "the Graph API holds a message back",
			slog.String("part", m.Callback), slog.String("message_status", sent.Status))
	}
	return sent.ID, nil
}

// MarkRead implements whatsapp.Graph.
func (c *Client) MarkRead(ctx context.Context, phoneNumberID, wamid string) error {
	answer, err := c.post(ctx, phoneNumberID, newReadReceipt(wamid))
	if err != nil {
		return err
	}
	return answer.refusal(c.veil())
}

// sent is what the answer to a message that was taken says of it.
func (a answer) sent() (sentMessage, error) {
	var body struct {
		Messages []sentMessage `json:"messages"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		return sentMessage{}, &whatsapp.Uncertain{Cause: cmp.Or(a.cut, errors.New("the answer is not JSON"))}
	}
	if len(body.Messages) == 0 || body.Messages[0].ID == "" || strings.ContainsFunc(body.Messages[0].ID, unicode.IsControl) {
		return sentMessage{}, &whatsapp.Uncertain{Cause: errors.New("the answer names no message")}
	}
	return body.Messages[0], nil
}
