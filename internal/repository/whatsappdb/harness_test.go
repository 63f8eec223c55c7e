package whatsappdb_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const day = 24 * time.Hour

// queryText returns the text that the query yields.
func queryText(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) string {
	t.Helper()
	var text string
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	return text
}

func countPersons(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return testdb.QueryInt(t, pool, `SELECT count(*) FROM person`)
}

// countJobs returns the number of queued jobs that answer a person.
func countJobs(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return testdb.QueryInt(t, pool, `SELECT count(*) FROM river_job WHERE kind = 'answer_person'`)
}

// onlyPersonID returns the id of the only person in the database.
func onlyPersonID(t *testing.T, pool *pgxpool.Pool) int64 {
	t.Helper()
	return int64(testdb.QueryInt(t, pool, `SELECT id FROM person`))
}

// waitUntil waits for a condition that another goroutine brings about.
func waitUntil(t *testing.T, description string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("got a timeout, want that %s", description)
		}
	}
}

// countLockWaits returns the number of connections that wait for a lock.
func countLockWaits(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return testdb.QueryInt(t, pool, `
		SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
}

// blockInserts keeps other transactions from inserting rows into the table until
// unblock is called.
func blockInserts(t *testing.T, pool *pgxpool.Pool, table string) (unblock func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE `+table+` IN SHARE MODE`); err != nil {
		t.Fatalf("lock table %s: %v", table, err)
	}
	return func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Errorf("rollback: %v", err)
		}
	}
}

// identity returns an identity; either identifier may be empty.
func identity(bsuid, waID string) webhook.Identity {
	return webhook.Identity{BSUID: bsuid, WaID: sensitive.NewPhone(waID)}
}

// textMessage returns a text message to the number N that was sent just now.
func textMessage(wamid string, sender webhook.Identity, body string) webhook.Message {
	sender.Name = sensitive.NewText("Wanjiru")
	return webhook.Message{
		WAMID:         wamid,
		PhoneNumberID: "N",
		Type:          "text",
		Text:          sensitive.NewText(body),
		SentAt:        time.Now(),
		SentHour:      time.Now().UTC().Truncate(time.Hour),
		Sender:        sender,
	}
}

func messageBatch(messages ...webhook.Message) webhook.Batch {
	return webhook.Batch{Messages: messages}
}

func statusBatch(statuses ...webhook.Status) webhook.Batch {
	return webhook.Batch{Statuses: statuses}
}

// mustStore stores a webhook. An event without a time happened now, as in a webhook
// without a timestamp.
func mustStore(t *testing.T, inbox *whatsappdb.Inbox, batch webhook.Batch) {
	t.Helper()
	timeEvents(batch)
	if err := inbox.Store(t.Context(), batch); err != nil {
		t.Fatalf("Store: got error %v, want nil", err)
	}
}

func timeEvents(batch webhook.Batch) {
	now := time.Now()
	for i, echo := range batch.Echoes {
		if echo.SentAt.IsZero() {
			batch.Echoes[i].SentAt = now
		}
	}
	for i, preference := range batch.Preferences {
		if preference.At.IsZero() {
			batch.Preferences[i].At = now
		}
	}
	for i, change := range batch.IdentityChanges {
		if change.At.IsZero() {
			batch.IdentityChanges[i].At = now
		}
	}
}

func mustDue(t *testing.T, pool *pgxpool.Pool, personID int64) whatsapp.Due {
	t.Helper()
	due, err := whatsappdb.NewConversations(pool).Due(t.Context(), personID)
	if err != nil {
		t.Fatalf("Due: got error %v, want nil", err)
	}
	return due
}

func mustSaveAnswer(t *testing.T, pool *pgxpool.Pool, answer whatsapp.Answer) []whatsapp.AnswerPart {
	t.Helper()
	parts, err := whatsappdb.NewConversations(pool).SaveAnswer(t.Context(), answer)
	if err != nil {
		t.Fatalf("SaveAnswer: got error %v, want nil", err)
	}
	return parts
}

// answerAll stores one answer, without parts, to all messages of the only person.
func answerAll(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	personID := onlyPersonID(t, pool)
	answer := whatsapp.Answer{
		PersonID:      personID,
		PhoneNumberID: "N",
		Completion:    whatsapp.Completion{Text: sensitive.NewText("Karibu")},
	}
	for _, m := range mustDue(t, pool, personID).Messages {
		answer.MessageIDs = append(answer.MessageIDs, m.ID)
	}
	mustSaveAnswer(t, pool, answer)
}

// storeAnswered stores a message of a person and an answer of two parts to it. It
// returns the person's id and the parts.
func storeAnswered(t *testing.T, pool *pgxpool.Pool) (int64, []whatsapp.AnswerPart) {
	t.Helper()
	mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage("w1", identity("KE.1", "254712345678"), "Habari?")))
	personID := onlyPersonID(t, pool)
	due := mustDue(t, pool, personID)
	if len(due.Messages) != 1 {
		t.Fatalf("messages before the answer: got %+v, want 1", due.Messages)
	}
	if got := due.Messages[0].Text.Reveal(); got != "Habari?" {
		t.Fatalf("text of the message: got %q, want Habari?", got)
	}
	if got := due.Person.WaID.Reveal(); got != "254712345678" {
		t.Fatalf("wa_id of the person: got %q, want 254712345678", got)
	}
	answer := whatsapp.Answer{
		PersonID:      personID,
		PhoneNumberID: "N",
		MessageIDs:    []int64{due.Messages[0].ID},
		Completion:    whatsapp.Completion{Text: sensitive.NewText("Nzuri. Wewe?"), Model: "m"},
		Parts: []whatsapp.NewPart{
			{Body: sensitive.NewText("Nzuri."), QuotedWAMID: "w1"},
			{Body: sensitive.NewText("Wewe?")},
		},
	}
	mustSaveAnswer(t, pool, answer)
	due = mustDue(t, pool, personID)
	if len(due.Messages) != 0 || len(due.Parts) != 2 {
		t.Fatalf("after the answer: got %d messages and %d parts, want 0 and 2", len(due.Messages), len(due.Parts))
	}
	return personID, due.Parts
}

// nextHistory stores one more message of the only person and returns the history
// that the model is given with it.
func nextHistory(t *testing.T, pool *pgxpool.Pool) []whatsapp.Turn {
	t.Helper()
	mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage("again", identity("KE.1", ""), "again")))
	return mustDue(t, pool, onlyPersonID(t, pool)).History
}

// onlyQuestion returns the question of the only turn of the history.
func onlyQuestion(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	history := nextHistory(t, pool)
	if len(history) != 1 {
		t.Fatalf("turns of the history: got %v, want 1", history)
	}
	return history[0].Question.Reveal()
}

// newParts stores an answer of n parts to a new person, from the number N.
func newParts(t *testing.T, pool *pgxpool.Pool, n int) []whatsapp.AnswerPart {
	t.Helper()
	personID := int64(testdb.QueryInt(t, pool, `INSERT INTO person (bsuid) VALUES (gen_random_uuid()) RETURNING id`))
	answer := whatsapp.Answer{
		PersonID:      personID,
		PhoneNumberID: "N",
		Completion:    whatsapp.Completion{Text: sensitive.NewText("x")},
	}
	for range n {
		answer.Parts = append(answer.Parts, whatsapp.NewPart{Body: sensitive.NewText("x")})
	}
	mustSaveAnswer(t, pool, answer)
	parts := mustDue(t, pool, personID).Parts
	if len(parts) != n {
		t.Fatalf("parts to send: got %d, want %d", len(parts), n)
	}
	return parts
}

// outboxTest calls an Outbox as the service does.
type outboxTest struct {
	*whatsappdb.Outbox
	t    *testing.T
	pool *pgxpool.Pool
}

func newOutboxTest(t *testing.T) outboxTest {
	t.Helper()
	pool := testdb.Open(t)
	return outboxTest{Outbox: whatsappdb.NewOutbox(pool), t: t, pool: pool}
}

func (o outboxTest) exec(sql string, args ...any) {
	o.t.Helper()
	testdb.Exec(o.t, o.pool, sql, args...)
}

// newPart returns an unsent part of a new person.
func (o outboxTest) newPart() whatsapp.AnswerPart {
	o.t.Helper()
	return newParts(o.t, o.pool, 1)[0]
}

// begin begins a send. It returns the part as it is then, and how long the send
// is delayed; zero where it began.
func (o outboxTest) begin(part whatsapp.AnswerPart) (whatsapp.AnswerPart, time.Duration) {
	o.t.Helper()
	wait, err := o.BeginSend(o.t.Context(), o.recipient(part), part)
	if err != nil {
		o.t.Errorf("BeginSend: got error %v, want nil", err)
	}
	if wait == 0 {
		part.Delivery, part.Attempts = whatsapp.Sending, part.Attempts+1
	}
	return part, wait
}

func (o outboxTest) mustBegin(part whatsapp.AnswerPart) whatsapp.AnswerPart {
	o.t.Helper()
	part, wait := o.begin(part)
	if wait != 0 {
		o.t.Fatalf("BeginSend: got a delay of %v, want none", wait)
	}
	return part
}

// sendingPart returns a part of a new person whose send began.
func (o outboxTest) sendingPart() whatsapp.AnswerPart {
	o.t.Helper()
	return o.mustBegin(o.newPart())
}

// acceptedPart returns a part of a new person that was accepted with the wamid w1.
func (o outboxTest) acceptedPart() whatsapp.AnswerPart {
	o.t.Helper()
	part := o.sendingPart()
	o.accept(part, "w1")
	return part
}

// sendAgain ends the back-off of an unsent part and begins its send again.
func (o outboxTest) sendAgain(part whatsapp.AnswerPart) whatsapp.AnswerPart {
	o.t.Helper()
	part.Delivery = whatsapp.Unsent
	if _, wait := o.begin(part); wait == 0 {
		o.t.Fatal("delay of the next send: got 0, want a back-off")
	}
	o.exec(`UPDATE answer_part SET not_before = now()`)
	o.exec(`DELETE FROM send_hold`)
	return o.mustBegin(part)
}

func (o outboxTest) refuse(part whatsapp.AnswerPart, reaction whatsapp.Reaction, code int) whatsapp.RefusalOutcome {
	o.t.Helper()
	outcome, err := o.Refuse(o.t.Context(), part, whatsapp.Refusal{Reaction: reaction, Code: code, Detail: "why"})
	if err != nil {
		o.t.Errorf("Refuse: got error %v, want nil", err)
	}
	return outcome
}

func (o outboxTest) accept(part whatsapp.AnswerPart, wamid string) (holdEnded bool) {
	o.t.Helper()
	holdEnded, err := o.Accept(o.t.Context(), part.ID, wamid)
	if err != nil {
		o.t.Errorf("Accept: got error %v, want nil", err)
	}
	return holdEnded
}

// endWait ends the wait of a send hold, and the lease of its probe.
func (o outboxTest) endWait() {
	o.t.Helper()
	o.exec(`UPDATE send_hold SET retry_at = now()`)
}

// hold returns the only send hold; the zero value where there is none.
func (o outboxTest) hold() whatsapp.SendHold {
	o.t.Helper()
	holds, err := o.SendHolds(o.t.Context())
	if err != nil || len(holds) > 1 {
		o.t.Fatalf("SendHolds: got %v, %v, want at most one", holds, err)
	}
	if len(holds) == 0 {
		return whatsapp.SendHold{}
	}
	return holds[0]
}

func (o outboxTest) delivery(part whatsapp.AnswerPart) whatsapp.Delivery {
	o.t.Helper()
	return whatsapp.Delivery(queryText(o.t, o.pool, `SELECT delivery::text FROM answer_part WHERE id = $1`, part.ID))
}

// recipient returns the identity of the person that the part is for.
func (o outboxTest) recipient(part whatsapp.AnswerPart) webhook.Identity {
	o.t.Helper()
	const ofPart = ` FROM person WHERE id = (SELECT person_id FROM answer_part WHERE id = $1)`
	return identity(
		queryText(o.t, o.pool, `SELECT coalesce(bsuid, '')`+ofPart, part.ID),
		queryText(o.t, o.pool, `SELECT coalesce(wa_id, '')`+ofPart, part.ID))
}

// storeStatus stores a webhook with one status of the part and returns the
// delivery of the part after that.
func (o outboxTest) storeStatus(part whatsapp.AnswerPart, status webhook.Status) whatsapp.Delivery {
	o.t.Helper()
	status.Recipient = o.recipient(part)
	mustStore(o.t, whatsappdb.NewInbox(o.pool), statusBatch(status))
	return o.delivery(part)
}

// failedStatus returns a failed status. The callback data is the id of a part, or
// empty.
func failedStatus(wamid, callback string, code int) webhook.Status {
	return webhook.Status{WAMID: wamid, Callback: callback, State: webhook.StateFailed, ErrorCode: code}
}
