package whatsapp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/visible"
)

// Next says when AnswerPerson must be called again. A zero After means that
// nothing is left to do until the person writes.
type Next struct {
	After time.Duration
}

// answerPerson works for one person until nothing is left or something must be
// waited for. A worker that finds the person locked leaves at once, so the
// holder of the lock looks again after it has released it.
func (s *Service) answerPerson(ctx context.Context, personID int64, interruptions int) (Next, error) {
	for {
		next, workLeft, err := s.stepLocked(ctx, personID, interruptions)
		switch {
		case errors.Is(err, ErrLocked):
			return Next{After: lockedRetry}, nil
		case errors.Is(err, ErrAlreadyDone):
			continue
		case errors.Is(err, errFileBudgetBusy):
			return Next{After: withJitter(fileBudgetRetry)}, nil
		case err != nil, next.After > 0, !workLeft:
			return next, err
		}
	}
}

// stepLocked does one step under the person's lock, and reports whether
// anything was left after that.
func (s *Service) stepLocked(ctx context.Context, personID int64, interruptions int) (next Next, workLeft bool, err error) {
	lock, err := s.locks.TryLock(ctx, personID)
	if err != nil {
		return Next{}, false, err
	}
	defer func() { workLeft = lock.UnlockAndCheck() }()
	next, err = s.step(lock.Context(), personID, interruptions)
	return next, false, err
}

// step does the work for the first of our numbers where it need not wait. A
// person can write to several of our numbers, and a send hold of one number does
// not delay the answers from the others.
func (s *Service) step(ctx context.Context, personID int64, interruptions int) (Next, error) {
	due, err := s.conversations.Due(ctx, personID)
	if err != nil {
		return Next{}, err
	}
	if choice, found := unappliedChoice(personID, due); found {
		return Next{}, s.conversations.ApplyChoice(ctx, choice)
	}
	due.Messages = ignoreChoices(due.Person, due.Messages)
	var earliest Next
	for _, oneNumber := range due.splitByNumber() {
		next, err := s.stepNumber(ctx, personID, oneNumber, interruptions)
		if err != nil || next.After == 0 {
			return next, err
		}
		if earliest.After == 0 || next.After < earliest.After {
			earliest = next
		}
	}
	return earliest, nil
}

// stepNumber sends the parts that wait, or else answers the messages that wait
// and sends the answer. All of them belong to one of our numbers.
func (s *Service) stepNumber(ctx context.Context, personID int64, due Due, interruptions int) (Next, error) {
	to := due.Person.Identity
	if len(due.Parts) > 0 {
		return s.sendParts(ctx, to, due.Parts)
	}
	if wait := s.answerDelay(ctx, due); wait > 0 {
		return Next{After: wait}, nil
	}
	answer, err := s.compose(ctx, personID, due, interruptions)
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

// splitByNumber splits the work by the number that it belongs to, because an
// answer is sent from the number that received the message. The order of the
// numbers is that of their first part or message.
func (d Due) splitByNumber() []Due {
	var split []Due
	ofNumber := make(map[string]int) // index in split, by phone number id
	find := func(phoneNumberID string) *Due {
		i, ok := ofNumber[phoneNumberID]
		if !ok {
			i = len(split)
			ofNumber[phoneNumberID] = i
			one := d
			one.Parts, one.Messages = nil, nil
			split = append(split, one)
		}
		return &split[i]
	}
	for _, part := range d.Parts {
		one := find(part.PhoneNumberID)
		one.Parts = append(one.Parts, part)
	}
	for _, message := range d.Messages {
		one := find(message.PhoneNumberID)
		one.Messages = append(one.Messages, message)
	}
	return split
}

// compose makes one answer to all messages. It neither stores nor sends the
// answer, and its effects (an entry on the waiting list, the typing indicator) may
// be repeated.
func (s *Service) compose(ctx context.Context, personID int64, due Due, interruptions int) (Answer, error) {
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
		answer.Completion, err = s.askModel(ctx, due, interruptions)
	case joinWaitlist:
		answer.Completion, err = s.joinWaitlist(ctx, due.Person)
	case sendSentence:
		answer.Completion = fixedSentence(decision.sentence)
	}
	if err != nil {
		return Answer{}, err
	}
	if !answer.Completion.Text.IsZero() {
		answer.Parts = s.formatParts(&answer.Completion, due.Messages)
	}
	if answer.Completion.Model != "" {
		s.offerJoin(due.Person, &answer)
	}
	answer.BeginSend = len(answer.Parts) > 0 && s.limiter.Wait(ctx, answer.PhoneNumberID) == 0
	return answer, nil
}

// askModel returns the model's completion, with notes about what the model was
// not given. Where the model refuses, or fails for too long, the person gets an
// apology. A request with a file that the model cannot open fails every time, so
// it is repeated without the files. Errors: errFileBudgetBusy, and temporary
// errors of the model and of the Graph API.
func (s *Service) askModel(ctx context.Context, due Due, interruptions int) (Completion, error) {
	messages := due.Messages
	stopTyping := s.keepTyping(ctx, messages[len(messages)-1])
	defer stopTyping()

	opened, err := s.openFiles(ctx, messages, interruptions)
	if err != nil {
		return Completion{}, err
	}
	defer opened.release()
	hasWords := slices.ContainsFunc(messages, hasText)
	if len(opened.files) == 0 && !hasWords {
		return fixedSentence(sentenceFileUnavailable), nil
	}
	text, cut := cutCharacters(questionText(messages), maxQuestionCharacters)
	question := Question{
		Instructions: s.options.Instructions,
		History:      due.History,
		Text:         text,
		Files:        opened.files,
	}
	completion, err := s.model.Complete(ctx, question)
	if errors.Is(err, ErrUnreadableFile) {
		s.options.Log.WarnContext(ctx, "model refused the files; asking without them", slog.Any("error", err))
		if !hasWords {
			return fixedSentence(sentenceFileUnavailable), nil
		}
		question.Files, opened.unopened = nil, true
		completion, err = s.model.Complete(ctx, question)
	}
	switch {
	case err != nil:
		return s.afterModelFailure(ctx, messages, err)
	case visible.IsBlank(completion.Text.Reveal()):
		s.options.Log.WarnContext(ctx, "completion shows nothing; sending the apology")
		return fixedSentence(s.options.Apology), nil
	}
	var notes []string
	if opened.unopened {
		notes = append(notes, noteFileUnopened)
	}
	if cut {
		notes = append(notes, noteQuestionCut)
	}
	completion.Text = withNotes(completion.Text, notes)
	return completion, nil
}

func byAge(a, b UnansweredMessage) int { return cmp.Compare(a.Age, b.Age) }

func fixedSentence(sentence string) Completion {
	return Completion{Text: sensitive.NewText(sentence)}
}

// formatParts returns the parts of an answer, and changes the completion to what
// is sent. Where the completion shows nothing, that is the apology. Where it
// answers several messages, the first part quotes the newest of them.
func (s *Service) formatParts(completion *Completion, messages []UnansweredMessage) []NewPart {
	formatted, bodies := formatAnswer(*completion)
	if len(bodies) == 0 {
		formatted, bodies = formatAnswer(fixedSentence(s.options.Apology))
	}
	*completion = formatted
	var parts []NewPart
	for _, body := range bodies {
		parts = append(parts, NewPart{Body: sensitive.NewText(body)})
	}
	if len(parts) > 0 && len(messages) > 1 {
		parts[0].QuotedWAMID = messages[len(messages)-1].WAMID
	}
	return parts
}
