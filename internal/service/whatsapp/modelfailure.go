package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"aisha/internal/fault"
)

// afterModelFailure returns the apology where the question is given up, and
// otherwise the error, so that it is asked again later.
func (s *Service) afterModelFailure(ctx context.Context, messages []UnansweredMessage, err error) (Completion, error) {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return Completion{}, err
	}
	failure := fault.Of(err)
	if failure.Kind == fault.Blocked {
		return fixedSentence(s.options.Apology), nil
	}
	oldest := slices.MaxFunc(messages, byAge).Age
	permanent := isPermanent(failure)
	overdue := oldest > s.options.ReplyWithin || permanent && oldest > permanentFailurePeriod
	if permanent || overdue {
		s.reportModelFailure(ctx, permanent, err)
	}
	if overdue {
		return fixedSentence(s.options.Apology), nil
	}
	return Completion{}, err
}

// isPermanent reports whether the model's failure will not pass by itself. A
// model that is not configured has not judged the question.
func isPermanent(failure *fault.Error) bool {
	return !failure.Transient && failure.Kind != fault.NotConfigured
}

// reportModelFailure counts the failure and logs its cause for the operator.
func (s *Service) reportModelFailure(ctx context.Context, permanent bool, err error) {
	reason := modelFailureReason(err)
	if permanent && s.options.ObserveModelFailure != nil {
		s.options.ObserveModelFailure(reason)
	}
	if unreported, ok := s.modelAlarm.allow(reason, time.Now()); ok {
		s.options.Log.ErrorContext(ctx, "model failed permanently or for too long",
			slog.String("reason", reason), slog.Bool("permanent", permanent), slog.Int("unreported", unreported), slog.Any("error", err))
	}
}

// modelFailureReason returns the short name that the model's error has for its
// cause, or else the kind of the fault.
func modelFailureReason(err error) string {
	var named interface{ Reason() string }
	if errors.As(err, &named) {
		return named.Reason()
	}
	return fault.Of(err).Kind.String()
}

// modelAlarm limits the log lines about the model to one in modelAlarmInterval
// for each reason, because in an outage every question fails.
type modelAlarm struct {
	mu       sync.Mutex
	byReason map[string]*alarmState
}

type alarmState struct {
	reportedAt time.Time
	unreported int
}

// allow reports whether a failure at now is logged, and how many before it were
// not.
func (a *modelAlarm) allow(reason string, now time.Time) (unreported int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	state := a.byReason[reason]
	if state == nil {
		state = &alarmState{}
		if a.byReason == nil {
			a.byReason = make(map[string]*alarmState)
		}
		a.byReason[reason] = state
	}
	if now.Sub(state.reportedAt) < modelAlarmInterval {
		state.unreported++
		return 0, false
	}
	unreported = state.unreported
	*state = alarmState{reportedAt: now}
	return unreported, true
}
