package repository_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"aisha/internal/repository"
	"aisha/internal/service/whatsapp"
)

// tell stores a webhook of one status and returns how far the part is then.
func (s sender) tell(part whatsapp.Part, status whatsapp.Status) whatsapp.Delivery {
	s.Helper()
	status.Recipient = s.recipient(part)
	store(s.T, repository.NewInbox(s.pool), whatsapp.Batch{Statuses: []whatsapp.Status{status}})
	return s.delivery(part)
}

func (s sender) recipient(part whatsapp.Part) (who whatsapp.Identity) {
	s.Helper()
	if err := s.pool.QueryRow(s.Context(), `
		SELECT user_id FROM person WHERE id = (SELECT person_id FROM part WHERE id = $1)`, part.ID).Scan(&who.UserID); err != nil {
		s.Fatal(err)
	}
	return who
}

func (s sender) delivery(part whatsapp.Part) (delivery whatsapp.Delivery) {
	s.Helper()
	if err := s.pool.QueryRow(s.Context(), `SELECT delivery::text FROM part WHERE id = $1`, part.ID).Scan((*string)(&delivery)); err != nil {
		s.Fatal(err)
	}
	return delivery
}

// sentOnce is a part that the Graph API took as w1.
func (s sender) sentOnce() whatsapp.Part {
	s.Helper()
	part := s.mustBegin(toSend(s.T, s.pool, 1)[0])
	s.accept(part, "w1")
	return part
}

// resend lets the back-off pass and begins the send again.
func (s sender) resend(part whatsapp.Part) whatsapp.Part {
	s.Helper()
	part.Delivery = whatsapp.Unsent
	if _, wait := s.begin(part); wait == 0 {
		s.Fatal("the part is sent again without a back-off")
	}
	s.exec(`UPDATE part SET not_before = now()`)
	s.exec(`DELETE FROM sending_gate`)
	return s.mustBegin(part)
}

func failed(wamid, callback string, code int) whatsapp.Status {
	return whatsapp.Status{WAMID: wamid, Callback: callback, Delivery: whatsapp.Failed, ErrorCode: code}
}

func TestAFailureThatMayPassPutsAPartBack(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		codes []int
		want  whatsapp.Delivery
	}{
		"it may pass": {[]int{131056, 130429, 80007, 4, 131016, 131057, 1, 2, 131000, 135000, 190, 131042}, whatsapp.Unsent},
		"it is final": {[]int{131026, 131047, 131049, 131048, 100, 130472, 999999}, whatsapp.Failed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			for _, code := range tt.codes {
				wamid := fmt.Sprint("w", code)
				part := s.mustBegin(toSend(t, s.pool, 1)[0])
				s.accept(part, wamid)
				before := jobs(t, s.pool)
				if got := s.tell(part, failed(wamid, part.ID, code)); got != tt.want {
					t.Errorf("code %d: got %q, want %q", code, got, tt.want)
				}
				if n := jobs(t, s.pool) - before; (n == 1) != (tt.want == whatsapp.Unsent) {
					t.Errorf("code %d: %d replies were queued", code, n)
				}
				s.exec(`DELETE FROM sending_gate`)
				if n := count(t, s.pool, `SELECT count(*) FROM part WHERE error_code = $1 AND (error IS NULL) = (delivery = 'unsent')`, code); n != 1 {
					t.Errorf("code %d: why does not stand on its row", code)
				}
			}
		})
	}
}

func TestAFailureThatEverybodyWouldHaveClosesTheGate(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]whatsapp.Gate{
		131042: {PhoneNumberID: "N", Stopped: true, Code: 131042}, // payment
		130429: {PhoneNumberID: "N", Code: 130429},                // throughput
		131026: {},                                                // this person
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			one, other := s.mustBegin(toSend(t, s.pool, 1)[0]), s.mustBegin(toSend(t, s.pool, 1)[0])
			s.accept(one, "w1")
			s.accept(other, "w2")
			failures := []whatsapp.Status{failed("w1", one.ID, code), failed("w2", "", code)}
			failures[1].Recipient = s.recipient(other)
			store(t, repository.NewInbox(s.pool), whatsapp.Batch{Statuses: failures})
			if got := s.gate(); got.PhoneNumberID != want.PhoneNumberID || got.Stopped != want.Stopped || got.Code != want.Code {
				t.Errorf("got the gate %+v", got)
			}
			s.exec(`DELETE FROM sending_gate`)
			store(t, repository.NewInbox(s.pool), whatsapp.Batch{Statuses: failures})
			if got := s.gate(); got.PhoneNumberID != "" {
				t.Errorf("told again, it closes again: %+v", got)
			}
		})
	}
}

func TestAFailureIsBelievedOnce(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.sentOnce()
	failure := failed("w1", part.ID, 131056)
	s.tell(part, failure)
	if got := s.tell(part, failure); got != whatsapp.Unsent {
		t.Errorf("told twice, it is %q", got)
	}
	part = s.resend(part)
	if got := s.tell(part, failure); got != whatsapp.Sending {
		t.Errorf("told again while the part is sent again, it is %q", got)
	}
	s.accept(part, "w2")
	for _, again := range []whatsapp.Status{failure, failed("w1", "", 131026), {WAMID: "w1", Callback: part.ID, Delivery: whatsapp.Sent}} {
		if got := s.tell(part, again); got != whatsapp.Accepted {
			t.Errorf("told of the former send, it is %q", got)
		}
	}
	if got := s.tell(part, whatsapp.Status{WAMID: "w2", Delivery: whatsapp.Sent}); got != whatsapp.Sent {
		t.Errorf("told of the newest send, it is %q", got)
	}
}

func TestAPutBackPartThatArrivedAfterAllIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.sentOnce()
	s.tell(part, failed("w1", "", 130429))
	if got := s.tell(part, whatsapp.Status{WAMID: "w1", Delivery: whatsapp.Sent}); got != whatsapp.Unsent {
		t.Errorf("a late %q settled a part that failed after it: %q", whatsapp.Sent, got)
	}
	if got := s.tell(part, whatsapp.Status{WAMID: "w1", Delivery: whatsapp.Delivered}); got != whatsapp.Delivered {
		t.Errorf("got %q", got)
	}
	part.Delivery = whatsapp.Unsent
	if _, err := s.BeginSend(t.Context(), part); !isOvertaken(err) {
		t.Errorf("it is sent again: %v", err)
	}
}

func TestRetriesAfterAFailureAreBounded(t *testing.T) {
	t.Parallel()
	for code, most := range map[int]int{130429: 5, 131000: 2} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			part := s.mustBegin(toSend(t, s.pool, 1)[0])
			for n := 0; ; n++ {
				wamid := fmt.Sprint("w", n)
				s.accept(part, wamid)
				if got := s.tell(part, failed(wamid, part.ID, code)); got == whatsapp.Failed {
					if n != most {
						t.Errorf("given up after %d retries, want %d", n, most)
					}
					return
				}
				left := time.Duration(count(t, s.pool, `SELECT extract(epoch FROM not_before - now() + interval '0.5 s')::int FROM part`)) * time.Second
				if want := whatsapp.Backoff(n); left < want-10*time.Second || left > want {
					t.Errorf("after failure %d it waits for %v, want %v", n+1, left, want)
				}
				part = s.resend(part)
			}
		})
	}
}

func TestFailedAfterDeliveredChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.sentOnce()
	s.tell(part, whatsapp.Status{WAMID: "w1", Delivery: whatsapp.Delivered})
	for _, code := range []int{131056, 131026} {
		if got := s.tell(part, failed("w1", part.ID, code)); got != whatsapp.Delivered {
			t.Errorf("code %d: got %q", code, got)
		}
	}
	if n := count(t, s.pool, `SELECT count(*) FROM part WHERE error IS NOT NULL OR refusals > 0`); n != 0 {
		t.Error("the row tells of a failure")
	}
}

func TestEitherIdOfAResentPartSettlesIt(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.mustBegin(toSend(t, s.pool, 1)[0]) // as w1, but nobody tells
	part = s.mustBegin(part)                     // after silence
	s.accept(part, "w2")
	if got := s.tell(part, failed("w1", part.ID, 131026)); got != whatsapp.Accepted {
		t.Errorf("the failure of the first send made it %q", got)
	}
	if got := s.tell(part, whatsapp.Status{WAMID: "w1", Delivery: whatsapp.Delivered}); got != whatsapp.Delivered {
		t.Errorf("the arrival of the first send left it %q", got)
	}
	if got := s.tell(part, whatsapp.Status{WAMID: "w2", Delivery: whatsapp.Read}); got != whatsapp.Read {
		t.Errorf("the second send left it %q", got)
	}
}

func TestAStatusOfTheFirstSendSettlesASecondOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.mustBegin(toSend(t, s.pool, 1)[0])
	part = s.mustBegin(part)
	if got := s.tell(part, whatsapp.Status{WAMID: "w1", Callback: part.ID, Delivery: whatsapp.Sent}); got != whatsapp.Sent {
		t.Errorf("got %q", got)
	}
	s.accept(part, "w2")
	for _, status := range []whatsapp.Status{failed("w1", "", 131056), {WAMID: "w2", Delivery: whatsapp.Delivered}} {
		s.tell(part, status)
	}
	if got := s.delivery(part); got != whatsapp.Delivered {
		t.Errorf("got %q", got)
	}
}

func TestAFailureToldBeforeTheAnswerToItsSend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		wamid string // of the answer
		want  whatsapp.Delivery
	}{
		"of this send: it stays put back": {"w1", whatsapp.Unsent},
		"of a former send: it is sent":    {"w2", whatsapp.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			part := s.mustBegin(toSend(t, s.pool, 1)[0])
			if got := s.tell(part, failed("w1", part.ID, 130429)); got != whatsapp.Unsent {
				t.Errorf("got %q", got)
			}
			s.accept(part, tt.wamid)
			if got := s.delivery(part); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestARefusalToldTwiceDoesNotGiveUp(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.mustBegin(toSend(t, s.pool, 1)[0])
	s.refuse(part, whatsapp.WaitPerson, 131056)
	if got := s.tell(part, failed("w1", part.ID, 131056)); got != whatsapp.Unsent {
		t.Errorf("got %q", got)
	}
	part = s.resend(part)
	if got := s.tell(part, failed("w1", part.ID, 131056)); got != whatsapp.Sending {
		t.Errorf("while it is sent again: %q", got)
	}
}

func TestAStatusThatIsFasterThanMetasIdIsKept(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		told []whatsapp.Status
		want whatsapp.Delivery
	}{
		"delivered":             {[]whatsapp.Status{{WAMID: "w1", Delivery: whatsapp.Delivered}, {WAMID: "w1", Delivery: whatsapp.Sent}}, whatsapp.Delivered},
		"failed, and may pass":  {[]whatsapp.Status{failed("w1", "", 130429)}, whatsapp.Unsent},
		"failed, and is final":  {[]whatsapp.Status{failed("w1", "", 131026)}, whatsapp.Failed},
		"failed, then was read": {[]whatsapp.Status{failed("w1", "", 130429), {WAMID: "w1", Delivery: whatsapp.Read}}, whatsapp.Read},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			part := s.mustBegin(toSend(t, s.pool, 1)[0])
			for _, status := range tt.told {
				if got := s.tell(part, status); got != whatsapp.Sending {
					t.Fatalf("it is %q before its id is known", got)
				}
			}
			s.accept(part, "w1")
			if got := s.delivery(part); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := count(t, s.pool, `SELECT count(*) FROM early_status`); n != 0 {
				t.Error("it is kept for ever")
			}
		})
	}
}

func TestAStatusAndTheAnswerAtTheSameMomentMeet(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	inbox := repository.NewInbox(s.pool)
	parts := make([]whatsapp.Part, 40)
	for n := range parts {
		parts[n] = s.mustBegin(toSend(t, s.pool, 1)[0])
	}
	var group sync.WaitGroup
	for n, part := range parts {
		wamid := fmt.Sprint("w", n)
		group.Go(func() { s.accept(part, wamid) })
		group.Go(func() {
			told := whatsapp.Status{WAMID: wamid, Delivery: whatsapp.Delivered, Recipient: s.recipient(part)}
			if err := inbox.Store(t.Context(), whatsapp.Batch{Statuses: []whatsapp.Status{told}}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count(t, s.pool, `SELECT count(*) FROM part WHERE delivery = 'delivered'`); n != len(parts) {
		t.Errorf("%d of %d are delivered", n, len(parts))
	}
}

func TestStatusesOfOnePartInOneWebhookDoNotContradict(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.mustBegin(toSend(t, s.pool, 1)[0])
	part = s.mustBegin(part)
	store(t, repository.NewInbox(s.pool), whatsapp.Batch{Statuses: []whatsapp.Status{
		failed("w1", part.ID, 131026), {WAMID: "w2", Callback: part.ID, Delivery: whatsapp.Sent}}})
	if got := s.delivery(part); got != whatsapp.Sent {
		t.Errorf("got %q", got)
	}
}

func TestAnEarlyFailureOfASecondSendPutsThePartBack(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	part := s.mustBegin(toSend(t, s.pool, 1)[0]) // its outcome is unknown
	part = s.mustBegin(part)                     // so it is sent again
	s.tell(part, failed("w1", part.ID, 131000))
	s.tell(part, failed("w2", "", 131000)) // which nobody knows yet
	if s.accept(part, "w2"); s.delivery(part) != whatsapp.Unsent {
		t.Errorf("both sends failed, and it is %q", s.delivery(part))
	}
}

func TestOurIdInOneStatusCountsForTheOthersOfItsMessage(t *testing.T) {
	t.Parallel()
	ours := func(part whatsapp.Part) whatsapp.Status {
		return whatsapp.Status{WAMID: "w1", Callback: part.ID, Delivery: whatsapp.Sent}
	}
	theirs := whatsapp.Status{WAMID: "w1", Delivery: whatsapp.Delivered}
	for name, order := range map[string]func(whatsapp.Part) []whatsapp.Status{
		"first": func(p whatsapp.Part) []whatsapp.Status { return []whatsapp.Status{ours(p), theirs} },
		"last":  func(p whatsapp.Part) []whatsapp.Status { return []whatsapp.Status{theirs, ours(p)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			part := s.mustBegin(toSend(t, s.pool, 1)[0])
			store(t, repository.NewInbox(s.pool), whatsapp.Batch{Statuses: order(part)})
			if got := s.delivery(part); got != whatsapp.Delivered {
				t.Errorf("it is %q", got)
			}
		})
	}
}

// It is looked for among what its recipient was sent.
func TestAStatusWithoutOurIdFindsItsPart(t *testing.T) {
	t.Parallel()
	const phone = "254712345678"
	for name, tt := range map[string]struct {
		recipient whatsapp.Identity
		later     int // answers after it
		want      whatsapp.Delivery
	}{
		"by the user id":                 {named("KE.1", ""), 0, whatsapp.Delivered},
		"by the number":                  {named("", phone), 0, whatsapp.Delivered},
		"by either":                      {named("KE.1", phone), 0, whatsapp.Delivered},
		"by a number of old":             {named("KE.1", "254700000009"), 0, whatsapp.Delivered},
		"by a user id that we learn":     {named("KE.9", phone), 0, whatsapp.Delivered},
		"beside somebody of either name": {named("KE.8", phone), 0, whatsapp.Delivered},
		"behind later answers":           {named("KE.1", phone), 99, whatsapp.Delivered},
		"not behind any number of them":  {named("KE.1", phone), 100, whatsapp.Accepted},
		"not as somebody else's":         {named("KE.9", "254700000009"), 0, whatsapp.Accepted},
		"not as nobody's":                {whatsapp.Identity{}, 0, whatsapp.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			part := s.sentOnce()
			s.exec(`UPDATE person SET user_id = 'KE.1', phone = $1`, phone)
			s.exec(`INSERT INTO person (user_id) VALUES ('KE.8')`)
			s.exec(`INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens)
				SELECT person_id, 'N', '', '', 0, 0 FROM answer, generate_series(1, $1)`, tt.later)
			store(t, repository.NewInbox(s.pool), whatsapp.Batch{Statuses: []whatsapp.Status{
				{WAMID: "w1", Delivery: whatsapp.Delivered, Recipient: tt.recipient}}})
			if got := s.delivery(part); got != tt.want {
				t.Errorf("it is %q, want %q", got, tt.want)
			}
		})
	}
}

// Two webhooks tell of one part at the same moment, and the one that comes second
// tells of what the first has made a former send.
func TestWhatWaitsBehindAFailureKnowsOfIt(t *testing.T) {
	t.Parallel()
	for name, withOurID := range map[string]bool{"with our id": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			part := s.sentOnce()
			sent := whatsapp.Status{WAMID: "w1", Delivery: whatsapp.Sent, Recipient: s.recipient(part)}
			if withOurID {
				sent.Callback = part.ID
			}
			// Whoever tells of the failure is held up by its gate, with the part locked.
			gate, err := s.pool.Begin(t.Context())
			if err == nil {
				_, err = gate.Exec(t.Context(), `INSERT INTO sending_gate VALUES ('N', true, 1, 'x', 1, now(), now())`)
			}
			if err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			tell := func(waiting int, status whatsapp.Status) {
				group.Go(func() {
					if err := repository.NewInbox(s.pool).Store(t.Context(), whatsapp.Batch{Statuses: []whatsapp.Status{status}}); err != nil {
						t.Error(err)
					}
				})
				await(t, "it waits", func() bool {
					return count(t, s.pool, `
						SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == waiting
				})
			}
			tell(1, failed("w1", part.ID, 130429))
			tell(2, sent)
			if err := gate.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			group.Wait()
			if got := s.delivery(part); got != whatsapp.Unsent {
				t.Errorf("the part that failed is %q and not sent again", got)
			}
		})
	}
}
