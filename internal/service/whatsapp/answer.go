package whatsapp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/markup"
)

// Next says when AnswerPerson must be called again. A zero After means that
// nothing is left to do until the person writes.
type Next struct {
	After time.Duration
}

// answerPerson works for one person until nothing is left or something must be
// waited for. A worker that finds the person locked leaves at once, so the
// holder of the lock looks again after it has released it.
func (s *Service) answerPerson(ctx context.Context, personID int64) (Next, error) {
	for {
		next, workLeft, err := s.stepLocked(ctx, personID)
		switch {
		case errors.Is(err, ErrLocked):
			return Next{After: lockedRetry}, nil
		case errors.Is(err, ErrAlreadyDone):
			continue
		case err != nil, next.After > 0, !workLeft:
			return next, err
		}
	}
}

// stepLocked does one step under the person's lock, and reports whether
// anything was left after that.
func (s *Service) stepLocked(ctx context.Context, personID int64) (next Next, workLeft bool, err error) {
	lock, err := s.locks.TryLock(ctx, personID)
	if err != nil {
		return Next{}, false, err
	}
	defer func() { workLeft = lock.UnlockAndCheck() }()
	next, err = s.step(lock.Context(), personID)
	return next, false, err
}

// step sends the parts that wait, or else answers the messages that wait and
// sends the answer.
func (s *Service) step(ctx context.Context, personID int64) (Next, error) {
	due, err := s.conversations.Due(ctx, personID)
	if err != nil {
		return Next{}, err
	}
	if choice, found := unappliedChoice(personID, due); found {
		return Next{}, s.conversations.ApplyChoice(ctx, choice)
	}
	due.Messages = ignoreChoices(due.Person, due.Messages)
	to := due.Person.Identity
	if len(due.Parts) > 0 {
		return s.sendParts(ctx, to, due.Parts)
	}
	if len(due.Messages) == 0 {
		return Next{}, nil
	}
	if wait := s.answerDelay(ctx, due); wait > 0 {
		return Next{After: wait}, nil
	}
	due.Messages = sameNumber(due.Messages)
	answer, err := s.compose(ctx, personID, due)
	if err != nil {
		return Next{}, err
	}
	began := time.Now()
	parts, err := s.save(ctx, answer)
	if err != nil {
		return Next{}, err
	}
	if len(parts) == 0 || parts[0].Delivery != Sending {
		return s.sendParts(ctx, to, parts)
	}
	if next, err := s.deliver(ctx, to, parts[0], began); err != nil || next.After > 0 {
		return next, err
	}
	return s.sendParts(ctx, to, parts[1:])
}

// save stores the answer. Where that begins a send it must not be cancelled
// halfway, because then it is unknown whether the send began.
func (s *Service) save(ctx context.Context, answer Answer) ([]AnswerPart, error) {
	if answer.BeginSend {
		ctx = context.WithoutCancel(ctx)
	}
	return s.conversations.SaveAnswer(ctx, answer)
}

// answerDelay returns how long to wait before the messages are answered: until
// the number's send hold ends, and until the person has stopped writing. Messages
// from that time get the same answer. During the wait the person already sees
// that their messages are read.
func (s *Service) answerDelay(ctx context.Context, due Due) time.Duration {
	if hold := due.Messages[0].HoldRemaining; hold > 0 {
		return withJitter(hold)
	}
	newest := due.Messages[len(due.Messages)-1]
	wait := s.options.Debounce - slices.MinFunc(due.Messages, byAge).Age
	if wait <= 0 || !s.decide(due.Person, due.Messages).sendsAnswer() {
		return wait
	}
	began := time.Now()
	s.showTyping(ctx, newest)
	return max(wait-time.Since(began), 1)
}

// sameNumber returns the first messages that were sent to the same one of our
// numbers, because an answer is sent from the number that received the message.
func sameNumber(messages []UnansweredMessage) []UnansweredMessage {
	for i, m := range messages {
		if m.PhoneNumberID != messages[0].PhoneNumberID {
			return messages[:i]
		}
	}
	return messages
}

// compose makes one answer to all messages. It neither stores nor sends the
// answer, and its effects (an entry on the waiting list, the typing indicator) may
// be repeated.
func (s *Service) compose(ctx context.Context, personID int64, due Due) (Answer, error) {
	newest := due.Messages[len(due.Messages)-1]
	decision := s.decide(due.Person, due.Messages)
	answer := Answer{
		PersonID:      personID,
		PhoneNumberID: newest.PhoneNumberID,
		Recipient:     due.Person.Identity,
		Effect:        decision.effect,
	}
	for _, m := range due.Messages {
		answer.MessageIDs = append(answer.MessageIDs, m.ID)
	}
	var err error
	switch decision.kind {
	case askModel:
		answer.Completion, err = s.askModel(ctx, due)
	case joinWaitlist:
		answer.Completion, err = s.joinWaitlist(ctx, due.Person)
	case sendSentence:
		answer.Completion = fixedSentence(decision.sentence)
	}
	if err != nil {
		return Answer{}, err
	}
	if !answer.Completion.Text.IsZero() {
		answer.Parts = splitIntoParts(answer.Completion.Text, due.Messages)
	}
	if answer.Completion.Model != "" {
		s.offerJoin(due.Person, &answer)
	}
	answer.BeginSend = len(answer.Parts) > 0 && s.limiter.Wait(ctx, answer.PhoneNumberID) == 0
	return answer, nil
}

// askModel returns the model's completion. Where the model refuses, or fails
// for too long, the person gets an apology.
func (s *Service) askModel(ctx context.Context, due Due) (Completion, error) {
	messages := due.Messages
	stopTyping := s.keepTyping(ctx, messages[len(messages)-1])
	defer stopTyping()

	files, err := s.downloadFiles(ctx, messages)
	if err != nil {
		return Completion{}, err
	}
	if len(files) == 0 && !slices.ContainsFunc(messages, hasText) {
		return fixedSentence(sentenceFileUnavailable), nil
	}
	completion, err := s.model.Complete(ctx, Question{
		Instructions: s.options.Instructions,
		History:      due.History,
		Text:         questionText(messages),
		Files:        files,
	})
	if err == nil {
		return completion, nil
	}
	failure := fault.Of(err)
	oldest := slices.MaxFunc(messages, byAge).Age
	switch {
	case failure.Kind == fault.Blocked:
		return fixedSentence(s.options.Apology), nil
	case failure.Kind == fault.Upstream && !failure.Transient && oldest > modelRetryPeriod,
		oldest > s.options.ReplyWithin: // some questions fail every time
		s.options.Log.ErrorContext(ctx, "model failed for too long; sending the apology", slog.Any("error", err))
		return fixedSentence(s.options.Apology), nil
	default:
		return Completion{}, err
	}
}

func byAge(a, b UnansweredMessage) int { return cmp.Compare(a.Age, b.Age) }

func fixedSentence(sentence string) Completion {
	return Completion{Text: sensitive.NewText(sentence)}
}

// splitIntoParts splits an answer into messages that WhatsApp accepts. Where it
// answers several messages, the first part quotes the newest of them.
func splitIntoParts(text sensitive.Text, messages []UnansweredMessage) []NewPart {
	var parts []NewPart
	for _, body := range markup.Format(text.Reveal(), markup.MaxTextUnits) {
		parts = append(parts, NewPart{Body: sensitive.NewText(body)})
	}
	if len(messages) > 1 {
		parts[0].QuotedWAMID = messages[len(messages)-1].WAMID
	}
	return parts
}
