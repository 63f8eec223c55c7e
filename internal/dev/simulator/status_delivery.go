package simulator

import "context"

// sendStatuses sends the statuses of a message to the service, one after the
// other. It calls firstDone when the service acknowledged the first one, and
// when it returns.
func (s *Simulator) sendStatuses(ctx context.Context, out Outbound, steps []statusStep, firstDone func()) {
	defer firstDone()
	faults, _ := s.store.currentFaults()
	if !sleep(ctx, s.random.durationIn(faults.Webhooks.StatusDelay)) {
		return
	}
	for _, step := range steps {
		if !sleep(ctx, s.random.durationIn(step.after)) || !s.sendStatus(ctx, out, step.status, firstDone) {
			return
		}
	}
}

// statusStep is a status and the delay between the one before it and this one.
type statusStep struct {
	status Status
	after  Range
}

func (s *Simulator) deliveredSteps() []statusStep {
	timing := s.options.Timing
	return []statusStep{
		{StatusSent, timing.Sent},
		{StatusDelivered, timing.Delivered},
		{StatusRead, timing.Read},
	}
}

// windowClosedSteps are the steps of a message that was sent after the customer
// service window of its recipient.
func (s *Simulator) windowClosedSteps() []statusStep {
	return []statusStep{{StatusFailed, s.options.Timing.Sent}}
}

// sendStatus returns when the service acknowledged the status, or at once if a
// fault shuffles the webhooks. It reports false if the status cannot be sent.
func (s *Simulator) sendStatus(ctx context.Context, out Outbound, status Status, acknowledged func()) bool {
	code := 0
	if status == StatusFailed {
		code = codeWindowClosed
	}
	s.store.setStatus(out, status, code)
	body, err := s.statusWebhookBody(out, status)
	if err != nil {
		s.log.Error("build status webhook failed", "error", err)
		return false
	}
	hook := webhook{
		label: exchangeLabel{Summary: "status " + string(status), Person: out.Person.UserID, Excerpt: excerpt(out.Body)},
		body:  body,
		onAttempt: func(a webhookAttempt) {
			if a.acknowledged() {
				acknowledged()
			}
		},
	}
	if faults, _ := s.store.currentFaults(); faults.Webhooks.ShuffleWithin > 0 {
		s.spawn(func(ctx context.Context) { s.deliverWebhook(ctx, hook) })
		return true
	}
	return s.deliverWebhook(ctx, hook)
}
