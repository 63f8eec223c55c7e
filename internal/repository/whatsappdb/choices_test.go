package whatsappdb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

const (
	stopConfirmed  = "you will get no more messages"
	startConfirmed = "welcome back"
)

// choiceBatch returns a webhook as the service hands it over: a text that is STOP
// or START, and the preference that it is.
func choiceBatch(wamid string, sender webhook.Identity, optOut bool, sentAt time.Time) webhook.Batch {
	message := textMessage(wamid, sender, "START")
	confirmation := startConfirmed
	if optOut {
		message.Text, confirmation = sensitive.NewText("STOP"), stopConfirmed
	}
	message.SentAt, message.SentHour = sentAt, sentAt.UTC().Truncate(time.Hour)
	return webhook.Batch{
		Messages: []webhook.Message{message},
		Preferences: []webhook.Preference{{
			Who:           sender,
			PhoneNumberID: "N",
			OptOut:        optOut,
			At:            sentAt,
			WAMID:         wamid,
			SentHour:      message.SentHour,
			Confirmation:  sensitive.NewText(confirmation),
		}},
	}
}

func preferenceBatch(who webhook.Identity, optOut bool, at time.Time) webhook.Batch {
	preference := webhook.Preference{Who: who, PhoneNumberID: "N", OptOut: optOut, At: at}
	if optOut {
		preference.Confirmation = sensitive.NewText(stopConfirmed)
	}
	return webhook.Batch{Preferences: []webhook.Preference{preference}}
}

// openBodies returns the texts that wait to be sent to the person.
func openBodies(t *testing.T, pool *pgxpool.Pool, personID int64) []string {
	t.Helper()
	bodies := []string{}
	for _, part := range mustDue(t, pool, personID).Parts {
		bodies = append(bodies, part.Body.Reveal())
	}
	return bodies
}

// The webhooks arrive in the order of the table. Meta delivers them in any order,
// and may deliver one again.
func TestInbox_Store_NewestChoiceCounts(t *testing.T) {
	t.Parallel()
	who := identity("KE.1", "")
	noon := time.Now().Truncate(time.Second).Add(-3 * time.Hour)
	stop := func(wamid string, at time.Duration) webhook.Batch { return choiceBatch(wamid, who, true, noon.Add(at)) }
	start := func(wamid string, at time.Duration) webhook.Batch {
		return choiceBatch(wamid, who, false, noon.Add(at))
	}
	setting := func(optOut bool, at time.Duration) webhook.Batch { return preferenceBatch(who, optOut, noon.Add(at)) }
	for name, tt := range map[string]struct {
		webhooks []webhook.Batch
		optedOut bool
		waiting  []string // to be sent
	}{
		"stop":                        {[]webhook.Batch{stop("s", 0)}, true, []string{stopConfirmed}},
		"older_start_arrives_later":   {[]webhook.Batch{stop("s", 0), start("b", -time.Hour)}, true, []string{stopConfirmed}},
		"older_stop_arrives_later":    {[]webhook.Batch{start("b", 0), stop("s", -time.Hour)}, false, []string{}},
		"newer_start":                 {[]webhook.Batch{stop("s", 0), start("b", time.Hour)}, false, []string{stopConfirmed, startConfirmed}},
		"start_in_the_same_second":    {[]webhook.Batch{stop("s", 0), start("b", 0)}, true, []string{stopConfirmed}},
		"stop_in_the_same_second":     {[]webhook.Batch{start("b", 0), stop("s", 0)}, true, []string{stopConfirmed}},
		"webhook_is_delivered_again":  {[]webhook.Batch{stop("s", 0), stop("s", 0)}, true, []string{stopConfirmed}},
		"stop_is_delivered_again":     {[]webhook.Batch{stop("s", 0), start("b", 0), start("c", time.Second), stop("s", 0)}, false, []string{stopConfirmed, startConfirmed}},
		"second_stop_is_the_newest":   {[]webhook.Batch{stop("s", 0), stop("t", 2*time.Hour), start("b", time.Hour)}, true, []string{stopConfirmed}},
		"start_between_two_stops":     {[]webhook.Batch{stop("s", 0), start("b", time.Hour), stop("t", 2*time.Hour)}, true, []string{stopConfirmed}},
		"setting":                     {[]webhook.Batch{setting(true, 0)}, true, []string{stopConfirmed}},
		"older_resume_after_setting":  {[]webhook.Batch{setting(true, 0), setting(false, -time.Hour)}, true, []string{stopConfirmed}},
		"older_resume_after_stop":     {[]webhook.Batch{stop("s", 0), setting(false, -time.Second)}, true, []string{stopConfirmed}},
		"newer_resume_after_stop":     {[]webhook.Batch{stop("s", 0), setting(false, time.Second)}, false, []string{stopConfirmed}},
		"older_start_after_setting":   {[]webhook.Batch{setting(true, 0), start("b", -time.Minute)}, true, []string{stopConfirmed}},
		"resume_then_older_setting":   {[]webhook.Batch{setting(false, 0), setting(true, -time.Minute)}, false, []string{}},
		"resume_of_the_same_second":   {[]webhook.Batch{setting(false, 0), setting(true, 0)}, true, []string{stopConfirmed}},
		"setting_is_delivered_again":  {[]webhook.Batch{setting(true, 0), setting(true, 0)}, true, []string{stopConfirmed}},
		"replay_of_an_old_resume":     {[]webhook.Batch{setting(false, 0), stop("s", time.Hour), setting(false, 0)}, true, []string{stopConfirmed}},
		"setting_after_stop_is_quiet": {[]webhook.Batch{stop("s", 0), setting(true, time.Hour)}, true, []string{stopConfirmed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			for _, batch := range tt.webhooks {
				mustStore(t, whatsappdb.NewInbox(pool), batch)
			}
			personID := onlyPersonID(t, pool)
			if got := mustDue(t, pool, personID).Person.OptedOut; got != tt.optedOut {
				t.Errorf("opted out: got %t, want %t", got, tt.optedOut)
			}
			if diff := cmp.Diff(tt.waiting, openBodies(t, pool, personID)); diff != "" {
				t.Errorf("parts to send (-want +got):\n%s", diff)
			}
		})
	}
}

// A choice covers what was sent before it. What comes after an opt-out waits for
// the worker, which answers with nothing.
func TestInbox_Store_ChoiceCoversEarlierMessages(t *testing.T) {
	t.Parallel()
	who := identity("KE.1", "")
	noon := time.Now().Truncate(time.Second).Add(-time.Hour)
	text := func(wamid string, sentAt time.Time) webhook.Message {
		message := textMessage(wamid, who, wamid)
		message.SentAt = sentAt
		return message
	}
	for name, optOut := range map[string]bool{"stop": true, "start": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			if !optOut {
				mustStore(t, inbox, preferenceBatch(who, true, noon.Add(-time.Hour)))
			}
			choice := choiceBatch("choice", who, optOut, noon)
			choice.Messages = slices.Concat([]webhook.Message{text("before", noon.Add(-time.Minute)), text("same second before", noon)},
				choice.Messages, []webhook.Message{text("same second after", noon), text("after", noon.Add(time.Minute))})
			mustStore(t, inbox, choice)
			left := []string{}
			for _, m := range mustDue(t, pool, onlyPersonID(t, pool)).Messages {
				left = append(left, m.WAMID)
			}
			if diff := cmp.Diff([]string{"same second after", "after"}, left); diff != "" {
				t.Errorf("messages without an answer (-want +got):\n%s", diff)
			}
			confirmed := queryText(t, pool, `
				SELECT string_agg(message.wamid, ', ' ORDER BY message.id)
				FROM message JOIN answer_part AS part ON part.answer_id = message.answer_id WHERE part.body IN ($1, $2)`, stopConfirmed, startConfirmed)
			if want := "before, same second before, choice"; confirmed != want {
				t.Errorf("messages that the confirmation answers: got %q, want %q", confirmed, want)
			}
		})
	}
}

// givenUpAnswer stores an answer of three parts: one accepted, one whose send has
// an unknown outcome and one unsent. It returns the person and the parts.
func givenUpAnswer(t *testing.T, o outboxTest) (int64, []whatsapp.AnswerPart) {
	t.Helper()
	parts := newParts(t, o.pool, 3)
	o.accept(o.mustBegin(parts[0]), "w1")
	parts[1] = o.mustBegin(parts[1])
	return onlyPersonID(t, o.pool), parts
}

func TestInbox_Store_OptOutGivesUpUnsentParts(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	personID, parts := givenUpAnswer(t, o)
	o.exec(`INSERT INTO send_hold VALUES ('N', true, 190, 'why', 1, now(), now() + interval '1 hour')`)
	mustStore(t, whatsappdb.NewInbox(o.pool), preferenceBatch(o.recipient(parts[0]), true, time.Now()))
	if diff := cmp.Diff([]string{stopConfirmed}, openBodies(t, o.pool, personID)); diff != "" {
		t.Errorf("parts to send (-want +got):\n%s", diff)
	}
	for i, want := range []whatsapp.Delivery{whatsapp.Accepted, whatsapp.Failed, whatsapp.Failed} {
		if got := o.delivery(parts[i]); got != want {
			t.Errorf("delivery of part %d: got %q, want %q", i, got, want)
		}
	}
	if got, want := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM answer_part WHERE error LIKE '%opted out%'`), 2; got != want {
		t.Errorf("parts that say why they were given up: got %d, want %d", got, want)
	}
	// The send with an unknown outcome ends now: Meta had taken the message.
	o.accept(parts[1], "w2")
	if got := o.storeStatus(parts[1], webhook.Status{WAMID: "w2", State: webhook.StateDelivered}); got != whatsapp.Delivered {
		t.Errorf("delivery after a status: got %q, want %q", got, whatsapp.Delivered)
	}
	// The accepted part fails for a temporary reason, and would be sent again.
	if got := o.storeStatus(parts[0], failedStatus("w1", parts[0].ID, 131000)); got != whatsapp.Unsent {
		t.Fatalf("delivery after a failed status: got %q, want %q", got, whatsapp.Unsent)
	}
	parts[0].Attempts, parts[0].Delivery = 1, whatsapp.Unsent
	if _, err := o.BeginSend(t.Context(), o.recipient(parts[0]), parts[0]); !errors.Is(err, whatsapp.ErrAlreadyDone) {
		t.Errorf("BeginSend: got error %v, want ErrAlreadyDone", err)
	}
}

func TestOutbox_BeginSend_OptedOut(t *testing.T) {
	t.Parallel()
	t.Run("part_of_an_answer_is_given_up", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.newPart() // as a worker read it that was suspended since
		o.exec(`UPDATE person SET opted_out_at = now()`)
		if _, err := o.BeginSend(t.Context(), o.recipient(part), part); !errors.Is(err, whatsapp.ErrAlreadyDone) {
			t.Errorf("BeginSend: got error %v, want ErrAlreadyDone", err)
		}
		if got := o.delivery(part); got != whatsapp.Failed {
			t.Errorf("delivery: got %q, want %q", got, whatsapp.Failed)
		}
	})
	t.Run("confirmation_is_sent", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		mustStore(t, whatsappdb.NewInbox(o.pool), preferenceBatch(identity("KE.1", ""), true, time.Now()))
		o.mustBegin(mustDue(t, o.pool, onlyPersonID(t, o.pool)).Parts[0])
	})
	t.Run("recipient_has_another_number", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.newPart()
		if _, err := o.BeginSend(t.Context(), identity("KE.1", "254700000001"), part); !errors.Is(err, whatsapp.ErrAlreadyDone) {
			t.Errorf("BeginSend: got error %v, want ErrAlreadyDone", err)
		}
		if got := o.delivery(part); got != whatsapp.Unsent {
			t.Errorf("delivery: got %q, want %q", got, whatsapp.Unsent)
		}
		o.mustBegin(part)
	})
}

// The model works while STOP is stored. Its answer is to a message before STOP, or
// to one after it.
func TestConversations_SaveAnswer_StopDuringCompletion(t *testing.T) {
	t.Parallel()
	who := identity("KE.1", "")
	noon := time.Now().Truncate(time.Second).Add(-time.Minute)
	answerTo := func(due whatsapp.Due, personID int64) whatsapp.Answer {
		return whatsapp.Answer{
			PersonID:      personID,
			PhoneNumberID: "N",
			MessageIDs:    []int64{due.Messages[0].ID},
			Completion:    whatsapp.Completion{Text: sensitive.NewText("x"), Model: "m"},
			Parts:         []whatsapp.NewPart{{Body: sensitive.NewText("x")}, {Body: sensitive.NewText("y")}},
			BeginSend:     true,
			Recipient:     due.Person.Identity,
		}
	}
	t.Run("answer_to_an_earlier_message_is_not_stored", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		inbox := whatsappdb.NewInbox(pool)
		question := textMessage("q", who, "q")
		question.SentAt = noon.Add(-time.Second)
		mustStore(t, inbox, messageBatch(question))
		personID := onlyPersonID(t, pool)
		due := mustDue(t, pool, personID)
		mustStore(t, inbox, choiceBatch("s", who, true, noon))
		if _, err := whatsappdb.NewConversations(pool).SaveAnswer(t.Context(), answerTo(due, personID)); !errors.Is(err, whatsapp.ErrAlreadyDone) {
			t.Errorf("SaveAnswer: got error %v, want ErrAlreadyDone", err)
		}
		if diff := cmp.Diff([]string{stopConfirmed}, openBodies(t, pool, personID)); diff != "" {
			t.Errorf("parts to send (-want +got):\n%s", diff)
		}
	})
	t.Run("answer_to_a_later_message_is_not_sent", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		inbox := whatsappdb.NewInbox(o.pool)
		mustStore(t, inbox, messageBatch(textMessage("q", who, "q")))
		personID := onlyPersonID(t, o.pool)
		due := mustDue(t, o.pool, personID)
		mustStore(t, inbox, choiceBatch("s", who, true, noon)) // delivered late
		parts := mustSaveAnswer(t, o.pool, answerTo(due, personID))
		if diff := cmp.Diff([]whatsapp.Delivery{whatsapp.Unsent, whatsapp.Unsent}, deliveries(parts)); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
		for _, part := range parts {
			if _, err := o.BeginSend(t.Context(), who, part); !errors.Is(err, whatsapp.ErrAlreadyDone) {
				t.Errorf("BeginSend: got error %v, want ErrAlreadyDone", err)
			}
		}
		if diff := cmp.Diff([]string{stopConfirmed}, openBodies(t, o.pool, personID)); diff != "" {
			t.Errorf("parts to send (-want +got):\n%s", diff)
		}
	})
}

// Workers save and send answers while STOP is stored. Whoever comes first, no part
// can begin after STOP is committed.
func TestInbox_Store_StopRacesWithWorkers(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	inbox, conversations := whatsappdb.NewInbox(o.pool), whatsappdb.NewConversations(o.pool)
	const persons = 15
	for k := range persons {
		who := identity("KE."+string(rune('A'+k)), "")
		mustStore(t, inbox, messageBatch(textMessage("q"+who.BSUID, who, "q")))
		personID := int64(testdb.QueryInt(t, o.pool, `SELECT id FROM person WHERE bsuid = $1`, who.BSUID))
		answer := whatsapp.Answer{
			PersonID:      personID,
			PhoneNumberID: "N",
			MessageIDs:    []int64{mustDue(t, o.pool, personID).Messages[0].ID},
			Completion:    whatsapp.Completion{Text: sensitive.NewText("x")},
			Parts:         []whatsapp.NewPart{{Body: sensitive.NewText("x")}, {Body: sensitive.NewText("y")}},
			Recipient:     who,
			BeginSend:     true,
		}
		var group sync.WaitGroup
		group.Go(func() {
			parts, err := conversations.SaveAnswer(t.Context(), answer)
			if err == nil {
				_, err = o.BeginSend(t.Context(), who, parts[1])
			}
			if err != nil && !errors.Is(err, whatsapp.ErrAlreadyDone) {
				t.Errorf("worker: got error %v, want nil or ErrAlreadyDone", err)
			}
		})
		group.Go(func() {
			if err := inbox.Store(t.Context(), choiceBatch("s"+who.BSUID, who, true, time.Now().Add(time.Second))); err != nil {
				t.Errorf("Store: got error %v, want nil", err)
			}
		})
		group.Wait()
		for _, part := range mustDue(t, o.pool, personID).Parts {
			if part.Body.Reveal() == stopConfirmed {
				continue
			}
			if _, err := o.BeginSend(t.Context(), who, part); !errors.Is(err, whatsapp.ErrAlreadyDone) {
				t.Errorf("BeginSend of %s after STOP: got error %v, want ErrAlreadyDone", part.Body.Reveal(), err)
			}
		}
		if diff := cmp.Diff([]string{stopConfirmed}, openBodies(t, o.pool, personID)); diff != "" {
			t.Errorf("parts to send (-want +got):\n%s", diff)
		}
	}
}

// stopsOf returns a webhook with a STOP of each of n persons.
func stopsOf(n int) webhook.Batch {
	var stops webhook.Batch
	for i := range n {
		who := identity(fmt.Sprint("KE.", i), fmt.Sprint(254711000000+i))
		stops.Append(choiceBatch("stop"+who.BSUID, who, true, time.Now().Truncate(time.Second)))
	}
	return stops
}

// roundTrips counts the batches that are sent to the database.
type roundTrips struct{ atomic.Int64 }

func (r *roundTrips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	r.Add(1)
	return ctx
}
func (*roundTrips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*roundTrips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}
func (*roundTrips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*roundTrips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Many persons choose at once, for example after a template. That takes as many
// round trips as for one person.
func TestInbox_Store_ManyChoices(t *testing.T) {
	t.Parallel()
	for _, persons := range []int{1, 1_000} {
		t.Run(fmt.Sprint(persons), func(t *testing.T) {
			t.Parallel()
			var count roundTrips
			config := testdb.Open(t).Config()
			config.ConnConfig.Tracer = &count
			pool, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatalf("open a pool: %v", err)
			}
			defer pool.Close()
			start := time.Now()
			mustStore(t, whatsappdb.NewInbox(pool), stopsOf(persons))
			t.Logf("%d choices took %v", persons, time.Since(start))
			// persons, new persons, messages, messages of the choices, locks, choices, commit
			if got := count.Load(); got > 7 {
				t.Errorf("round trips: got %d, want at most 7", got)
			}
			if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE opted_out_at IS NOT NULL`); got != persons {
				t.Errorf("persons who opted out: got %d, want %d", got, persons)
			}
			if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM answer_part WHERE body = $1 AND confirms_opt_out`, stopConfirmed); got != persons {
				t.Errorf("confirmations: got %d, want %d", got, persons)
			}
		})
	}
}

// Other webhooks do not wait for one with many choices.
func TestInbox_Store_DuringManyChoices(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox := whatsappdb.NewInbox(pool)
	unblock := blockInserts(t, pool, "answer") // the choices wait to store their confirmations
	stored := make(chan error)
	go func() { stored <- inbox.Store(context.WithoutCancel(t.Context()), stopsOf(100)) }()
	waitUntil(t, "the choices wait", func() bool { return countLockWaits(t, pool) > 0 })
	mustStore(t, inbox, messageBatch(textMessage("other", identity("KE.other", ""), "x")))
	select {
	case err := <-stored:
		t.Errorf("Store of the choices: got error %v before it was unblocked, want that it waits", err)
	default:
	}
	unblock()
	if err := <-stored; err != nil {
		t.Errorf("Store of the choices: got error %v, want nil", err)
	}
}

// One webhook has several choices of a person, and those of others between them.
func TestInbox_Store_ChoicesOfOneWebhook(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	noon := time.Now().Truncate(time.Second).Add(-time.Hour)
	a, b := identity("KE.A", ""), identity("KE.B", "")
	var all webhook.Batch
	for _, batch := range []webhook.Batch{
		choiceBatch("a1", a, true, noon), choiceBatch("b1", b, false, noon), choiceBatch("a2", a, false, noon.Add(time.Minute)),
		choiceBatch("b2", b, true, noon.Add(time.Minute)), preferenceBatch(a, true, noon.Add(2*time.Minute)), preferenceBatch(b, false, noon.Add(time.Second)),
	} {
		all.Append(batch)
	}
	mustStore(t, whatsappdb.NewInbox(pool), all)
	for who, want := range map[string][]string{"KE.A": {stopConfirmed}, "KE.B": {stopConfirmed}} {
		personID := int64(testdb.QueryInt(t, pool, `SELECT id FROM person WHERE bsuid = $1`, who))
		if !mustDue(t, pool, personID).Person.OptedOut {
			t.Errorf("%s opted out: got false, want true", who)
		}
		if diff := cmp.Diff(want, openBodies(t, pool, personID)); diff != "" {
			t.Errorf("parts to send to %s (-want +got):\n%s", who, diff)
		}
	}
}

func TestConversations_ApplyChoice(t *testing.T) {
	t.Parallel()
	t.Run("opts_out_by_an_unanswered_message", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		mustStore(t, whatsappdb.NewInbox(o.pool), messageBatch(textMessage("w1", identity("KE.1", ""), "STOP")))
		personID := onlyPersonID(t, o.pool)
		message := mustDue(t, o.pool, personID).Messages[0]
		choice := whatsapp.Choice{
			PersonID:      personID,
			PhoneNumberID: "N",
			OptOut:        true,
			At:            message.SentAt,
			MessageID:     message.ID,
			Confirmation:  sensitive.NewText(stopConfirmed),
		}
		if err := whatsappdb.NewConversations(o.pool).ApplyChoice(t.Context(), choice); err != nil {
			t.Fatalf("ApplyChoice: got error %v, want nil", err)
		}
		due := mustDue(t, o.pool, personID)
		if !due.Person.OptedOut {
			t.Error("opted out: got false, want true")
		}
		if !due.Person.ChoiceAt.Equal(message.SentAt) {
			t.Errorf("time of the choice: got %v, want %v", due.Person.ChoiceAt, message.SentAt)
		}
		if len(due.Messages) != 0 {
			t.Errorf("messages without an answer: got %d, want 0", len(due.Messages))
		}
		if diff := cmp.Diff([]string{stopConfirmed}, openBodies(t, o.pool, personID)); diff != "" {
			t.Errorf("parts to send (-want +got):\n%s", diff)
		}
	})
	t.Run("person_was_merged", func(t *testing.T) {
		t.Parallel()
		err := whatsappdb.NewConversations(testdb.Open(t)).ApplyChoice(t.Context(), whatsapp.Choice{PersonID: 17, OptOut: true, At: time.Now()})
		if !errors.Is(err, whatsapp.ErrAlreadyDone) {
			t.Errorf("ApplyChoice: got error %v, want ErrAlreadyDone", err)
		}
	})
}

// An instance of an earlier version stores an opt-out without choice_at.
func TestConversations_Due_OptOutOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	testdb.Exec(t, pool, `INSERT INTO person (bsuid, opted_out_at) VALUES ('KE.1', now() - interval '1 hour')`)
	mustStore(t, whatsappdb.NewInbox(pool), preferenceBatch(identity("KE.1", ""), false, time.Now().Add(-2*time.Hour)))
	if due := mustDue(t, pool, onlyPersonID(t, pool)); !due.Person.OptedOut || due.Person.ChoiceAt.IsZero() {
		t.Errorf("after an older resume: got %+v, want the person opted out", due.Person)
	}
	mustStore(t, whatsappdb.NewInbox(pool), preferenceBatch(identity("KE.1", ""), false, time.Now()))
	if due := mustDue(t, pool, onlyPersonID(t, pool)); due.Person.OptedOut {
		t.Error("opted out after a newer resume: got true, want false")
	}
}
