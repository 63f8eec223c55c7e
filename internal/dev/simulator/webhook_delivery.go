package simulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// webhook is a request to the service that is repeated until the service
// acknowledges it.
type webhook struct {
	label     exchangeLabel
	body      []byte
	onAttempt func(webhookAttempt) // called after each attempt of the first copy
}

// copied returns the same webhook for another delivery, whose outcome changes no
// message.
func (h webhook) copied() webhook {
	h.label.Summary += " · copy"
	h.onAttempt = func(webhookAttempt) {}
	return h
}

// deliverWebhook delivers a webhook, and further copies of it in the background
// if a fault asks for them. It waits for the first copy only, and reports false
// if ctx ended before the service acknowledged it.
func (s *Simulator) deliverWebhook(ctx context.Context, hook webhook) bool {
	faults, _ := s.store.currentFaults()
	delay := func() time.Duration { return s.random.durationIn(Range{Max: faults.Webhooks.ShuffleWithin}) }
	repeated := hook.copied()
	for range s.random.intUpTo(faults.Webhooks.MaxCopies) - 1 {
		after := delay()
		s.spawn(func(ctx context.Context) {
			if sleep(ctx, after) {
				s.deliverUntilAcknowledged(ctx, repeated)
			}
		})
	}
	return sleep(ctx, delay()) && s.deliverUntilAcknowledged(ctx, hook)
}

// deliverUntilAcknowledged posts a webhook until the service acknowledges it. It
// reports false if ctx ended first.
func (s *Simulator) deliverUntilAcknowledged(ctx context.Context, hook webhook) bool {
	x := s.store.beginExchange(exchange{
		Kind:          kindWebhook,
		exchangeLabel: hook.label,
		Method:        http.MethodPost,
		Signature:     signature(s.options.AppSecret, hook.body),
		request:       hook.body,
	})
	for number := 1; ; number++ {
		a, ok := s.attemptWebhook(ctx, hook.body)
		if !ok {
			return false
		}
		s.store.recordExchangeAttempt(x, number, a)
		hook.onAttempt(a)
		if a.acknowledged() {
			return true
		}
		s.log.Info("webhook not acknowledged", "kind", hook.label.Summary, "attempt", number, "status", a.status, "error", a.err)
		if !sleep(ctx, s.options.Timing.retryDelay(number)) {
			return false
		}
	}
}

// webhookAttempt is the outcome of one request to the service.
type webhookAttempt struct {
	url          string
	status       int // 0 if there was no response
	responseBody []byte
	err          error
	took         time.Duration
}

func (a webhookAttempt) acknowledged() bool { return a.err == nil && a.status == http.StatusOK }

// attemptWebhook posts a webhook once. It reports false if ctx ended first.
func (s *Simulator) attemptWebhook(ctx context.Context, body []byte) (webhookAttempt, bool) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return webhookAttempt{}, false
	}
	a := s.callService(ctx, http.MethodPost, s.currentWebhookURL(), body)
	return a, ctx.Err() == nil
}

// userAgent is the User-Agent of Meta's webhooks.
const userAgent = "facebookexternalua"

// callService sends one request to the service. POST requests are signed.
func (s *Simulator) callService(ctx context.Context, method, address string, body []byte) webhookAttempt {
	a := webhookAttempt{url: address}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		a.err = errors.New("the webhook address is not a URL")
		return a
	}
	request.Header.Set("User-Agent", userAgent)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Hub-Signature-256", signature(s.options.AppSecret, body))
	}
	start := time.Now()
	response, err := s.client.Do(request)
	a.took = time.Since(start)
	if err != nil {
		a.err = withoutURL(err)
		return a
	}
	defer func() { _ = response.Body.Close() }()
	a.status = response.StatusCode
	a.responseBody, a.err = io.ReadAll(io.LimitReader(response.Body, maxShownBody))
	return a
}

// withoutURL removes the URL from the error of a request, because the URL of a
// verification contains the verify token.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
