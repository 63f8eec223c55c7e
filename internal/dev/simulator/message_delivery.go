package simulator

import "context"

// Say sends a text as a person and returns its wamid at once. The simulator
// retries the webhook until the service acknowledges it.
func (s *Simulator) Say(p Person, text string) (wamid string) {
	return s.Send(p, "text", object{"text": object{"body": text}})
}

// Send sends a message of any kind as a person. Content holds the members of
// the webhook's message besides its sender, id, time and type, for example
// {"image": {"id": "1", "mime_type": "image/jpeg"}}.
func (s *Simulator) Send(p Person, kind string, content map[string]any) (wamid string) {
	in, previous, attempted := s.store.addInbound(p, kind, content)
	body, err := s.messageWebhookBody(in, content)
	if err != nil {
		// The content is no JSON value, which is a mistake in the calling test.
		panic(err)
	}
	s.spawn(func(ctx context.Context) {
		defer closeIfOpen(attempted)
		if !s.waitForPrevious(ctx, previous) {
			return
		}
		s.deliverWebhook(ctx, webhook{
			label: exchangeLabel{Summary: messageSummary(kind), Person: in.Person.UserID, Excerpt: excerpt(in.Text)},
			body:  body,
			onAttempt: func(a webhookAttempt) {
				s.store.recordMessageAttempt(in.WAMID, a)
				closeIfOpen(attempted)
			},
		})
	})
	return in.WAMID
}

// waitForPrevious waits for the first attempt of the person's previous message,
// unless a fault shuffles the webhooks. It reports false if ctx ended first.
func (s *Simulator) waitForPrevious(ctx context.Context, previous <-chan struct{}) bool {
	if faults, _ := s.store.currentFaults(); faults.Webhooks.ShuffleWithin > 0 {
		return true
	}
	select {
	case <-previous:
		return true
	case <-ctx.Done():
		return false
	}
}

// closeIfOpen closes a channel that only one goroutine closes.
func closeIfOpen(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
