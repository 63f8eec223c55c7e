package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

const (
	// historyLimit is how many exchanges the model may be reminded of. How many
	// of them fit is decided by their tokens, where the model is asked.
	historyLimit = 30
	// typingLife is how often the typing indicator is renewed; it lives 25 s.
	typingLife = 20 * time.Second
	// patience is how long a question that the model fails at for a reason that
	// does not look temporary is asked again before the person is told.
	patience = 10 * time.Minute
)

// The sentences that stand where the model has none. They are what a person
// reads, so they are in both languages of the people who write to us.
const (
	sentenceWordless = "I can read text messages only at the moment. Please write to me in words.\n\nKwa sasa naweza kusoma ujumbe wa maandishi pekee. Tafadhali niandikie kwa maneno."
	sentenceBlocked  = "I am sorry, I cannot answer that.\n\nSamahani, siwezi kujibu hilo."
	sentenceFailed   = "I am sorry, I could not find an answer just now. Please try again later.\n\nSamahani, sikuweza kupata jibu kwa sasa. Tafadhali jaribu tena baadaye."
)

// Next is when to look after the person again. A zero After means that nothing
// is left to do until they write.
type Next struct {
	After time.Duration
}

// reply works for one person until nothing is left or something must be waited
// for. A worker that finds the lock taken leaves at once; therefore the holder,
// after giving it back, looks whether anything came in between.
func (s *Service) reply(ctx context.Context, personID int64) (Next, error) {
	for {
		next, err := s.replyLocked(ctx, personID)
		if errors.Is(err, ErrLocked) {
			return Next{}, nil
		}
		if err != nil || next.After > 0 {
			return next, err
		}
		due, err := s.conversations.Due(ctx, personID)
		if err != nil || len(due.Parts)+len(due.Waiting) == 0 {
			return Next{}, err
		}
	}
}

func (s *Service) replyLocked(ctx context.Context, personID int64) (Next, error) {
	ctx, unlock, err := s.locks.TryLock(ctx, personID)
	if err != nil {
		return Next{}, err
	}
	defer unlock()

	for {
		due, err := s.conversations.Due(ctx, personID)
		if err != nil {
			return Next{}, err
		}
		switch {
		case len(due.Parts) > 0:
			if next, err := s.send(ctx, due.Person, due.Parts); err != nil || next.After > 0 {
				return next, err
			}
		case len(due.Waiting) > 0:
			if quiet := due.Waiting[len(due.Waiting)-1].Age; quiet < s.options.Debounce {
				return Next{After: s.options.Debounce - quiet}, nil
			}
			if err := s.answer(ctx, personID, due.Waiting); err != nil {
				return Next{}, err
			}
		default:
			return Next{}, nil
		}
	}
}

// answer finds the words for all waiting messages together and stores them as
// parts to send. Nothing is sent here, so it may be repeated after a crash.
func (s *Service) answer(ctx context.Context, personID int64, waiting []Waiting) error {
	last := waiting[len(waiting)-1]
	stop := s.showTyping(ctx, last)
	defer stop()

	words, err := s.words(ctx, personID, waiting)
	if err != nil {
		return err
	}
	answer := Answer{PersonID: personID, PhoneNumberID: last.PhoneNumberID, Words: words, Parts: parts(words.Body, waiting)}
	for _, m := range waiting {
		answer.MessageIDs = append(answer.MessageIDs, m.ID)
	}
	return s.conversations.SaveAnswer(ctx, answer)
}

// words asks the model. Where it refuses, or fails for longer than it is worth
// waiting for, the person gets one honest sentence.
func (s *Service) words(ctx context.Context, personID int64, waiting []Waiting) (Words, error) {
	if wordless(waiting) {
		return fixed(sentenceWordless), nil
	}
	history, err := s.conversations.History(ctx, personID, historyLimit)
	if err != nil {
		return Words{}, err
	}
	words, err := s.model.Answer(ctx, Question{Instructions: s.options.Instructions, History: history, Said: said(waiting)})
	if err == nil {
		return words, nil
	}
	problem := fault.Of(err)
	switch {
	case problem.Kind == fault.Blocked:
		return fixed(sentenceBlocked), nil
	case problem.Kind == fault.Upstream && !problem.Transient && waiting[0].Age > patience:
		s.options.Log.ErrorContext(ctx, "the model failed for too long; the person was told", slog.Any("error", err))
		return fixed(sentenceFailed), nil
	default:
		return Words{}, err
	}
}

func fixed(sentence string) Words {
	return Words{Body: sensitive.NewText(sentence)}
}

// parts splits an answer into what WhatsApp takes as one message. Where several
// messages are answered at once the first part quotes the newest of them.
func parts(body sensitive.Text, waiting []Waiting) []OutgoingPart {
	var parts []OutgoingPart
	for _, text := range split(body.Reveal(), maxTextUnits) {
		parts = append(parts, OutgoingPart{Body: sensitive.NewText(text)})
	}
	if len(waiting) > 1 {
		parts[0].ReplyTo = waiting[len(waiting)-1].WAMID
	}
	return parts
}

// showTyping marks the message as read and shows that an answer is being
// typed, until stop is called. It is a courtesy: its failure changes nothing.
func (s *Service) showTyping(ctx context.Context, last Waiting) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		renew := time.NewTicker(typingLife)
		defer renew.Stop()
		for {
			if err := s.graph.MarkRead(ctx, last.PhoneNumberID, last.WAMID); err != nil && ctx.Err() == nil {
				s.options.Log.WarnContext(ctx, "could not show that an answer is being typed", slog.Any("error", err))
			}
			select {
			case <-ctx.Done():
				return
			case <-renew.C:
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
