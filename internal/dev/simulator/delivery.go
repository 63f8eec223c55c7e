package simulator

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Say is a person who sends a text. It returns the message's id at once; the
// webhook is delivered, again and again if need be, until the service
// acknowledges it.
func (s *Simulator) Say(p Person, text string) (wamid string) {
	return s.Send(p, "text", object{"text": object{"body": text}})
}

// Send is a person who sends a message of any kind. Content is what the message
// has besides its sender, id, time and type, for example
// {"image": {"id": "1", "mime_type": "image/jpeg"}}.
func (s *Simulator) Send(p Person, kind string, content map[string]any) (wamid string) {
	in, before, tried := s.store.receive(p, kind, caption(kind, content))
	body, err := s.inboundWebhook(in, content)
	if err != nil {
		// Only content that is no JSON value gets here: a mistake in a test.
		panic(err)
	}
	s.spawn(func(ctx context.Context) {
		defer closeOnce(tried)
		if !s.awaitTurn(ctx, before) {
			return
		}
		s.deliver(ctx, "message · "+kind, body, func(acknowledged bool) {
			s.store.attempted(in.WAMID, acknowledged)
			closeOnce(tried)
		})
	})
	return in.WAMID
}

// awaitTurn waits for the person's message before this one, unless webhooks are
// shuffled.
func (s *Simulator) awaitTurn(ctx context.Context, before <-chan struct{}) bool {
	if faults, _ := s.store.currentFaults(); faults.Webhooks.Shuffle > 0 {
		return true
	}
	select {
	case <-before:
		return true
	case <-ctx.Done():
		return false
	}
}

// closeOnce closes a channel that only the calling goroutine closes.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// report tells the service how far its message has come, one status after the
// other, and calls told when the first of them was delivered or never will be.
func (s *Simulator) report(ctx context.Context, out Outbound, windowOpen bool, told func()) {
	defer told()
	faults, _ := s.store.currentFaults()
	if !pause(ctx, s.chance.within(faults.Webhooks.StatusDelay)) {
		return
	}
	for _, step := range s.steps(windowOpen) {
		if !pause(ctx, s.chance.within(step.after)) || !s.reportState(ctx, out, step.state, told) {
			return
		}
	}
}

// step is a state and how long after the one before it is reached.
type step struct {
	state State
	after Range
}

func (s *Simulator) steps(windowOpen bool) []step {
	timing := s.options.Timing
	if !windowOpen {
		return []step{{Failed, timing.Sent}}
	}
	return []step{{Sent, timing.Sent}, {Delivered, timing.Delivered}, {Read, timing.Read}}
}

// reportState returns when the service knows it, or at once where webhooks do
// not wait for each other.
func (s *Simulator) reportState(ctx context.Context, out Outbound, state State, told func()) bool {
	code := 0
	if state == Failed {
		code = codeWindowClosed
	}
	s.store.move(out, state, code)
	body, err := s.statusWebhook(out, state)
	if err != nil {
		s.log.Error("status not told", "error", err)
		return false
	}
	tell := func(ctx context.Context) bool {
		return s.deliver(ctx, "status · "+string(state), body, func(acknowledged bool) {
			if acknowledged {
				told()
			}
		})
	}
	if faults, _ := s.store.currentFaults(); faults.Webhooks.Shuffle > 0 {
		s.spawn(func(ctx context.Context) { tell(ctx) })
		return true
	}
	return tell(ctx)
}

// deliver posts a webhook as often as faults want it to come. It waits for the
// first copy alone.
func (s *Simulator) deliver(ctx context.Context, summary string, body []byte, tried func(acknowledged bool)) bool {
	faults, _ := s.store.currentFaults()
	delay := func() time.Duration { return s.chance.within(Range{Max: faults.Webhooks.Shuffle}) }
	for range s.chance.upTo(faults.Webhooks.Copies) - 1 {
		after := delay()
		s.spawn(func(ctx context.Context) {
			if pause(ctx, after) {
				s.deliverCopy(ctx, summary+" · copy", body, func(bool) {})
			}
		})
	}
	return pause(ctx, delay()) && s.deliverCopy(ctx, summary, body, tried)
}

// deliverCopy posts a webhook until it is acknowledged, and calls tried after
// each attempt. It reports false when ctx ended first.
func (s *Simulator) deliverCopy(ctx context.Context, summary string, body []byte, tried func(acknowledged bool)) bool {
	x := s.store.begin(exchange{
		Kind:      kindWebhook,
		Summary:   summary,
		Method:    http.MethodPost,
		Signature: sign(s.options.AppSecret, body),
		request:   body,
	})
	for attempt := 1; ; attempt++ {
		a, ok := s.attempt(ctx, body)
		if !ok {
			return false
		}
		s.store.attemptedExchange(x, attempt, a)
		tried(a.acknowledged())
		if a.acknowledged() {
			return true
		}
		s.log.Info("webhook not acknowledged", "kind", summary, "attempt", attempt, "status", a.status, "error", a.err)
		if !pause(ctx, s.options.Timing.retryPause(attempt)) {
			return false
		}
	}
}

// attempt is what came of posting a webhook once.
type attempt struct {
	url    string
	status int // 0: there was no answer
	answer []byte
	err    error
	took   time.Duration
}

func (a attempt) acknowledged() bool { return a.err == nil && a.status == http.StatusOK }

// attempt posts a webhook once. It reports false when ctx ended first.
func (s *Simulator) attempt(ctx context.Context, body []byte) (attempt, bool) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return attempt{}, false
	}
	a := s.call(ctx, http.MethodPost, s.webhookAddress(), body)
	return a, ctx.Err() == nil
}

// userAgent is how Meta's webhooks introduce themselves.
const userAgent = "facebookexternalua"

// call is one request to the service.
func (s *Simulator) call(ctx context.Context, method, address string, body []byte) attempt {
	a := attempt{url: address}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		a.err = errors.New("the webhook address is not a URL")
		return a
	}
	request.Header.Set("User-Agent", userAgent)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Hub-Signature-256", sign(s.options.AppSecret, body))
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
	a.answer, a.err = io.ReadAll(io.LimitReader(response.Body, maxShownBody))
	return a
}

// withoutURL is the cause of a failed request. The URL is shown elsewhere, and
// that of a verification holds the verify token.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// Verify asks the service to prove that the webhook is its own, as Meta does
// when a webhook is set up.
func (s *Simulator) Verify(ctx context.Context) error {
	challenge := strings.ToLower(rand.Text())
	address := s.webhookAddress()
	x := s.store.begin(exchange{Kind: kindWebhook, Summary: "verification", Method: http.MethodGet})

	a := s.call(ctx, http.MethodGet, address+"?"+url.Values{
		"hub.mode":         {"subscribe"},
		"hub.challenge":    {challenge},
		"hub.verify_token": {s.options.VerifyToken},
	}.Encode(), nil)
	a.url = address + "?hub.mode=subscribe&hub.challenge=" + challenge + "&hub.verify_token=…"
	s.store.attemptedExchange(x, 1, a)

	switch {
	case a.err != nil:
		return fmt.Errorf("verify webhook: %w", a.err)
	case a.status != http.StatusOK:
		return fmt.Errorf("verify webhook: the service answered with status %d", a.status)
	case string(a.answer) != challenge:
		return errors.New("verify webhook: the service did not answer with the challenge")
	}
	return nil
}
