package whatsapp

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/page"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// fakes implements in memory what a Service calls to answer one person. Tests
// set the fields before a call and read them after it.
type fakes struct {
	mu sync.Mutex

	// Stored rows.
	locked  bool // another worker holds the person's lock
	due     Due
	answers []Answer
	choices []Choice
	holds   []SendHold

	// Calls that were made.
	questions  []Question
	sent       []OutgoingMessage
	refusals   []Refusal
	recipients []webhook.Identity // of BeginSend
	joined     []string           // wa_ids
	markedRead []string           // wamids

	// Results of the calls.
	modelErr       error
	fileErr        error  // of the model for a question with files; it wins over modelErr
	completion     string // empty: "answer to " and the question
	truncated      bool   // of the completion
	content        string // of every file; empty: "bytes of " and its media id
	fileSize       int64  // of every file as described; zero: that of its content
	sendErr        error
	beginErr       error
	downloadErr    error
	joinErr        error
	markReadErr    error
	sendWait       time.Duration // of BeginSend; it also keeps SaveAnswer from beginning a send
	limiterWait    time.Duration
	connectedFor   time.Duration // zero: a day
	heldNumber     string        // from which BeginSend begins no send
	cannotJoin     bool
	markReadPanics bool

	// Events during the calls.
	duringCompletion func(*fakes) // called once, while the model works
	duringDownload   func()
	answeredByOther  bool          // another worker answers the messages before SaveAnswer
	lockLost         bool          // the lock is lost as soon as it is held
	suspension       time.Duration // of the process, when a send begins
}

// fakeLock is the lock that fakes.TryLock returns.
type fakeLock struct {
	fakes *fakes
	ctx   context.Context //nolint:containedctx // as in the interface
}

func (l fakeLock) Context() context.Context { return l.ctx }

func (l fakeLock) UnlockAndCheck() bool {
	l.fakes.mu.Lock()
	defer l.fakes.mu.Unlock()
	l.fakes.locked = false
	return len(l.fakes.due.Parts)+len(l.fakes.due.Messages) > 0
}

func (f *fakes) TryLock(ctx context.Context, _ int64) (PersonLock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locked {
		return nil, ErrLocked
	}
	f.locked = true
	if f.lockLost {
		lost, cancel := context.WithCancel(ctx)
		cancel()
		ctx = lost
	}
	return fakeLock{fakes: f, ctx: ctx}, nil
}

func (f *fakes) ConnectedFor() time.Duration { return cmp.Or(f.connectedFor, 24*time.Hour) }

func (f *fakes) Due(context.Context, int64) (Due, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	due := f.due
	due.Parts, due.Messages = slices.Clone(due.Parts), slices.Clone(due.Messages)
	return due, nil
}

func (f *fakes) SaveAnswer(_ context.Context, answer Answer) ([]AnswerPart, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answeredByOther {
		f.due.Messages = nil
		return nil, ErrAlreadyDone
	}
	f.answers = append(f.answers, answer)
	f.due.Messages = slices.DeleteFunc(f.due.Messages, func(m UnansweredMessage) bool { return slices.Contains(answer.MessageIDs, m.ID) })
	first := len(f.due.Parts)
	for i, part := range answer.Parts {
		f.due.Parts = append(f.due.Parts, AnswerPart{
			ID:            fmt.Sprint(len(f.answers), "-", i),
			PhoneNumberID: answer.PhoneNumberID,
			Body:          part.Body,
			QuotedWAMID:   part.QuotedWAMID,
			Button:        part.Button,
			Delivery:      Unsent,
		})
	}
	if answer.BeginSend && f.sendWait == 0 {
		time.Sleep(f.suspension)
		f.due.Parts[first].Delivery, f.due.Parts[first].Attempts = Sending, 1
	}
	return slices.Clone(f.due.Parts[first:]), nil
}

// ApplyChoice gives up the parts that wait after an opt-out, and answers the
// messages that the choice covers with its confirmation.
func (f *fakes) ApplyChoice(_ context.Context, choice Choice) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.choices = append(f.choices, choice)
	changes := f.due.Person.OptedOut != choice.OptOut
	f.due.Person.OptedOut, f.due.Person.ChoiceAt = choice.OptOut, choice.At
	if !changes {
		return nil
	}
	if choice.OptOut {
		f.due.Parts = nil
	}
	answer := Answer{PhoneNumberID: choice.PhoneNumberID}
	f.due.Messages = slices.DeleteFunc(slices.Clone(f.due.Messages), func(m UnansweredMessage) bool {
		covered := !m.SentAt.After(choice.At)
		if covered {
			answer.MessageIDs = append(answer.MessageIDs, m.ID)
		}
		return covered
	})
	if !choice.Confirmation.IsZero() {
		answer.Completion.Text = choice.Confirmation
		f.due.Parts = append(f.due.Parts, AnswerPart{ID: "confirmation", Body: choice.Confirmation, Delivery: Unsent})
	}
	f.answers = append(f.answers, answer)
	return nil
}

func (f *fakes) BeginSend(_ context.Context, to webhook.Identity, part AnswerPart) (time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recipients = append(f.recipients, to)
	if f.beginErr != nil || f.sendWait > 0 {
		return f.sendWait, f.beginErr
	}
	if f.heldNumber != "" && part.PhoneNumberID == f.heldNumber {
		return time.Minute, nil
	}
	time.Sleep(f.suspension)
	stored := &f.due.Parts[f.indexOf(part.ID)]
	stored.Delivery, stored.Attempts, stored.SinceAttempt = Sending, part.Attempts+1, 0
	return 0, nil
}

// indexOf returns the index of the part in due.
func (f *fakes) indexOf(partID string) int {
	return slices.IndexFunc(f.due.Parts, func(part AnswerPart) bool { return part.ID == partID })
}

func (f *fakes) Accept(_ context.Context, partID, _ string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.indexOf(partID)
	f.due.Parts = slices.Delete(f.due.Parts, i, i+1)
	return false, nil
}

func (f *fakes) Refuse(_ context.Context, part AnswerPart, refusal Refusal) (RefusalOutcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	holdBegan := refusal.HoldsNumber() && len(f.refusals) == 0
	f.refusals = append(f.refusals, refusal)
	if refusal.IsFinal(part.Attempts - 1) {
		i := f.indexOf(part.ID)
		f.due.Parts = slices.Delete(f.due.Parts, i, i+1)
		return RefusalOutcome{GivenUp: true}, nil
	}
	f.due.Parts[f.indexOf(part.ID)].Delivery = Unsent
	return RefusalOutcome{Wait: max(Backoff(part.Attempts-1), refusal.RetryAfter), HoldBegan: holdBegan}, nil
}

func (f *fakes) SendHolds(context.Context) ([]SendHold, error) { return f.holds, nil }

func (f *fakes) Wait(context.Context, string) time.Duration { return f.limiterWait }

func (f *fakes) Send(_ context.Context, message OutgoingMessage) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sendErr != nil {
		return "", f.sendErr
	}
	f.sent = append(f.sent, message)
	return fmt.Sprint("wamid.", len(f.sent)), nil
}

func (f *fakes) MarkRead(_ context.Context, _, wamid string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.markedRead = append(f.markedRead, wamid)
	if f.markReadPanics {
		panic("a bug")
	}
	return f.markReadErr
}

func (f *fakes) DescribeFile(_ context.Context, _ string, media webhook.Media) (RemoteFile, error) {
	size := cmp.Or(f.fileSize, int64(len(f.fileContent(media.ID))))
	return RemoteFile{URL: sensitive.NewSecret(media.ID), Size: size}, f.downloadErr
}

func (f *fakes) Download(_ context.Context, file RemoteFile) ([]byte, error) {
	if f.duringDownload != nil {
		f.duringDownload()
	}
	return f.fileContent(file.URL.Reveal()), nil
}

func (f *fakes) fileContent(mediaID string) []byte {
	return []byte(cmp.Or(f.content, "bytes of "+mediaID))
}

func (f *fakes) Complete(_ context.Context, question Question) (Completion, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.questions = append(f.questions, question)
	if f.duringCompletion != nil {
		f.duringCompletion(f)
		f.duringCompletion = nil
	}
	if f.fileErr != nil && len(question.Files) > 0 {
		return Completion{}, f.fileErr
	}
	text := cmp.Or(f.completion, "answer to "+question.Text.Reveal())
	return Completion{Text: sensitive.NewText(text), Model: "m", Truncated: f.truncated}, f.modelErr
}

func (f *fakes) CanJoin(webhook.Identity) bool { return !f.cannotJoin }

func (f *fakes) Join(_ context.Context, who webhook.Identity) error {
	f.joined = append(f.joined, who.WaID.Reveal())
	return f.joinErr
}

// service returns a Service that calls the fakes. It logs nothing unless the
// options have a logger.
func (f *fakes) service(options Options) *Service {
	options.ResendAfter = cmp.Or(options.ResendAfter, time.Minute)
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	return New(options, Deps{
		Conversations: f,
		Outbox:        f,
		SendLimiter:   f,
		PersonLocks:   f,
		Graph:         f,
		Model:         f,
		Waitlist:      f,
	})
}

// answerPerson calls AnswerPerson and ends the test where that fails.
func answerPerson(t *testing.T, service *Service) Next {
	t.Helper()
	next, err := service.AnswerPerson(t.Context(), 7, 0).Get()
	if err != nil {
		t.Fatalf("AnswerPerson: got error %v, want none", err)
	}
	return next
}

// textMessage returns a text that was sent to our number N.
func textMessage(id int64, text string, age time.Duration) UnansweredMessage {
	return UnansweredMessage{
		ID:            id,
		WAMID:         fmt.Sprint("wamid.in", id),
		PhoneNumberID: "N",
		Type:          "text",
		Text:          sensitive.NewText(text),
		SentAt:        time.Now().Add(-age),
		Age:           age,
		SentAgo:       age,
	}
}

// unsentParts returns n parts that no send began for.
func unsentParts(n int) []AnswerPart {
	var parts []AnswerPart
	for i := range n {
		parts = append(parts, AnswerPart{ID: fmt.Sprint(i + 1), Delivery: Unsent})
	}
	return parts
}

// kenyan returns a person whose number can join the waiting list.
func kenyan() webhook.Identity {
	return webhook.Identity{BSUID: "KE.1", WaID: sensitive.NewPhone("254712345678")}
}

// bodies joins the texts of the messages, to compare them at once.
func bodies(sent []OutgoingMessage) string {
	var out []string
	for _, m := range sent {
		out = append(out, m.Body.Reveal())
	}
	return strings.Join(out, "|")
}

// temporary returns an error that a retry may help against.
func temporary() error {
	busy := fault.New(fault.Upstream, "busy")
	busy.Transient = true
	return busy
}

// countErrors returns how many errors a text handler of slog wrote.
func countErrors(log *bytes.Buffer) int { return strings.Count(log.String(), "level=ERROR") }

// fakeInbox records the batches and stores those that refuse accepts.
type fakeInbox struct {
	refuse func(webhook.Batch) error // nil: accept all
	calls  []webhook.Batch
	stored webhook.Batch // all accepted batches together
}

func (i *fakeInbox) Store(_ context.Context, batch webhook.Batch) error {
	i.calls = append(i.calls, batch)
	if i.refuse != nil {
		if err := i.refuse(batch); err != nil {
			return err
		}
	}
	i.stored.Append(batch)
	return nil
}

func (i *fakeInbox) UnhandledItems(_ context.Context, request page.Request) (page.Page[UnhandledItem], error) {
	return page.Page[UnhandledItem]{Items: []UnhandledItem{{Reason: fmt.Sprint(request)}}}, nil
}

func (i *fakeInbox) UnhandledItem(_ context.Context, id int64) (UnhandledItem, bool, error) {
	return UnhandledItem{ID: id}, id == 7, nil
}

// receiver returns a Service that receives webhooks signed with the secret "s".
func (i *fakeInbox) receiver(options Options) *Service {
	options.AppSecrets = []sensitive.Secret{sensitive.NewSecret("s")}
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	return New(options, Deps{Inbox: i})
}

// receiveSigned calls Receive with the right signature.
func receiveSigned(t *testing.T, service *Service, body []byte) (Receipt, error) {
	t.Helper()
	return service.Receive(t.Context(), sign("s", body), bodyReader(body)).Get()
}

func bodyReader(body []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return body, nil }
}

// sign returns the signature header that Meta sends with body.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// webhookBody returns a webhook with the messages and statuses, and after them
// the other changes. Each argument is a list in JSON without its brackets.
func webhookBody(messages, statuses string, changes ...string) []byte {
	first := fmt.Sprintf(`{"field":"messages","value":{"metadata":{"phone_number_id":"N"},"messages":[%s],"statuses":[%s]}}`,
		messages, statuses)
	return []byte(`{"entry":[{"changes":[` + strings.Join(append([]string{first}, changes...), ",") + `]}]}`)
}

// textJSON returns a text message as Meta sends it.
func textJSON(wamid string) string {
	return fmt.Sprintf(`{"from":"254712345678","id":%q,"timestamp":"%d","type":"text","text":{"body":"x"}}`, wamid, time.Now().Unix())
}

// unstorable returns an error as the repository returns it.
func unstorable() error { return fmt.Errorf("%w: %w", ErrUnstorable, errors.New("null character")) }
