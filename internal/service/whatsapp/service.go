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
	"time"

	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// Inbox stores what webhooks tell.
type Inbox interface {
	// Store commits the whole batch and, in the same transaction, queues a
	// reply for every person who has something new. What is already stored is
	// left as it is. Errors: fault.Unavailable.
	Store(ctx context.Context, batch Batch) error
}

// Conversations remembers what was said. Errors: fault.Unavailable.
type Conversations interface {
	// Due is what is left to do for a person.
	Due(ctx context.Context, personID int64) (Due, error)
	// History is the newest exchanges of a person, oldest first.
	History(ctx context.Context, personID int64, limit int) ([]Exchange, error)
	// SaveAnswer stores the answer and its parts and marks the messages as
	// answered, in one transaction. It returns ErrOvertaken where one of them
	// has an answer already.
	SaveAnswer(ctx context.Context, answer Answer) error
}

// Outbox keeps how far each part of an answer has come. Errors:
// fault.Unavailable.
type Outbox interface {
	// BeginSend notes that a send begins. It returns ErrOvertaken where the
	// part is no longer as the caller knows it.
	BeginSend(ctx context.Context, part Part) error
	// Accept notes that the Graph API took the part.
	Accept(ctx context.Context, partID, wamid string) error
	// Refuse notes that the Graph API did not take the part. It will be tried
	// again unless it is given up.
	Refuse(ctx context.Context, partID string, refusal Refusal) error
}

// Locks lets one worker at a time, on whatever instance, work for a person.
type Locks interface {
	// TryLock returns a context that ends when the lock is lost, and the
	// function that gives the lock back. It returns ErrLocked where another
	// worker holds it.
	TryLock(ctx context.Context, personID int64) (context.Context, func(), error)
}

// Model finds the words of an answer. Its errors are faults: Blocked is final
// for this question, everything else may pass.
type Model interface {
	Answer(ctx context.Context, question Question) (Words, error)
}

// Options are the settings of a Service.
type Options struct {
	AppSecrets   []sensitive.Secret // any of them may have signed a webhook; none: no webhook is taken
	VerifyToken  sensitive.Secret   // of Meta's subscription; empty: none is confirmed
	Instructions string             // who the assistant is
	Debounce     time.Duration      // how long a person must be quiet before an answer starts
	ResendAfter  time.Duration      // how long an unknown send waits for a status before it is sent again
	Log          *slog.Logger
}

// Service is the way of a message.
type Service struct {
	options       Options
	inbox         Inbox
	conversations Conversations
	outbox        Outbox
	locks         Locks
	graph         Graph
	model         Model
}

// Rooms are what a Service stands on. Receiving needs the Inbox alone.
type Rooms struct {
	Inbox         Inbox
	Conversations Conversations
	Outbox        Outbox
	Locks         Locks
	Graph         Graph
	Model         Model
}

// New makes a Service.
func New(options Options, rooms Rooms) *Service {
	return &Service{
		options:       options,
		inbox:         rooms.Inbox,
		conversations: rooms.Conversations,
		outbox:        rooms.Outbox,
		locks:         rooms.Locks,
		graph:         rooms.Graph,
		model:         rooms.Model,
	}
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

// Reply does what is due for a person: sends what waits to be sent, asks the
// model about what waits to be answered, and sends that. It may be called at
// any time and any number of times. Errors: fault.Unavailable, and those of
// the model that may pass.
func (s *Service) Reply(ctx context.Context, personID int64) resource.Resource[Next] {
	return resource.From(s.reply(ctx, personID))
}
