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
	maxAttempts  = 3 // per model and limit of output tokens
	initialDelay = 500 * time.Millisecond
	maxDelay     = 4 * time.Second

	// retryBudget is the time for delays and further attempts, in addition to
	// the timeout of one attempt.
	retryBudget = 30 * time.Second

	// thinkingFactor is how much larger the limit of output tokens is for a model
	// that needed all of them for its thoughts.
	thinkingFactor = 4
)

// Generate implements [gemini.Model]. It retries failures that a retry can
// mend, and then uses the fallback model if the first is overloaded or does not
// exist. It returns within Options.Timeout plus 30 seconds, or when ctx ends.
func (c *Client) Generate(ctx context.Context, request gemini.Request) (gemini.Completion, error) {
	if err := validate(request); err != nil {
		return gemini.Completion{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout+retryBudget)
	defer cancel()
	completion, f := c.generateWithFallback(ctx, request)
	if f != nil {
		return gemini.Completion{}, f.callerError()
	}
	return completion, nil
}

// generateWithFallback returns the fallback's failure if both models fail. If
// the fallback does not exist, it returns the first model's failure, because
// that one explains why there is no completion.
func (c *Client) generateWithFallback(ctx context.Context, request gemini.Request) (gemini.Completion, *Failure) {
	completion, first := c.generateWithModel(ctx, c.options.Model, request)
	if first == nil || !first.outcome.consequences().useFallback || c.options.Fallback == "" || ctx.Err() != nil {
		return completion, first
	}
	completion, second := c.generateWithModel(ctx, c.options.Fallback, request)
	if second != nil && second.outcome == modelNotFound {
		return gemini.Completion{}, first
	}
	return completion, second
}

// generateWithModel uses one model. A model that spends all output tokens on
// thinking gets a larger limit once, because the length of its thoughts depends
// on the question.
func (c *Client) generateWithModel(ctx context.Context, model string, request gemini.Request) (gemini.Completion, *Failure) {
	completion, f := c.generateWithRetries(ctx, model, request)
	if f == nil || f.outcome != outOfTokens || ctx.Err() != nil {
		return completion, f
	}
	request.MaxOutputTokens *= thinkingFactor
	return c.generateWithRetries(ctx, model, request)
}

// generateWithRetries makes up to maxAttempts attempts with one model. It returns a
// perhaps complete completion only if no attempt has a better result.
func (c *Client) generateWithRetries(ctx context.Context, model string, request gemini.Request) (gemini.Completion, *Failure) {
	var perhapsComplete *gemini.Completion
	completion, err := failsafe.With(c.retryPolicy(ctx)).WithContext(ctx).Get(func() (gemini.Completion, error) {
		completion, err := c.attempt(ctx, model, request)
		if f := failureOf(err); f != nil && f.perhapsComplete != nil {
			perhapsComplete = f.perhapsComplete
		}
		return completion, err
	})
	f := failureOf(err)
	if f != nil && f.outcome != canceled && perhapsComplete != nil {
		return *perhapsComplete, nil
	}
	return completion, f
}

// retryPolicy returns the retry policy for one request. It does not retry if
// the delay could exceed ctx's deadline, so that the caller gets the failure at
// once.
func (c *Client) retryPolicy(ctx context.Context) failsafe.Policy[gemini.Completion] {
	return retrypolicy.NewBuilder[gemini.Completion]().
		WithMaxAttempts(maxAttempts).
		HandleIf(func(_ gemini.Completion, err error) bool {
			f := failureOf(err)
			return f != nil && f.outcome.consequences().retry && c.backoff.endsBeforeDeadline(ctx, f)
		}).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[gemini.Completion]) time.Duration {
			return c.backoff.delay(e.Attempts()+1, failureOf(e.LastError()))
		}).
		ReturnLastFailure().
		Build()
}

// backoff computes the delays between attempts.
type backoff struct{ initial, max time.Duration }

// delay returns the delay before an attempt; the first retry is attempt 2. The
// delay is the one that the API asked for, plus an exponential delay with a
// jitter of 50 %.
func (b backoff) delay(attempt int, last *Failure) time.Duration {
	exponential := min(b.initial<<(attempt-2), b.max*2/3)
	return last.retryAfter + exponential/2 + rand.N(exponential+1)
}

// endsBeforeDeadline reports whether every delay that may follow f ends before
// ctx's deadline.
func (b backoff) endsBeforeDeadline(ctx context.Context, f *Failure) bool {
	deadline, ok := ctx.Deadline()
	return !ok || f.retryAfter+b.max < time.Until(deadline)
}

// attempt makes one attempt and reports it.
func (c *Client) attempt(ctx context.Context, model string, request gemini.Request) (gemini.Completion, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	start := time.Now()
	completion, err := c.generateOnce(ctx, model, request)
	c.report(ctx, model, completion, failureOf(err), time.Since(start))
	return completion, err
}

// report updates the metrics and writes the log for one attempt. Success is
// logged at debug level, because it occurs once per message.
func (c *Client) report(ctx context.Context, model string, completion gemini.Completion, f *Failure, took time.Duration) {
	outcome := completed
	if f != nil {
		outcome = f.outcome
	}
	if c.options.Observe != nil {
		c.options.Observe(model, string(outcome), took)
	}
	if !c.options.Log.Enabled(ctx, outcome.logLevel()) {
		return
	}
	attributes := []slog.Attr{
		slog.String("model", model), slog.Duration("took", took), slog.String("outcome", string(outcome)),
	}
	if f == nil {
		attributes = append(attributes, slog.String("finish_reason", completion.FinishReason),
			slog.Int("prompt_tokens", completion.PromptTokens), slog.Int("response_tokens", completion.ResponseTokens))
	} else {
		attributes = append(attributes, slog.String("error", f.Error()))
	}
	c.options.Log.LogAttrs(ctx, outcome.logLevel(), "gemini attempt finished", attributes...)
}

// validate checks that the last content is the user's and not empty, and that
// the length of the completion is limited.
func validate(request gemini.Request) error {
	if request.MaxOutputTokens <= 0 {
		return errors.New("gemini api: a request must have a limit of output tokens")
	}
	n := len(request.Contents)
	if n == 0 || request.Contents[n-1].Role != gemini.RoleUser || len(sdkParts(request.Contents[n-1])) == 0 {
		return errors.New("gemini api: the last content of a request must be the user's and not empty")
	}
	return nil
}
