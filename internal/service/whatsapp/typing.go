package whatsapp

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// keepTyping marks the message as read and shows the typing indicator until
// stop is called. Stop waits for a call in progress: one that arrives after the
// answer would show the indicator again.
func (s *Service) keepTyping(ctx context.Context, message UnansweredMessage) (stop func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer s.logPanic(ctx)
		renewal := time.NewTicker(typingRenewal)
		defer renewal.Stop()
		for {
			s.showTyping(ctx, message)
			select {
			case <-stopped:
				return
			case <-renewal.C:
			}
		}
	}()
	return func() {
		close(stopped)
		<-done
	}
}

// logPanic recovers from a panic of the indicator's goroutine. It would end the
// process, and again after each restart, because the same message is retried.
func (s *Service) logPanic(ctx context.Context) {
	if problem := recover(); problem != nil {
		s.options.Log.ErrorContext(ctx, "panic in the typing indicator",
			slog.Any("panic", problem), slog.String("stack", string(debug.Stack())))
	}
}

// showTyping shows the indicator once. A failure is logged and has no other
// effect.
func (s *Service) showTyping(ctx context.Context, message UnansweredMessage) {
	ctx, cancel := context.WithTimeout(ctx, indicatorTimeout)
	defer cancel()
	if err := s.graph.MarkRead(ctx, message.PhoneNumberID, message.WAMID); err != nil && ctx.Err() == nil {
		s.options.Log.WarnContext(ctx, "typing indicator failed", slog.Any("error", err))
	}
}
