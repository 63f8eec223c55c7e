package whatsapp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

const (
	// HistoryLimit is how many exchanges the model may be reminded of. How many
	// of them fit is decided by their tokens, where the model is asked.
	HistoryLimit = 30
	// HistoryAge is for how long. Whoever comes back after that begins anew; what
	// they once said need not be sent to the model's makers for ever.
	HistoryAge = 30 * 24 * time.Hour
	// typingLife is how often the typing indicator is renewed; it lives 25 s.
	typingLife = 20 * time.Second
	// courtesy is how long showing that can hold up an answer. A call takes a
	// tenth of a second.
	courtesy = 2 * time.Second
	// patience is how long a question that the model fails at for a reason that
	// does not look temporary is asked again before the person is told.
	patience = 10 * time.Minute
)

// Next is when to look after the person again. A zero After means that nothing
// is left to do until they write.
type Next struct {
	After time.Duration
}

// lookAgain is when a job that found its person's lock taken looks again. The
// holder does its work long before, unless it dies.
const lookAgain = 5 * time.Second

// reply works for one person until nothing is left or something must be waited
// for. A worker that finds the lock taken leaves; so that what it came for need
// not wait for it, the holder looks once more after giving the lock back.
func (s *Service) reply(ctx context.Context, personID int64) (Next, error) {
	for {
		next, left, err := s.replyLocked(ctx, personID)
		switch {
		case errors.Is(err, ErrLocked):
			return Next{After: lookAgain}, nil
		case errors.Is(err, ErrOvertaken):
			continue
		case err != nil, next.After > 0, !left:
			return next, err
		}
	}
}

// replyLocked does one thing while nobody else works for the person, and reports
// whether anything was left after that.
func (s *Service) replyLocked(ctx context.Context, personID int64) (next Next, left bool, err error) {
	ctx, unlock, err := s.locks.TryLock(ctx, personID)
	if err != nil {
		return Next{}, false, err
	}
	defer func() { left = unlock() }()
	next, err = s.step(ctx, personID)
	return next, false, err
}

// step sends what is left to be sent, or else answers what waits and sends that.
func (s *Service) step(ctx context.Context, personID int64) (Next, error) {
	due, err := s.conversations.Due(ctx, personID)
	if err != nil {
		return Next{}, err
	}
	to := due.Person.Identity
	if len(due.Parts) > 0 {
		return s.send(ctx, to, due.Parts)
	}
	if len(due.Waiting) == 0 {
		return Next{}, nil
	}
	if wait := s.notYet(ctx, due); wait > 0 {
		return Next{After: wait}, nil
	}
	due.Waiting = toOneNumber(due.Waiting)
	answer, err := s.answer(ctx, personID, due)
	if err != nil {
		return Next{}, err
	}
	before := time.Now()
	parts, err := s.save(ctx, answer)
	if err != nil {
		return Next{}, err
	}
	if len(parts) == 0 || parts[0].Delivery != Sending {
		return s.send(ctx, to, parts)
	}
	if next, err := s.deliver(ctx, to, parts[0], before); err != nil || next.After > 0 {
		return next, err
	}
	return s.send(ctx, to, parts[1:])
}

func (s *Service) save(ctx context.Context, answer Answer) ([]Part, error) {
	if answer.Begin {
		ctx = context.WithoutCancel(ctx) // or nobody would know whether the send began
	}
	return s.conversations.SaveAnswer(ctx, answer)
}

// notYet is for how long an answer must not start yet. While nothing can be
// sent the model is not asked: what comes meanwhile is answered along. A person
// who is still writing sees that they are read.
func (s *Service) notYet(ctx context.Context, due Due) time.Duration {
	if held := due.Waiting[0].Held; held > 0 {
		return scatter(held)
	}
	newest := due.Waiting[len(due.Waiting)-1]
	wait := s.options.Debounce - slices.MinFunc(due.Waiting, byAge).Age
	if wait <= 0 || !s.decide(due.Person, due.Waiting).speaks() {
		return wait
	}
	began := time.Now()
	s.showRead(ctx, newest)
	return max(wait-time.Since(began), 1)
}

// toOneNumber are the first messages, as far as they were written to the same
// number of ours: the answer goes out from the number that was written to.
func toOneNumber(waiting []Waiting) []Waiting {
	for i, m := range waiting {
		if m.PhoneNumberID != waiting[0].PhoneNumberID {
			return waiting[:i]
		}
	}
	return waiting
}

// answer settles all waiting messages together: it finds the words, if there
// are to be any. Nothing is stored or sent here, so it may be repeated.
func (s *Service) answer(ctx context.Context, personID int64, due Due) (Answer, error) {
	last := due.Waiting[len(due.Waiting)-1]
	answer := Answer{PersonID: personID, PhoneNumberID: last.PhoneNumberID}
	for _, m := range due.Waiting {
		answer.MessageIDs = append(answer.MessageIDs, m.ID)
	}
	how := s.decide(due.Person, due.Waiting)
	answer.Effect = how.effect
	var err error
	switch {
	case how.ask:
		answer.Words, err = s.ask(ctx, due)
	case how.join:
		answer.Words, err = s.join(ctx, due.Person)
	case how.sentence != "":
		answer.Words = fixed(how.sentence)
	}
	if err != nil {
		return Answer{}, err
	}
	if !answer.Words.Body.IsZero() {
		answer.Parts = parts(answer.Words.Body, due.Waiting)
	}
	if answer.Words.Model != "" {
		s.invite(due.Person, &answer)
	}
	answer.Begin = len(answer.Parts) > 0 && s.pace.Await(ctx, answer.PhoneNumberID) == 0
	return answer, nil
}

// ask lets the model find the words. Where it refuses, or fails for longer
// than it is worth waiting for, the person gets one honest sentence.
func (s *Service) ask(ctx context.Context, due Due) (Words, error) {
	waiting := due.Waiting
	stop := s.showTyping(ctx, waiting[len(waiting)-1])
	defer stop()

	files, err := s.files(ctx, waiting)
	if err != nil {
		return Words{}, err
	}
	if len(files) == 0 && !slices.ContainsFunc(waiting, wordy) {
		return fixed(sentenceUnopened), nil // there were files, and none of them can be had
	}
	words, err := s.model.Answer(ctx, Question{
		Instructions: s.options.Instructions, History: due.History, Said: said(waiting), Files: files,
	})
	if err == nil {
		return words, nil
	}
	problem := fault.Of(err)
	oldest := slices.MaxFunc(waiting, byAge).Age
	switch {
	case problem.Kind == fault.Blocked:
		return fixed(s.options.Apology), nil
	case problem.Kind == fault.Upstream && !problem.Transient && oldest > patience,
		oldest > s.options.ReplyWithin: // some questions fail the same way every time
		s.options.Log.ErrorContext(ctx, "the model failed for too long; the person was told", slog.Any("error", err))
		return fixed(s.options.Apology), nil
	default:
		return Words{}, err
	}
}

func byAge(a, b Waiting) int { return cmp.Compare(a.Age, b.Age) }

func fixed(sentence string) Words {
	return Words{Body: sensitive.NewText(sentence)}
}

// parts splits an answer into what WhatsApp takes as one message. Where several
// messages are answered at once the first part quotes the newest of them.
func parts(body sensitive.Text, waiting []Waiting) []OutgoingPart {
	var parts []OutgoingPart
	for _, text := range format(body.Reveal(), maxTextUnits) {
		parts = append(parts, OutgoingPart{Body: sensitive.NewText(text)})
	}
	if len(waiting) > 1 {
		parts[0].ReplyTo = waiting[len(waiting)-1].WAMID
	}
	return parts
}

// showTyping marks the message as read and shows that an answer is being
// typed, until stop is called. Stop waits for a call that is under way: one that
// arrived after the answer would show typing for nothing.
func (s *Service) showTyping(ctx context.Context, last Waiting) (stop func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer s.survive(ctx)
		renew := time.NewTicker(typingLife)
		defer renew.Stop()
		for {
			s.showRead(ctx, last)
			select {
			case <-stopped:
				return
			case <-renew.C:
			}
		}
	}()
	return func() {
		close(stopped)
		<-done
	}
}

// survive lets what is only a courtesy fail alone: a panic in a goroutine ends
// the process, and again for the same message when that is back.
func (s *Service) survive(ctx context.Context) {
	if problem := recover(); problem != nil {
		s.options.Log.ErrorContext(ctx, "a panic while an answer was shown as being typed",
			slog.Any("problem", problem), slog.String("stack", string(debug.Stack())))
	}
}

// showRead is a courtesy: its failure changes nothing, and it may not take long.
func (s *Service) showRead(ctx context.Context, message Waiting) {
	ctx, cancel := context.WithTimeout(ctx, courtesy)
	defer cancel()
	if err := s.graph.MarkRead(ctx, message.PhoneNumberID, message.WAMID); err != nil && ctx.Err() == nil {
		s.options.Log.WarnContext(ctx, "could not show that an answer is being typed", slog.Any("error", err))
	}
}
