// Package whatsapp decides the way of a WhatsApp message: which webhooks are
// believed, what in them is a person's message, when and with what it is
// answered, and when an answer counts as sent.
//
// It leaves the wire to the handler and to the Graph client, SQL and the queue
// to the repository, and the words of an answer to the model.
package whatsapp

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// Inbox stores what webhooks tell.
type Inbox interface {
	// Store commits the whole batch and, in the same transaction, queues a
	// reply for every person who has something new. What is already stored is
	// left as it is. It returns ErrUnstorable where the batch has something in it
	// that can never be stored; after all other errors it may be tried again.
	Store(ctx context.Context, batch Batch) error
	// Kept lists items that nobody acted on, newest first, from before the one
	// with that id.
	Kept(ctx context.Context, before int64, limit int) ([]KeptItem, error)
}

// Conversations remembers what was said. Errors: fault.Unavailable.
type Conversations interface {
	// Due is what is left to do for a person.
	Due(ctx context.Context, personID int64) (Due, error)
	// SaveAnswer stores the answer and marks the messages as answered, in one
	// transaction. It returns the parts, the first as Sending where its send has
	// begun, and ErrOvertaken where one of the messages has an answer already.
	SaveAnswer(ctx context.Context, answer Answer) ([]Part, error)
}

// Outbox keeps how far each part of an answer has come. Errors:
// fault.Unavailable.
type Outbox interface {
	// BeginSend notes that a send begins. Where it must not begin yet nothing
	// is noted and it returns how long to wait: for the part itself, for the
	// person, or for the gate of the number. It returns ErrOvertaken where the
	// part is no longer as the caller knows it.
	BeginSend(ctx context.Context, part Part) (wait time.Duration, err error)
	// Accept notes that the Graph API took the part. It reports whether that
	// opened the gate of its number.
	Accept(ctx context.Context, partID, wamid string) (opened bool, err error)
	// Refuse notes that the Graph API did not take the part, which is given as
	// BeginSend left it. A refusal that concerns everybody closes the gate of
	// the number. It returns ErrOvertaken where the part is settled already.
	Refuse(ctx context.Context, part Part, refusal Refusal) (Refused, error)
	// Gates lists the numbers that are closed.
	Gates(ctx context.Context) ([]Gate, error)
}

// Pace holds sends back before Meta would refuse them.
type Pace interface {
	// Await returns zero when it is the number's turn to send. It waits for
	// that only if it is near; else it returns when to ask again.
	Await(ctx context.Context, phoneNumberID string) (again time.Duration)
}

// Locks lets one worker at a time, on whatever instance, work for a person.
type Locks interface {
	// TryLock returns a context that ends when the lock is lost, and the
	// function that gives the lock back and then reports whether anything is
	// left to do for the person, as far as can be told. It returns ErrLocked
	// where another worker holds it.
	TryLock(ctx context.Context, personID int64) (held context.Context, unlock func() (left bool), err error)
	// Standing is for how long the database has been there for us without a gap,
	// as far as whoever holds a lock can tell.
	Standing() time.Duration
}

// Model finds the words of an answer. Its errors are faults: Blocked is final
// for this question, everything else may pass.
type Model interface {
	Answer(ctx context.Context, question Question) (Words, error)
}

// Waitlist puts persons on the waiting list with a number that is known to be
// theirs.
type Waitlist interface {
	// CanJoin reports whether the number is one that can join.
	CanJoin(who Identity) bool
	// Join is idempotent. Errors: fault.Invalid where the number is not one that
	// can join, fault.Unavailable.
	Join(ctx context.Context, who Identity) error
}

// Options are the settings of a Service.
type Options struct {
	AppSecrets   []sensitive.Secret // any of them may have signed a webhook; none: no webhook is taken
	VerifyToken  sensitive.Secret   // of Meta's subscription; empty: none is confirmed
	Instructions string             // who the assistant is
	Apology      string             // what a person reads where the model has no words; empty: DefaultApology
	ReplyWithin  time.Duration      // what waits longer is not answered by the model any more; at most 24 h
	HumanPause   time.Duration      // how long the assistant is silent after somebody of ours wrote by hand
	Debounce     time.Duration      // how long a person must be quiet before an answer starts
	ResendAfter  time.Duration      // how long an unknown send waits for a status before it is sent again
	// Observe is told of every outcome of a send, for metrics, with Meta's code
	// where there is one; nil: nobody is.
	Observe func(outcome Outcome, code int)
	Log     *slog.Logger
}

// Service is the way of a message.
type Service struct {
	options       Options
	inbox         Inbox
	conversations Conversations
	outbox        Outbox
	pace          Pace
	locks         Locks
	graph         Graph
	model         Model
	waitlist      Waitlist

	hearing atomic.Int64 // since when webhooks are heard without a gap, in Unix nanoseconds
}

// Rooms are what a Service stands on. Receiving needs the Inbox alone.
type Rooms struct {
	Inbox         Inbox
	Conversations Conversations
	Outbox        Outbox
	Pace          Pace
	Locks         Locks
	Graph         Graph
	Model         Model
	Waitlist      Waitlist
}

// New makes a Service.
func New(options Options, rooms Rooms) *Service {
	if options.Apology == "" {
		options.Apology = DefaultApology
	}
	if options.ReplyWithin == 0 {
		options.ReplyWithin = window
	}
	s := &Service{
		options:       options,
		inbox:         rooms.Inbox,
		conversations: rooms.Conversations,
		outbox:        rooms.Outbox,
		pace:          rooms.Pace,
		locks:         rooms.Locks,
		graph:         rooms.Graph,
		model:         rooms.Model,
		waitlist:      rooms.Waitlist,
	}
	s.deafUntilNow()
	return s
}

// Subscribe confirms a subscription: it returns the challenge if the token is
// ours. Errors: fault.NotConfigured, fault.Forbidden, fault.Invalid.
func (s *Service) Subscribe(in Subscription) resource.Resource[string] {
	return resource.From(s.subscribe(in))
}

// Receive verifies a webhook's signature over its raw bytes, takes it apart
// and stores it; success means that everything in it is durable. Errors:
// fault.NotConfigured, fault.Forbidden, fault.Unavailable.
func (s *Service) Receive(ctx context.Context, signature string, body []byte) resource.Resource[Receipt] {
	return resource.From(s.receive(ctx, signature, body))
}

// Kept lists, newest first, a page of the webhook items that nobody acted on. The
// next page is before the last id of this one; zero is the first page. Errors:
// fault.Unavailable.
func (s *Service) Kept(ctx context.Context, before int64) resource.Resource[[]KeptItem] {
	return resource.From(s.kept(ctx, before))
}

// Reply does what is due for a person: sends what waits to be sent, asks the
// model about what waits to be answered, and sends that. It may be called at
// any time and any number of times. Errors: fault.Unavailable, and those of
// the model that may pass.
func (s *Service) Reply(ctx context.Context, personID int64) resource.Resource[Next] {
	return resource.From(s.reply(ctx, personID))
}

// Sending tells which of our numbers are closed, and why. Errors:
// fault.Unavailable.
func (s *Service) Sending(ctx context.Context) resource.Resource[SendingState] {
	return resource.From(s.sending(ctx))
}
