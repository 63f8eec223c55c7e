package repository_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// toSend stores an answer of n parts to a new person, from the number N.
func toSend(t *testing.T, pool *pgxpool.Pool, n int) []whatsapp.Part {
	t.Helper()
	conversations := repository.NewConversations(pool)
	var id int64
	if err := pool.QueryRow(t.Context(), `INSERT INTO person (user_id) VALUES (gen_random_uuid()) RETURNING id`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	answer := whatsapp.Answer{PersonID: id, PhoneNumberID: "N", Words: whatsapp.Words{Body: sensitive.NewText("x")}}
	for range n {
		answer.Parts = append(answer.Parts, whatsapp.OutgoingPart{Body: sensitive.NewText("x")})
	}
	if _, err := conversations.SaveAnswer(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	due, err := conversations.Due(t.Context(), id)
	if err != nil || len(due.Parts) != n {
		t.Fatalf("%d parts are due, %v; want %d", len(due.Parts), err, n)
	}
	return due.Parts
}

// sender drives an Outbox as the service does.
type sender struct {
	*testing.T
	pool *pgxpool.Pool
	*repository.Outbox
}

func newSender(t *testing.T) sender {
	pool := open(t)
	return sender{t, pool, repository.NewOutbox(pool)}
}

// begin begins a send and returns the part as it is then, or how long it waits.
func (s sender) begin(part whatsapp.Part) (whatsapp.Part, time.Duration) {
	s.Helper()
	wait, err := s.BeginSend(s.Context(), part)
	if err != nil {
		s.Error(err)
	}
	if wait == 0 {
		part.Delivery, part.Attempts = whatsapp.Sending, part.Attempts+1
	}
	return part, wait
}

func (s sender) mustBegin(part whatsapp.Part) whatsapp.Part {
	s.Helper()
	part, wait := s.begin(part)
	if wait != 0 {
		s.Fatalf("the send is held back for %v", wait)
	}
	return part
}

func (s sender) refuse(part whatsapp.Part, reaction whatsapp.Reaction, code int) whatsapp.Refused {
	s.Helper()
	outcome, err := s.Refuse(s.Context(), part, whatsapp.Refusal{Reaction: reaction, Code: code, Detail: "why"})
	if err != nil {
		s.Error(err)
	}
	return outcome
}

func (s sender) accept(part whatsapp.Part, wamid string) (opened bool) {
	s.Helper()
	opened, err := s.Accept(s.Context(), part.ID, wamid)
	if err != nil {
		s.Error(err)
	}
	return opened
}

func (s sender) exec(sql string, args ...any) {
	s.Helper()
	if _, err := s.pool.Exec(s.Context(), sql, args...); err != nil {
		s.Fatal(err)
	}
}

// pass lets time pass for a closed gate and its probe.
func (s sender) pass() { s.Helper(); s.exec(`UPDATE sending_gate SET resume_at = now()`) }

func (s sender) gate() whatsapp.Gate {
	s.Helper()
	gates, err := s.Gates(s.Context())
	if err != nil || len(gates) > 1 {
		s.Fatalf("got %v, %v", gates, err)
	}
	if len(gates) == 0 {
		return whatsapp.Gate{}
	}
	return gates[0]
}

func TestARefusalForAllHoldsEverybodyBackOnce(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	first, second, third := toSend(t, s.pool, 1)[0], toSend(t, s.pool, 1)[0], toSend(t, s.pool, 1)[0]
	first, second = s.mustBegin(first), s.mustBegin(second)

	if outcome := s.refuse(first, whatsapp.WaitAll, 130429); !outcome.Closed || outcome.Wait < 5*time.Second || outcome.GivenUp {
		t.Errorf("the first refusal: %+v", outcome)
	}
	before := s.gate()
	if before.PhoneNumberID != "N" || before.Stopped || before.Code != 130429 || before.Reason == "" || before.Closings != 1 || before.ResumesIn <= 0 {
		t.Errorf("the gate: %+v", before)
	}
	if outcome := s.refuse(second, whatsapp.WaitAll, 4); outcome.Closed {
		t.Error("a refusal along with it closed the gate again")
	}
	if after := s.gate(); after.Closings != 1 || after.Code != 130429 {
		t.Errorf("a refusal along with it changed the gate: %+v", after)
	}
	if _, wait := s.begin(third); wait < 4*time.Second || wait > 7*time.Second {
		t.Errorf("another person waits for %v", wait)
	}
	other := third
	other.PhoneNumberID = "another"
	s.mustBegin(other)
	if n := count(t, s.pool, `SELECT count(*) FROM part WHERE delivery = 'unsent' AND not_before IS NULL AND refusals = 0`); n != 2 {
		t.Errorf("%d of 2 parts wait for the gate alone", n)
	}
}

func TestWhatWaitsIsHeldByTheGateOfItsNumber(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	store(t, repository.NewInbox(s.pool), whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "", "a")}})
	var id int64
	var number string
	if err := s.pool.QueryRow(t.Context(), `SELECT person_id, phone_number_id FROM message`).Scan(&id, &number); err != nil {
		t.Fatal(err)
	}
	held := func() time.Duration {
		due, err := repository.NewConversations(s.pool).Due(t.Context(), id)
		if err != nil || len(due.Waiting) != 1 {
			t.Fatalf("due: %+v, %v", due, err)
		}
		return due.Waiting[0].Held
	}
	if got := held(); got != 0 {
		t.Errorf("an open gate holds it for %v", got)
	}
	s.exec(`INSERT INTO sending_gate VALUES ($1, true, 190, 'why', 1, now(), now() + interval '1 hour')`, number)
	if got := held(); got < 59*time.Minute || got > time.Hour {
		t.Errorf("a gate that is closed for an hour holds it for %v", got)
	}
	s.pass()
	if got := held(); got != 0 {
		t.Errorf("a gate that may be tried holds it for %v", got)
	}
}

func TestOnePartTriesAClosedGateAndOpensIt(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	s.refuse(s.mustBegin(toSend(t, s.pool, 1)[0]), whatsapp.Stop, 190)
	s.pass()

	const persons = 8
	var mu sync.Mutex
	var probes []whatsapp.Part
	var group sync.WaitGroup
	for range persons {
		part := toSend(t, s.pool, 1)[0]
		group.Go(func() {
			begun, wait := s.begin(part)
			mu.Lock()
			defer mu.Unlock()
			if wait == 0 {
				probes = append(probes, begun)
			} else if wait > 10*time.Second {
				t.Errorf("the others ask again after %v only", wait)
			}
		})
	}
	group.Wait()
	if len(probes) != 1 {
		t.Fatalf("%d parts were let through to try, want 1", len(probes))
	}
	if !s.accept(probes[0], "w1") {
		t.Error("its success is not told")
	}
	if gate := s.gate(); gate.Closings != 0 {
		t.Errorf("its success left the gate closed: %+v", gate)
	}
	if s.accept(s.mustBegin(toSend(t, s.pool, 1)[0]), "w2") {
		t.Error("an open gate opened")
	}
}

func TestAFailedTryClosesTheGateForLonger(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	parts := toSend(t, s.pool, 2)
	part := s.mustBegin(parts[0])
	late := s.mustBegin(parts[1])
	s.refuse(part, whatsapp.Stop, 190)
	for closings := 2; closings <= 7; closings++ {
		s.pass()
		part.Delivery = whatsapp.Unsent
		part = s.mustBegin(part)
		if s.refuse(part, whatsapp.Stop, 190).Closed {
			t.Error("the alarm is raised again")
		}
		least := min(30*time.Second<<(closings-1), 5*time.Minute)
		if gate := s.gate(); gate.Closings != closings || gate.ResumesIn < least-time.Second || gate.ResumesIn > least+least/4 {
			t.Errorf("closed %d times, it resumes in %v; want %v and up to a quarter more", gate.Closings, gate.ResumesIn, least)
		}
	}
	if s.accept(late, "w") || s.gate().Closings == 0 {
		t.Error("a send from before the closing opened the gate")
	}
}

func TestATryWhoseOutcomeIsUnknownIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	s.refuse(s.mustBegin(toSend(t, s.pool, 1)[0]), whatsapp.WaitAll, 4)
	s.pass()
	unknown := s.mustBegin(toSend(t, s.pool, 1)[0])
	next := toSend(t, s.pool, 1)[0]
	if _, wait := s.begin(next); wait == 0 {
		t.Fatal("two parts try at once")
	}
	s.pass()
	next = s.mustBegin(next)
	if s.accept(unknown, "w1") {
		t.Error("one that does not try any more opened the gate")
	}
	if !s.accept(next, "w2") {
		t.Error("the gate stays closed")
	}
}

func TestARefusalOfOneMessageOpensTheGate(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	s.refuse(s.mustBegin(toSend(t, s.pool, 1)[0]), whatsapp.WaitAll, 4)
	s.pass()
	outcome := s.refuse(s.mustBegin(toSend(t, s.pool, 1)[0]), whatsapp.GiveUp, 131047)
	if !outcome.GivenUp || s.gate().Closings != 0 {
		t.Errorf("got %+v and the gate %+v", outcome, s.gate())
	}
}

func TestAWaitTurnsIntoAStop(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	a, b := s.mustBegin(toSend(t, s.pool, 1)[0]), s.mustBegin(toSend(t, s.pool, 1)[0])
	s.refuse(a, whatsapp.WaitAll, 4)
	if !s.refuse(b, whatsapp.Stop, 190).Closed {
		t.Error("no alarm is raised")
	}
	if gate := s.gate(); !gate.Stopped || gate.Code != 190 || gate.Closings != 1 {
		t.Errorf("got %+v", gate)
	}
}

func TestConcurrentRefusalsRaiseOneAlarm(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	var group sync.WaitGroup
	alarms := make(chan struct{}, 10)
	var parts []whatsapp.Part
	for range 10 {
		parts = append(parts, s.mustBegin(toSend(t, s.pool, 1)[0]))
	}
	for _, part := range parts {
		group.Go(func() {
			if s.refuse(part, whatsapp.Stop, 190).Closed {
				alarms <- struct{}{}
			}
		})
	}
	group.Wait()
	if len(alarms) != 1 || s.gate().Closings != 1 {
		t.Errorf("%d alarms, %d closings", len(alarms), s.gate().Closings)
	}
}

func TestARefusalOfASettledPartChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.mustBegin(toSend(t, s.pool, 1)[0])
	s.exec(`UPDATE part SET attempts = 2`) // another worker has sent it again
	for _, reaction := range []whatsapp.Reaction{whatsapp.GiveUp, whatsapp.WaitAll} {
		if _, err := s.Refuse(t.Context(), part, whatsapp.Refusal{Reaction: reaction}); !isOvertaken(err) {
			t.Errorf("reaction %d: got %v", reaction, err)
		}
	}
	if s.gate().Closings != 0 {
		t.Error("the gate was closed")
	}
}

func TestABackOffIsThePersonsAlone(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := toSend(t, s.pool, 1)[0]
	for n, want := range []time.Duration{4 * time.Second, 16 * time.Second, 64 * time.Second, 256 * time.Second, 10 * time.Minute, 10 * time.Minute} {
		part = s.mustBegin(part)
		if outcome := s.refuse(part, whatsapp.WaitPerson, 131056); outcome.Wait != want || outcome.GivenUp || outcome.Closed {
			t.Errorf("refusal %d: %+v, want %v", n+1, outcome, want)
		}
		part.Delivery = whatsapp.Unsent
		if _, wait := s.begin(part); wait < want-5*time.Second || wait > want {
			t.Errorf("refusal %d: it waits for %v, want %v", n+1, wait, want)
		}
		s.mustBegin(toSend(t, s.pool, 1)[0])
		s.exec(`UPDATE part SET not_before = now() WHERE id = $1`, part.ID)
	}
}

func TestAGenericErrorIsTriedTwiceMoreWhateverElseHappened(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := toSend(t, s.pool, 1)[0]
	for _, want := range []bool{false, false, true} {
		part = s.mustBegin(part)
		s.refuse(part, whatsapp.WaitAll, 1)
		s.pass()
		part.Delivery = whatsapp.Unsent
		part = s.mustBegin(part)
		if outcome := s.refuse(part, whatsapp.RetryTwice, 131000); outcome.GivenUp != want {
			t.Errorf("given up: %v, want %v", outcome.GivenUp, want)
		}
		part.Delivery = whatsapp.Unsent
		s.exec(`UPDATE part SET not_before = now()`)
	}
	if n := count(t, s.pool, `SELECT count(*) FROM part WHERE delivery = 'failed' AND error_code = 131000 AND error LIKE '%why%'`); n != 1 {
		t.Error("why it was given up does not stand on its row")
	}
}

func TestAPersonHasABurstAndThenOneInSixSeconds(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	parts := toSend(t, s.pool, 48)
	for _, part := range parts[:45] {
		s.mustBegin(part)
	}
	if _, wait := s.begin(parts[45]); wait <= 0 || wait > 6*time.Second {
		t.Fatalf("after the burst it waits for %v", wait)
	}
	s.mustBegin(toSend(t, s.pool, 1)[0])
	s.exec(`UPDATE quota SET full_at = full_at - interval '6 seconds'`)
	s.mustBegin(parts[45])
	if _, wait := s.begin(parts[46]); wait <= 0 || wait > 6*time.Second {
		t.Errorf("after one more it waits for %v", wait)
	}
	s.exec(`UPDATE quota SET full_at = now() - interval '1 year'`)
	s.mustBegin(parts[46])
	if n := count(t, s.pool, `SELECT count(*) FROM quota WHERE full_at BETWEEN now() AND now() + interval '6 seconds'`); n != 1 {
		t.Error("a quiet year has saved up more than a burst")
	}
}

func TestInstancesAreCounted(t *testing.T) {
	t.Parallel()
	pool := open(t)
	var instances []*repository.Locks
	for n := range 3 {
		locks := repository.NewLocks(pool, fmt.Sprint(n))
		defer func() { _ = locks.Close(t.Context()) }()
		if err := locks.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		instances = append(instances, locks)
	}
	if n, err := instances[0].Instances(t.Context()); err != nil || n != 3 {
		t.Errorf("got %d, %v", n, err)
	}
	// The server notices the end of a connection a little later.
	if err := instances[2].Close(t.Context()); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		n, err := instances[0].Instances(t.Context())
		if err == nil && n == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d, %v", n, err)
		}
	}
}

func isOvertaken(err error) bool { return errors.Is(err, whatsapp.ErrOvertaken) }
