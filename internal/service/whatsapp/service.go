// Package whatsapp decides what happens with WhatsApp messages: which webhooks
// are accepted, when a person is answered and with what, and when an answer
// counts as sent.
//
// Reading webhooks is left to package webhook, formatting to package markup,
// SQL and the queue to the repository, and Meta's protocol to the Graph client.
package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"aisha/internal/page"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// Inbox stores webhooks.
type Inbox interface {
	// Store commits the whole batch and, in the same transaction, queues a job
	// for every person with something new. Items that are stored already are
	// ignored. Errors: ErrUnstorable where an item can never be stored; after any
	// other error the call may be repeated.
	Store(ctx context.Context, batch webhook.Batch) error
	// UnhandledItems lists unhandled items, newest first, with the first
	// UnhandledExcerpt bytes of each. The key of an item is its id.
	UnhandledItems(ctx context.Context, request page.Request) (page.Page[UnhandledItem], error)
	// UnhandledItem returns the whole item with the id.
	UnhandledItem(ctx context.Context, id int64) (item UnhandledItem, found bool, err error)
}

// Conversations stores messages and answers. Errors: fault.Unavailable.
type Conversations interface {
	// Due returns everything left to do for a person.
	Due(ctx context.Context, personID int64) (Due, error)
	// SaveAnswer stores the answer and marks its messages as answered, in one
	// transaction. It returns the stored parts; the first one is Sending where
	// its send began. Errors: ErrAlreadyDone where one of the messages has an
	// answer already.
	SaveAnswer(ctx context.Context, answer Answer) ([]AnswerPart, error)
	// ApplyChoice applies a choice that the webhook did not apply. Opting out
	// gives up every part that is not sent. Where the choice changes anything, its
	// confirmation becomes the answer to the messages that the choice covers.
	// Errors: ErrAlreadyDone where the person was merged into another one.
	ApplyChoice(ctx context.Context, choice Choice) error
}

// Outbox stores the progress of answer parts. Errors: fault.Unavailable.
type Outbox interface {
	// BeginSend stores that a send begins, or returns how long to wait because
	// of the part's back-off, the person's quota or the number's send hold.
	// Errors: ErrAlreadyDone where the stored part differs from the given one,
	// where its person has another phone number now, and where they opted out and
	// the part does not confirm that; then it is given up.
	BeginSend(ctx context.Context, to webhook.Identity, part AnswerPart) (wait time.Duration, err error)
	// Accept stores that the Graph API accepted the part, and reports whether
	// this ended the send hold of its number.
	Accept(ctx context.Context, partID, wamid string) (holdEnded bool, err error)
	// Refuse stores that the Graph API refused the part, which must be as
	// BeginSend left it. Errors: ErrAlreadyDone where it is not.
	Refuse(ctx context.Context, part AnswerPart, refusal Refusal) (RefusalOutcome, error)
	// SendHolds lists the numbers that are held.
	SendHolds(ctx context.Context) ([]SendHold, error)
}

// SendLimiter keeps each of our numbers below Meta's throughput limit.
type SendLimiter interface {
	// Wait blocks until the number may send and returns zero, or returns at
	// once how long to wait where that is longer than a moment.
	Wait(ctx context.Context, phoneNumberID string) (retryIn time.Duration)
}

// PersonLocks lets one worker at a time, on any instance, work for a person.
type PersonLocks interface {
	// TryLock locks a person. Errors: ErrLocked where another worker holds the
	// lock, fault.Unavailable.
	TryLock(ctx context.Context, personID int64) (PersonLock, error)
	// ConnectedFor returns how long the connection that holds the locks has
	// existed.
	ConnectedFor() time.Duration
}

// PersonLock is the lock of one person.
type PersonLock interface {
	// Context ends when the lock is lost.
	Context() context.Context
	// UnlockAndCheck releases the lock and then reports whether anything is left
	// to do for the person. It reports true where it cannot find out.
	UnlockAndCheck() (workLeft bool)
}

// ErrUnreadableFile means that the model refused a request because it cannot
// open one of its files.
var ErrUnreadableFile = errors.New("the model cannot open a file of the question")

// Model completes questions. Its errors are faults: Blocked is final for the
// question, Transient ones pass by themselves, and others need an operator. An
// error with a method Reason() string names its cause for logs and metrics.
// Other errors: ErrUnreadableFile for a question with files.
type Model interface {
	Complete(ctx context.Context, question Question) (Completion, error)
}

// Waitlist adds people to the waiting list.
type Waitlist interface {
	// CanJoin reports whether the person's number is accepted on the list.
	CanJoin(who webhook.Identity) bool
	// Join adds the person, and verifies the entry of their number; it is
	// idempotent. Errors:
	// fault.Invalid where the number is not accepted, fault.Unavailable.
	Join(ctx context.Context, who webhook.Identity) error
}

// Options are the settings of a Service.
type Options struct {
	AppSecrets    []sensitive.Secret // any of them may sign webhooks; none: webhooks are refused
	VerifyToken   sensitive.Secret   // of Meta's subscription request; empty: it is refused
	PhoneNumberID string             // our number; a message to another one is logged. Empty: any number
	Instructions  string             // for the model: who the assistant is
	Apology       string             // sent where the model gives no completion; empty: DefaultApology
	ReplyWithin   time.Duration      // older messages are not answered by the model; at most ServiceWindow
	HandoverPause time.Duration      // silence after an employee wrote to a person
	Debounce      time.Duration      // silence of the person before an answer starts
	ResendAfter   time.Duration      // wait for a status before a send with unknown outcome is repeated
	// Observe is called with the outcome of every send and Meta's error code, 0
	// for none. It may be nil.
	Observe func(outcome Outcome, code int)
	// ObserveModelFailure is called with the reason of every failure of the model
	// that will not pass by itself. It may be nil.
	ObserveModelFailure func(reason string)
	Log                 *slog.Logger
}

// Deps are what a Service calls. Receiving webhooks needs only the Inbox.
type Deps struct {
	Inbox         Inbox
	Conversations Conversations
	Outbox        Outbox
	SendLimiter   SendLimiter
	PersonLocks   PersonLocks
	Graph         Graph
	Model         Model
	Waitlist      Waitlist
}

// Service receives WhatsApp messages and answers them.
type Service struct {
	options       Options
	inbox         Inbox
	conversations Conversations
	outbox        Outbox
	limiter       SendLimiter
	locks         PersonLocks
	graph         Graph
	model         Model
	waitlist      Waitlist

	fileBudget     *fileBudget
	modelAlarm     modelAlarm
	otherNumbers   sync.Map     // ids of other numbers than PhoneNumberID, once logged
	sendingNumbers sync.Map     // ids of the numbers from which messages were accepted
	lastGap        atomic.Int64 // when statuses may last have been lost, in Unix nanoseconds; see markGap
}

// New returns a Service.
func New(options Options, deps Deps) *Service {
	if options.Apology == "" {
		options.Apology = DefaultApology
	}
	if options.ReplyWithin == 0 {
		options.ReplyWithin = ServiceWindow
	}
	s := &Service{
		options:       options,
		inbox:         deps.Inbox,
		conversations: deps.Conversations,
		outbox:        deps.Outbox,
		limiter:       deps.SendLimiter,
		locks:         deps.PersonLocks,
		graph:         deps.Graph,
		model:         deps.Model,
		waitlist:      deps.Waitlist,
		fileBudget:    newFileBudget(),
	}
	s.markGap()
	return s
}

// Subscribe answers Meta's subscription request: it returns the challenge where
// the token is right. Errors: fault.NotConfigured, fault.Forbidden,
// fault.Invalid.
func (s *Service) Subscribe(in Subscription) resource.Resource[string] {
	return resource.From(s.subscribe(in))
}

// Receive verifies the signature of a webhook over its raw body and stores its
// content. Success means that all of it is durable. The body is not read where
// the header cannot be a signature. Errors: fault.NotConfigured,
// fault.Forbidden, fault.Unavailable and those of readBody.
func (s *Service) Receive(ctx context.Context, signatureHeader string, readBody func() ([]byte, error)) resource.Resource[Receipt] {
	return resource.From(s.receive(ctx, signatureHeader, readBody))
}

// UnhandledItems lists a page of the webhook items that nothing handled, newest
// first. It contains only the beginning of large items. Errors: fault.Unavailable.
func (s *Service) UnhandledItems(ctx context.Context, request page.Request) resource.Resource[page.Page[UnhandledItem]] {
	return resource.From(s.inbox.UnhandledItems(ctx, request))
}

// UnhandledItem returns one webhook item that nothing handled. Errors:
// fault.NotFound, fault.Unavailable.
func (s *Service) UnhandledItem(ctx context.Context, id int64) resource.Resource[UnhandledItem] {
	return resource.From(s.unhandledItem(ctx, id))
}

// AnswerPerson does everything due for a person: it sends the parts that wait,
// then answers the messages that wait and sends that answer. It may be called at any
// time and any number of times. Interruptions is how often a process ended while
// it did this work. Errors: fault.Unavailable, and errors of the model after
// which it is asked again.
func (s *Service) AnswerPerson(ctx context.Context, personID int64, interruptions int) resource.Resource[Next] {
	return resource.From(s.answerPerson(ctx, personID, interruptions))
}

// SendingState says whether answers can be sent. Errors: fault.Unavailable.
func (s *Service) SendingState(ctx context.Context) resource.Resource[SendingStatus] {
	return resource.From(s.sendingState(ctx))
}
