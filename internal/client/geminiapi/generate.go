package geminiapi

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"aisha/internal/service/gemini"
)

const (
	maxAttempts  = 3 // of each model
	firstPause   = 500 * time.Millisecond
	longestPause = 4 * time.Second

	// grace is what pauses and further attempts may take beyond one attempt.
	grace = 30 * time.Second
)

// Generate asks the model, several times where that can help, and then the
// fallback where the model is overloaded or gone. All of it together takes no
// longer than Options.Timeout and half a minute, and no longer than ctx.
//
// Errors are those of [gemini.Model].
func (c *Client) Generate(ctx context.Context, request gemini.Request) (gemini.Answer, error) {
	if err := check(request); err != nil {
		return gemini.Answer{}, err
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout+grace)
	defer cancel()
	answer, f := c.askWithFallback(ctx, request)
	if f != nil {
		return gemini.Answer{}, f.forCaller()
	}
	answer.Took = time.Since(start)
	return answer, nil
}

// askWithFallback returns the fallback's failure where both fail, except that
// a fallback which does not exist says nothing about why there is no answer.
func (c *Client) askWithFallback(ctx context.Context, request gemini.Request) (gemini.Answer, *failure) {
	answer, first := c.ask(ctx, c.options.Model, request)
	if first == nil || !first.reason.verdict().fallback || c.options.Fallback == "" || ctx.Err() != nil {
		return answer, first
	}
	answer, second := c.ask(ctx, c.options.Fallback, request)
	if second != nil && second.reason == gone {
		return gemini.Answer{}, first
	}
	return answer, second
}

// ask makes up to maxAttempts of one model.
func (c *Client) ask(ctx context.Context, model string, request gemini.Request) (gemini.Answer, *failure) {
	answer, err := failsafe.With(c.retries(ctx)).WithContext(ctx).Get(func() (gemini.Answer, error) {
		return c.attempt(ctx, model, request)
	})
	return answer, failureOf(err)
}

// retries is the policy for one question. A pause that would outlast ctx is
// not begun: the caller learns at once what there is to learn.
func (c *Client) retries(ctx context.Context) failsafe.Policy[gemini.Answer] {
	return retrypolicy.NewBuilder[gemini.Answer]().
		WithMaxAttempts(maxAttempts).
		HandleIf(func(_ gemini.Answer, err error) bool {
			f := failureOf(err)
			return f != nil && f.reason.verdict().repeat && c.pause.fits(ctx, f)
		}).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[gemini.Answer]) time.Duration {
			return c.pause.before(e.Attempts()+1, failureOf(e.LastError()))
		}).
		ReturnLastFailure().
		Build()
}

// pause decides how long to wait between attempts.
type pause struct{ first, longest time.Duration }

// before is the pause before the attempt with that number, 2 being the first
// repetition: what the API asked for, and on top of it a time that doubles and
// varies by half, so that callers who failed together do not return together.
func (p pause) before(attempt int, last *failure) time.Duration {
	wait := min(p.first<<(attempt-2), p.longest*2/3)
	return last.retryAfter + wait/2 + rand.N(wait+1)
}

// fits reports whether any pause after f ends before ctx does.
func (p pause) fits(ctx context.Context, f *failure) bool {
	end, ok := ctx.Deadline()
	return !ok || f.retryAfter+p.longest < time.Until(end)
}

// attempt asks once and tells the log and the metrics how that went.
func (c *Client) attempt(ctx context.Context, model string, request gemini.Request) (gemini.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	start := time.Now()
	answer, err := c.exchange(ctx, model, request)
	c.report(ctx, model, answer, failureOf(err), time.Since(start))
	return answer, err
}

// report counts an attempt and logs it. What went well is logged for who looks
// for it alone, because there is one for each message.
func (c *Client) report(ctx context.Context, model string, answer gemini.Answer, f *failure, took time.Duration) {
	outcome := answered
	if f != nil {
		outcome = f.reason
	}
	if c.options.Observe != nil {
		c.options.Observe(model, string(outcome), took)
	}
	if !c.options.Log.Enabled(ctx, outcome.level()) {
		return
	}
	attributes := []slog.Attr{
		slog.String("model", model), slog.Duration("took", took), slog.String("outcome", string(outcome)),
	}
	if f == nil {
		attributes = append(attributes, slog.String("finish_reason", answer.FinishReason),
			slog.Int("prompt_tokens", answer.PromptTokens), slog.Int("response_tokens", answer.ResponseTokens))
	} else {
		attributes = append(attributes, slog.String("error", f.Error()))
	}
	c.options.Log.LogAttrs(ctx, outcome.level(), "gemini attempt", attributes...)
}

// level is Error for what only an operator can mend, and Info for what is
// nobody's fault.
func (r reason) level() slog.Level {
	switch r {
	case keyRejected, gone:
		return slog.LevelError
	case refused, hungUp:
		return slog.LevelInfo
	case answered:
		return slog.LevelDebug
	default:
		return slog.LevelWarn
	}
}

// check refuses a request that asks nothing, which is a mistake of ours.
func check(request gemini.Request) error {
	if n := len(request.Turns); n == 0 || request.Turns[n-1].Role != gemini.User || len(parts(request.Turns[n-1])) == 0 {
		return errors.New("gemini api: the last turn of a request must be the user's, and not empty")
	}
	return nil
}
