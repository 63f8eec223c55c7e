package simulator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// hiddenToken replaces the verify token in the traffic list.
const hiddenToken = "…"

// Verify sends the verification request that Meta sends when a webhook is set
// up. It returns an error if the service does not respond with the challenge.
func (s *Simulator) Verify(ctx context.Context) error {
	challenge := strings.ToLower(rand.Text())
	address := s.currentWebhookURL()
	x := s.store.beginExchange(exchange{
		Kind: kindWebhook, exchangeLabel: exchangeLabel{Summary: "verification"}, Method: http.MethodGet,
	})

	a := s.callService(ctx, http.MethodGet, address+"?"+url.Values{
		"hub.mode":         {"subscribe"},
		"hub.challenge":    {challenge},
		"hub.verify_token": {s.options.VerifyToken},
	}.Encode(), nil)
	a.url = address + "?hub.mode=subscribe&hub.challenge=" + challenge + "&hub.verify_token=" + hiddenToken
	s.store.recordExchangeAttempt(x, 1, a)

	switch {
	case a.err != nil:
		return fmt.Errorf("verify webhook: %w", a.err)
	case a.status != http.StatusOK:
		return fmt.Errorf("verify webhook: the service responded with status %d", a.status)
	case string(a.responseBody) != challenge:
		return errors.New("verify webhook: the service did not respond with the challenge")
	}
	return nil
}
