package whatsapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

// world is a memory in place of the database and both upstreams.
type world struct {
	mu       sync.Mutex
	locked   bool
	due      Due
	answers  []Answer
	asked    []Question
	sent     []Outgoing
	refused  []Refusal
	modelErr error
	sendErr  error
	hold     time.Duration // of a send that must not begin yet
	again    time.Duration // when the number may be asked for again
	gates    []Gate
	mediaErr error
	joinErr  error
	joined   []string
	foreign  bool          // nobody's number can join the waiting list
	read     []string      // wamids that were marked as read
	readBug  bool          // to mark one panics
	whileAsk func(*world)  // runs while the model works
	stands   time.Duration // for how long everything stands still when a send begins
	gap      time.Duration // since the database was away; 0 is long ago
}

func (w *world) Standing() time.Duration { return cmp.Or(w.gap, 24*time.Hour) }

func (w *world) TryLock(ctx context.Context, _ int64) (context.Context, func() bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.locked {
		return nil, nil, ErrLocked
	}
	w.locked = true
	return ctx, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.locked = false
		return len(w.due.Parts)+len(w.due.Waiting) > 0
	}, nil
}

func (w *world) Due(context.Context, int64) (Due, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.due, nil
}

func (w *world) SaveAnswer(_ context.Context, a Answer) ([]Part, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, a)
	w.due.Waiting = w.due.Waiting[len(a.MessageIDs):]
	for i, p := range a.Parts {
		w.due.Parts = append(w.due.Parts, Part{ID: fmt.Sprint(len(w.answers), "-", i), PhoneNumberID: a.PhoneNumberID, Body: p.Body, ReplyTo: p.ReplyTo, Button: p.Button, Delivery: Unsent})
	}
	if a.Begin && w.hold == 0 {
		time.Sleep(w.stands)
		w.due.Parts[0].Delivery, w.due.Parts[0].Attempts = Sending, 1
	}
	return slices.Clone(w.due.Parts), nil
}

func (w *world) BeginSend(_ context.Context, p Part) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hold > 0 {
		return w.hold, nil
	}
	time.Sleep(w.stands)
	w.due.Parts[0].Delivery, w.due.Parts[0].Attempts, w.due.Parts[0].Since = Sending, p.Attempts+1, 0
	return 0, nil
}

func (w *world) Accept(context.Context, string, string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due.Parts = w.due.Parts[1:]
	return false, nil
}

func (w *world) Refuse(_ context.Context, p Part, r Refusal) (Refused, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	closed := r.ForAll() && len(w.refused) == 0
	w.refused = append(w.refused, r)
	if r.Final(p.Attempts - 1) {
		w.due.Parts = w.due.Parts[1:]
		return Refused{GivenUp: true}, nil
	}
	w.due.Parts[0].Delivery = Unsent
	return Refused{Wait: max(Backoff(p.Attempts-1), r.RetryAfter), Closed: closed}, nil
}

func (w *world) Gates(context.Context) ([]Gate, error) { return w.gates, nil }

func (w *world) Await(context.Context, string) time.Duration { return w.again }

func (w *world) Send(_ context.Context, m Outgoing) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sendErr != nil {
		return "", w.sendErr
	}
	w.sent = append(w.sent, m)
	return fmt.Sprint("wamid.", len(w.sent)), nil
}

func (w *world) Media(_ context.Context, _ string, m Media, _ int) ([]byte, error) {
	if w.mediaErr != nil {
		return nil, w.mediaErr
	}
	return []byte("bytes of " + m.ID), nil
}

func (w *world) Join(_ context.Context, who Identity) error {
	w.joined = append(w.joined, who.Phone.Reveal())
	return w.joinErr
}

func (w *world) CanJoin(Identity) bool { return !w.foreign }

func (w *world) MarkRead(_ context.Context, _, wamid string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read = append(w.read, wamid)
	if w.readBug {
		panic("a bug")
	}
	return nil
}

func (w *world) Answer(_ context.Context, q Question) (Words, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, q)
	if w.whileAsk != nil {
		w.whileAsk(w)
		w.whileAsk = nil
	}
	return Words{Body: sensitive.NewText("answer to " + q.Said.Reveal()), Model: "m"}, w.modelErr
}

func (w *world) service(o Options) *Service {
	o.ResendAfter = cmp.Or(o.ResendAfter, time.Minute)
	o.Log = slog.New(slog.DiscardHandler)
	return New(o, Rooms{Conversations: w, Outbox: w, Pace: w, Locks: w, Graph: w, Model: w, Waitlist: w})
}

func waiting(id int64, kind, text string, age time.Duration) Waiting {
	return Waiting{ID: id, WAMID: fmt.Sprint("wamid.in", id), PhoneNumberID: "N", Kind: kind, Text: sensitive.NewText(text), Age: age, SentAgo: age}
}

func bodies(sent []Outgoing) string {
	var out []string
	for _, m := range sent {
		out = append(out, m.Body.Reveal())
	}
	return strings.Join(out, "|")
}

func TestReplyAnswersWaitingMessagesTogether(t *testing.T) {
	t.Parallel()
	w := &world{due: Due{
		Waiting: []Waiting{waiting(1, "text", "a", time.Minute), waiting(2, "image", "", time.Minute), waiting(3, "text", "b", time.Minute)},
		History: []Exchange{{Said: sensitive.NewText("before"), Answered: sensitive.NewText("earlier")}},
	}}
	next, err := w.service(Options{Instructions: "be kind"}).Reply(t.Context(), 7).Get()
	if err != nil || next.After != 0 {
		t.Fatalf("got %v, %v; want nothing left to do", next, err)
	}
	if got := bodies(w.sent); got != "answer to a\n[image]\nb" {
		t.Errorf("sent %q", got)
	}
	if w.sent[0].ReplyTo != "wamid.in3" || w.sent[0].Callback == "" || w.sent[0].PhoneNumberID != "N" {
		t.Errorf("sent with %+v", w.sent[0])
	}
	if q := w.asked[0]; q.Instructions != "be kind" || len(q.History) != 1 {
		t.Errorf("the model was asked without instructions or history: %+v", q)
	}
}

func TestReplyGoesOutFromTheNumberThatWasWrittenTo(t *testing.T) {
	t.Parallel()
	second := waiting(2, "text", "b", time.Minute)
	second.PhoneNumberID = "N2"
	w := &world{due: Due{Waiting: []Waiting{waiting(1, "text", "a", time.Minute), second}}}
	if _, err := w.service(Options{}).Reply(t.Context(), 7).Get(); err != nil {
		t.Fatal(err)
	}
	if len(w.sent) != 2 || w.sent[0].PhoneNumberID != "N" || w.sent[1].PhoneNumberID != "N2" {
		t.Errorf("sent %+v", w.sent)
	}
}

func TestReplyWaitsUntilThePersonIsQuiet(t *testing.T) {
	t.Parallel()
	for name, ages := range map[string][]time.Duration{
		"a message":                              {time.Second},
		"the last of several":                    {time.Hour, time.Minute, time.Second},
		"one that was said before but came late": {time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			for i, age := range ages {
				w.due.Waiting = append(w.due.Waiting, waiting(int64(i), "text", "a", age))
			}
			next, err := w.service(Options{Debounce: 1500 * time.Millisecond}).Reply(t.Context(), 7).Get()
			if err != nil || next.After > 500*time.Millisecond || next.After <= 0 || len(w.asked) != 0 {
				t.Fatalf("got %v, %v after %d questions; want what is left of 500ms, nil, none", next, err, len(w.asked))
			}
			if last := w.due.Waiting[len(ages)-1].WAMID; !slices.Equal(w.read, []string{last}) {
				t.Errorf("marked as read %v, though they are to see %s read at once", w.read, last)
			}
		})
	}
}

func TestReplyDoesNotReadWhatGetsNoAnswer(t *testing.T) {
	t.Parallel()
	w := &world{due: Due{Person: Person{Paused: true}, Waiting: []Waiting{waiting(1, "text", "a", time.Second)}}}
	if _, err := w.service(Options{Debounce: time.Minute}).Reply(t.Context(), 7).Get(); err != nil || len(w.read) != 0 {
		t.Errorf("marked %v as read, %v", w.read, err)
	}
}

func TestTheModelIsNotAskedWhileNothingCanBeSent(t *testing.T) {
	t.Parallel()
	held := waiting(1, "text", "a", time.Minute)
	held.Held = time.Minute
	w := &world{due: Due{Waiting: []Waiting{held, waiting(2, "text", "b", time.Second)}}}
	next, err := w.service(Options{Debounce: 2 * time.Second}).Reply(t.Context(), 7).Get()
	if err != nil || next.After < time.Minute || len(w.asked)+len(w.read) != 0 {
		t.Errorf("got %v, %v after %d questions; want a minute, nil, none", next, err, len(w.asked))
	}
}

func TestReplyAnswersNextWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	w := &world{due: Due{Waiting: []Waiting{waiting(1, "text", "a", time.Minute)}}}
	w.whileAsk = func(w *world) { w.due.Waiting = append(w.due.Waiting, waiting(2, "text", "b", time.Minute)) }
	if _, err := w.service(Options{}).Reply(t.Context(), 7).Get(); err != nil {
		t.Fatal(err)
	}
	if got := bodies(w.sent); got != "answer to a|answer to b" {
		t.Errorf("sent %q", got)
	}
}

func TestAPanicInACourtesyCostsNoAnswer(t *testing.T) {
	t.Parallel()
	w := &world{readBug: true, due: Due{Waiting: []Waiting{waiting(1, "text", "a", time.Minute)}}}
	if _, err := w.service(Options{}).Reply(t.Context(), 7).Get(); err != nil || len(w.read) != 1 || len(w.sent) != 1 {
		t.Errorf("got %v, read %v and sent %+v", err, w.read, w.sent)
	}
}

func TestReplyLeavesALockedPersonAlone(t *testing.T) {
	t.Parallel()
	w := &world{locked: true, due: Due{Waiting: []Waiting{waiting(1, "text", "a", time.Minute)}}}
	next, err := w.service(Options{}).Reply(t.Context(), 7).Get()
	if err != nil || next.After != lookAgain || len(w.sent) != 0 {
		t.Fatalf("got %v, %v and %d sent", next, err, len(w.sent))
	}
}

func TestReplyWhenTheModelFails(t *testing.T) {
	t.Parallel()
	passing := fault.New(fault.Upstream, "busy")
	passing.Transient = true
	tests := map[string]struct {
		err  error
		age  time.Duration
		sent string // empty: the message goes on waiting
	}{
		"a refusal is said":                  {fault.New(fault.Blocked, "no"), time.Second, DefaultApology},
		"an overload is waited for":          {passing, time.Hour, ""},
		"a missing key is waited for":        {fault.New(fault.NotConfigured, "no key"), time.Hour, ""},
		"a lasting error is waited for":      {fault.New(fault.Upstream, "bad"), time.Minute, ""},
		"an overload is said in the end":     {passing, 13 * time.Hour, DefaultApology},
		"a lasting error is said in the end": {fault.New(fault.Upstream, "bad"), patience + time.Second, DefaultApology},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{modelErr: tt.err}
			for i, age := range []time.Duration{time.Second, tt.age, time.Second} {
				w.due.Waiting = append(w.due.Waiting, waiting(int64(i), "text", "a", age))
				w.due.Waiting[i].SentAgo = time.Second
			}
			_, err := w.service(Options{ReplyWithin: 12 * time.Hour}).Reply(t.Context(), 7).Get()
			if bodies(w.sent) != tt.sent {
				t.Errorf("sent %q, want %q", bodies(w.sent), tt.sent)
			}
			if tt.sent == "" && !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if tt.sent == "" && len(w.due.Waiting) != 3 {
				t.Error("the messages no longer wait")
			}
		})
	}
}

func TestReplyWhenTheSendFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err   error
		after time.Duration
		left  int // parts still to send
	}{
		"an unknown outcome waits for its status": {&Uncertain{Cause: errors.New("cut")}, time.Minute, 2},
		"too much for one person":                 {&Refusal{Reaction: WaitPerson, Code: 131056}, 4 * time.Second, 2},
		"too much for all":                        {&Refusal{Reaction: WaitAll, Code: 130429, RetryAfter: 9 * time.Second}, 9 * time.Second, 2},
		"a token that expired":                    {&Refusal{Reaction: Stop, Code: 190}, 4 * time.Second, 2},
		"a generic error is worth another try":    {&Refusal{Reaction: RetryTwice, Code: 131000}, 4 * time.Second, 2},
		"a message that is given up":              {&Refusal{Reaction: GiveUp, Code: 131026}, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{sendErr: tt.err, due: Due{Parts: []Part{{ID: "1", Delivery: Unsent}, {ID: "2", Delivery: Unsent}}}}
			next, err := w.service(Options{ResendAfter: time.Minute}).Reply(t.Context(), 7).Get()
			if err != nil || next.After != tt.after {
				t.Errorf("got %v, %v; want %v", next.After, err, tt.after)
			}
			if len(w.due.Parts) != tt.left {
				t.Errorf("%d parts are left, want %d", len(w.due.Parts), tt.left)
			}
		})
	}
}

func TestASendThatWasHeldUpIsLeftToOthers(t *testing.T) {
	t.Parallel()
	const resendAfter = 50 * time.Millisecond
	for name, due := range map[string]Due{
		"when it was noted":                 {Parts: []Part{{ID: "1", Delivery: Unsent}}},
		"when it was noted with its answer": {Waiting: []Waiting{waiting(1, "text", "hi", time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{due: due, stands: resendAfter/2 + time.Millisecond}
			next, err := w.service(Options{ResendAfter: resendAfter}).Reply(t.Context(), 7).Get()
			if err != nil || next.After != resendAfter || len(w.sent) != 0 {
				t.Errorf("got %v, %v and %d sent; want %v and none", next.After, err, len(w.sent), resendAfter)
			}
			if len(w.due.Parts) != 1 || w.due.Parts[0].Delivery != Sending {
				t.Errorf("left are %+v", w.due.Parts)
			}
		})
	}
}

func TestReplyWithASendOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		since time.Duration
		heard time.Duration // for how long webhooks have been heard
		gap   time.Duration // since the database was away
		after time.Duration
		sent  int
	}{
		"waits while a status may come":                   {20 * time.Second, time.Hour, 0, 40 * time.Second, 0},
		"sends again after silence":                       {time.Minute, time.Hour, 0, 0, 1},
		"does not count the time it could hear nothing":   {time.Hour, 20 * time.Second, 0, 40 * time.Second, 0},
		"does not count the time nobody could store them": {time.Hour, time.Hour, 20 * time.Second, 40 * time.Second, 0},
		"does not wait longer than Meta tries":            {8 * 24 * time.Hour, time.Second, time.Second, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{gap: tt.gap, due: Due{Parts: []Part{{ID: "1", Delivery: Sending, Attempts: 1, Since: tt.since}}}}
			s := w.service(Options{ResendAfter: time.Minute})
			s.hearing.Store(time.Now().Add(-tt.heard).UnixNano())
			next, err := s.Reply(t.Context(), 7).Get()
			if err != nil || next.After.Round(time.Second) != tt.after || len(w.sent) != tt.sent {
				t.Errorf("got %v, %v and %d sent; want %v and %d", next.After, err, len(w.sent), tt.after, tt.sent)
			}
		})
	}
}
