package whatsapp

import (
	"math/rand/v2"
	"time"

	"aisha/internal/service/whatsapp/webhook"
)

// This file has every rule that is a number. The repository receives the ones
// that its SQL needs as parameters.

// Meta's rules.
const (
	// ServiceWindow is Meta's customer service window: later than this after a
	// person's last message only templates may be sent.
	// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages
	ServiceWindow = 24 * time.Hour

	// PersonBurst messages may be sent to one person at once, and on average one
	// in PersonInterval. Meta calls this the pair rate limit; a message beyond it
	// is refused with code 131056.
	PersonBurst    = 45
	PersonInterval = 6 * time.Second

	// personMayChange is how long WhatsApp lets a person edit or delete a message.
	personMayChange = 60 * time.Hour
	// ChangePeriod is how long after a message its edit or revocation can
	// arrive. Meta retries the webhook, and half a day is for clocks that differ.
	ChangePeriod = personMayChange + webhook.RetryPeriod + 12*time.Hour
)

// Rules of the assistant that need no model.
const (
	// MachineAnswers within MachineSpan mean that the other side is a machine.
	// Two assistants that answer each other would never stop.
	MachineAnswers = 25
	MachineSpan    = 5 * time.Minute
	// MuteDuration is how long such a machine gets no answers.
	MuteDuration = time.Hour

	// HintInterval is the shortest time between two hints about readable messages.
	HintInterval = 24 * time.Hour
	// JoinOfferInterval is how often a person is offered a place on the waiting
	// list.
	JoinOfferInterval = 7 * 24 * time.Hour
)

// Limits of one answer.
const (
	// MaxMessages is how many messages one answer takes up. The next answer
	// takes up the rest.
	MaxMessages = 100
	// HistoryLimit and HistoryAge limit the earlier turns that the model is
	// given. Package gemini also limits them by tokens.
	HistoryLimit = 30
	HistoryAge   = 30 * 24 * time.Hour
	// QuoteLookback is how many answers back a quoted message is searched for,
	// because each of them may have to be read from disk.
	QuoteLookback = 50
	// maxQuotedText limits how much of a quoted message the model is given, in
	// bytes.
	maxQuotedText = 500
	// maxQuestionCharacters limits the text of a question. The person is sent a
	// note where it is longer.
	maxQuestionCharacters = 32_000
	// maxParts is how many WhatsApp messages the text of an answer has at most. The
	// person is offered the rest. The question about an unverified entry can follow
	// as one more.
	maxParts = 5
	// maxAnswerBytes is where an answer is cut before it is formatted. It is what
	// maxParts messages of three bytes a character hold, and package markup
	// formats as much within a fraction of a second.
	maxAnswerBytes = 60_000
)

// When an answer is made.
const (
	// lockedRetry is how long a job waits that found its person locked. The holder
	// of the lock does the job's work long before, unless it dies.
	lockedRetry = 5 * time.Second
	// typingRenewal is how often the typing indicator is renewed. It disappears
	// after 25 seconds.
	typingRenewal = 20 * time.Second
	// indicatorTimeout limits the call that shows the indicator, which usually
	// takes a tenth of a second, because it delays the answer.
	indicatorTimeout = 2 * time.Second
	// permanentFailurePeriod is how long a question is asked again after the model
	// failed for a reason that will not pass by itself. Then the person gets an
	// apology. Package worker makes the pauses grow, so these are five attempts.
	permanentFailurePeriod = 2 * time.Minute
	// modelAlarmInterval is the shortest time between two log lines about a model
	// that fails for the same reason.
	modelAlarmInterval = 5 * time.Minute
	// downloadRetryPeriod is how long the download of a file is retried before
	// the question is asked without the file.
	downloadRetryPeriod = time.Minute
	// maxMediaBytes limits all files of one question. Gemini accepts requests of
	// 20 MB, and base64 makes a file a third larger.
	// https://ai.google.dev/gemini-api/docs/files
	maxMediaBytes = 14 << 20
	// maxFileBytesInFlight limits the bytes of files that all questions hold in
	// memory at once.
	maxFileBytesInFlight = 32 << 20
	// maxFileBudgetWaiters is how many questions may occupy a worker while they
	// wait for the bytes of others. The rest is asked again after
	// fileBudgetRetry.
	maxFileBudgetWaiters = 4
	// fileBudgetWait limits that wait, because the URL of a file is valid for
	// five minutes.
	fileBudgetWait  = time.Minute
	fileBudgetRetry = 2 * time.Second
	// maxInterruptions is after how many ends of the process during one question
	// its files are left out.
	maxInterruptions = 3
)

// When a part is sent, and sent again.
const (
	// storeTimeout limits how long the outcome of a send is tried to be stored.
	// After that the outcome is unknown and a status resolves it.
	storeTimeout = 10 * time.Second
	// UnknownAfter is how long after its begin a send has certainly ended, so that
	// its outcome is unknown. It is longer than the timeout of a Graph API call.
	UnknownAfter = 30 * time.Second
	// ProbeLease is how long a probe may take before another part may probe the
	// same send hold.
	ProbeLease = time.Minute
	// ProbeCheck is how soon the other parts look again during a probe.
	ProbeCheck = 5 * time.Second

	// firstHold and firstOperatorHold are how long the first send hold in a row
	// lasts: a busy server recovers in seconds, a person renews a token.
	firstHold         = 5 * time.Second
	firstOperatorHold = 30 * time.Second
	// maxHold limits how long it takes to notice that sending works again.
	maxHold = 5 * time.Minute

	// unclearErrorRetries is how often a message is sent again after an error
	// that names no cause.
	unclearErrorRetries = 2
	// failedStatusRetries is how often a message is sent again that Meta accepted
	// and later reported as failed for a temporary reason. Meta may be wrong
	// about the failure, so each retry can duplicate the message.
	failedStatusRetries = 5
	// maxBackoff limits the back-off of one part.
	maxBackoff = 10 * time.Minute
)

// maxUnhandled is how many unhandled items of one webhook are stored each in a row
// of its own. Meta sends at most 1,000 updates in one webhook.
// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks
const maxUnhandled = 1_000

// Limits for statuses and changes that arrive late or early.
const (
	// StatusLookback is how many answers back the part of a status without our
	// callback data is searched for.
	StatusLookback = 100
	// PendingStatusAge is how long a status waits for its part. The response to
	// a send takes seconds.
	PendingStatusAge = 24 * time.Hour
	// PendingChangeAge is how long an edit or revocation waits for its message. It
	// does not depend on ChangePeriod: only the message can be late.
	PendingChangeAge = webhook.RetryPeriod + 24*time.Hour
)

// Backoff returns how long a part waits before its next send after it was
// refused that many times before. Meta asks for 4^n seconds where one person
// gets too many messages.
func Backoff(refusals int) time.Duration {
	const doublings = 10 // 4^5 seconds, which is over maxBackoff
	return min(time.Second<<min(2*(refusals+1), doublings), maxBackoff)
}

// Backoffs returns Backoff(0), Backoff(1), … up to the first maximum, which
// all later ones equal.
func Backoffs() []time.Duration {
	steps := []time.Duration{Backoff(0)}
	for steps[len(steps)-1] < maxBackoff {
		steps = append(steps, Backoff(len(steps)))
	}
	return steps
}

// HoldDuration returns how long a refusal holds its number, after that many
// holds in a row before it. Chance spreads the parts that wait for its end.
func (r *Refusal) HoldDuration(holdsBefore int) time.Duration {
	hold := firstHold
	if r.Reaction == HoldForOperator {
		hold = firstOperatorHold
	}
	const doublings = 6 // enough to pass maxHold
	hold = min(hold<<min(holdsBefore, doublings), maxHold)
	return max(withJitter(hold), r.RetryAfter)
}

// withJitter lengthens a wait by up to a quarter, so that not all waits end at
// the same moment.
func withJitter(wait time.Duration) time.Duration {
	return wait + rand.N(wait/4+1)
}

// IsFinal reports whether the message is given up, after that many earlier
// refusals that named no cause.
func (r *Refusal) IsFinal(unclearRefusals int) bool {
	return r.Reaction == GiveUp || r.Reaction == RetryUnclear && unclearRefusals >= unclearErrorRetries
}

// MaxResends returns how often a message may be sent again that Meta accepted
// and later reported as failed with the code.
func MaxResends(code int) int {
	switch ReactionTo(code, GiveUp) {
	case RetryUnclear:
		return unclearErrorRetries
	case DelayPerson, HoldNumber, HoldForOperator:
		return failedStatusRetries
	default:
		return 0
	}
}
