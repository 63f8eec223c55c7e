package waitlistdb

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

func asAdmin(ctx context.Context) context.Context {
	return operator.WithAction(ctx, operator.Action{Caller: operator.Caller{Name: "admin"}, RequestID: "R1"})
}

func text(value string) *sensitive.Text { return pointer(sensitive.NewText(value)) }

func TestManagedEntries_Update(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Wanjiku", "Otieno")
	version := func() string { t.Helper(); return readVersion(t, m, 2) }
	first := version()

	for _, step := range []struct {
		name    string
		update  waitlist.EntryUpdate
		changed string // JSON of the audit; empty: no row
		want    [3]string
	}{
		{"username", waitlist.EntryUpdate{Username: text("Achieng")}, `["username"]`, [3]string{"Achieng", "", ""}},
		{"everything", waitlist.EntryUpdate{Username: text("Amani"), Source: pointer("church"), Note: text("calls")},
			`["username", "source", "note"]`, [3]string{"Amani", "church", "calls"}},
		{"the_same", waitlist.EntryUpdate{Username: text("Amani"), Source: pointer("church"), Note: text("calls")}, ``, [3]string{"Amani", "church", "calls"}},
		{"nothing", waitlist.EntryUpdate{}, ``, [3]string{"Amani", "church", "calls"}},
		{"one_of_two", waitlist.EntryUpdate{Source: pointer("church"), Note: text("called")}, `["note"]`, [3]string{"Amani", "church", "called"}},
		{"clear", waitlist.EntryUpdate{Source: pointer(""), Note: text("")}, `["source", "note"]`, [3]string{"Amani", "", ""}},
		{"clear_again", waitlist.EntryUpdate{Source: pointer(""), Note: text("")}, ``, [3]string{"Amani", "", ""}},
	} {
		before, events := version(), testdb.QueryInt(t, pool, `SELECT count(*) FROM audit`)
		step.update.Versions = []string{"0", before}
		entry, err := m.Update(asAdmin(t.Context()), 2, step.update)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := [3]string{entry.Username.Reveal()}
		if entry.Source != nil {
			got[1] = *entry.Source
		}
		if entry.Note != nil {
			got[2] = entry.Note.Reveal()
		}
		if got != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
		stored := testdb.QueryInt(t, pool, `
			SELECT count(*) FROM waitlist_entry
			WHERE id = 2 AND username = $1 AND source IS NOT DISTINCT FROM nullif($2, '') AND note IS NOT DISTINCT FROM nullif($3, '')`,
			got[0], got[1], got[2])
		if stored != 1 {
			t.Errorf("%s: the table does not have the returned values %q", step.name, got)
		}
		if now := version(); entry.Version != now || (now == before) != (step.changed == "") {
			t.Errorf("%s: got the version %s, before %s and stored %s", step.name, entry.Version, before, now)
		}
		wantEvents := 0
		if step.changed != "" {
			wantEvents = 1
		}
		if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM audit`) - events; n != wantEvents {
			t.Errorf("%s: got %d rows in the audit, want %d", step.name, n, wantEvents)
		}
		if n := testdb.QueryInt(t, pool, `
			SELECT count(*) FROM (SELECT * FROM audit ORDER BY id DESC LIMIT 1) AS newest
			WHERE actor = 'admin' AND request_id = 'R1' AND action = 'entry.updated' AND subject = 'entry' AND subject_id = 2
			  AND ($1 = '' OR details = jsonb_build_object('changed', nullif($1, '')::jsonb))`, step.changed); n != 1 {
			t.Errorf("%s: the newest row of the audit does not have the change %s", step.name, step.changed)
		}
	}
	if _, err := m.Update(asAdmin(t.Context()), 2, waitlist.EntryUpdate{Versions: []string{first}}); !fault.Is(err, fault.Conflict) {
		t.Errorf("with an old version: got error %v, want fault.Conflict", err)
	}
	if _, err := m.Update(asAdmin(t.Context()), 2, waitlist.EntryUpdate{Versions: []string{}}); !fault.Is(err, fault.Conflict) {
		t.Errorf("with no version: got error %v, want fault.Conflict", err)
	}
	if _, err := m.Update(asAdmin(t.Context()), 3, waitlist.EntryUpdate{Username: text("x")}); !fault.Is(err, fault.NotFound) {
		t.Errorf("of an absent entry: got error %v, want fault.NotFound", err)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE id = 1 AND username = 'Wanjiku'`); n != 1 {
		t.Errorf("the other entry was changed")
	}
}

func readVersion(t *testing.T, m *ManagedEntries, id int64) string {
	t.Helper()
	details, err := m.Get(t.Context(), id, nil)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return details.Version
}

// Of operators who all edit what they have read, one succeeds.
func TestManagedEntries_Update_concurrent(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Wanjiku")
	version := readVersion(t, m, 1)

	var group sync.WaitGroup
	var mu sync.Mutex
	successes := 0
	for i := range 10 {
		group.Go(func() {
			_, err := m.Update(asAdmin(t.Context()), 1, waitlist.EntryUpdate{Note: text("note " + strconv.Itoa(i)), Versions: []string{version}})
			if err != nil && !fault.Is(err, fault.Conflict) {
				t.Errorf("Update: got error %v, want fault.Conflict or none", err)
			}
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				successes++
			}
		})
	}
	group.Wait()
	if successes != 1 {
		t.Errorf("%d updates succeeded, want 1", successes)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM audit`); n != 1 {
		t.Errorf("got %d rows in the audit, want 1", n)
	}
}

func TestManagedEntries_Get(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Wanjiku", "Otieno", "Achieng")
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_event (entry_id, at, from_status, to_status, actor, reason)
		VALUES (1, '2026-01-01Z', 'waiting', 'invited', 'admin', NULL), (1, '2026-01-02Z', 'invited', 'waiting', 'admin', 'no answer'),
		       (2, '2026-01-01Z', 'waiting', 'removed', 'admin', NULL)`)
	testdb.Exec(t, pool, `
		INSERT INTO referral (referee_id, referrer_id, state, created_at)
		VALUES (3, 1, 'held', '2026-01-02Z'), (2, 1, 'credited', '2026-01-01Z')`)
	testdb.Exec(t, pool, `
		INSERT INTO consent (entry_id, purpose, given, text_version, channel, at)
		VALUES (1, 'list', true, 'v1', 'web', '2026-01-01Z'), (1, 'invitations', false, NULL, 'whatsapp', '2026-01-02Z')`)

	details, err := m.Get(t.Context(), 1, waitlist.Expansions())
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	day := func(n int) string { return "2026-01-0" + strconv.Itoa(n) }
	for i, want := range []struct{ at, from, to, reason string }{{day(1), "waiting", "invited", ""}, {day(2), "invited", "waiting", "no answer"}} {
		if len(details.Events) != 2 {
			t.Fatalf("got %d events, want 2", len(details.Events))
		}
		got := details.Events[i]
		reason := ""
		if got.Reason != nil {
			reason = got.Reason.Reveal()
		}
		if got.At.Format("2006-01-02") != want.at || string(got.From) != want.from || string(got.To) != want.to || got.Actor != "admin" || reason != want.reason {
			t.Errorf("event %d: got %+v with the reason %q, want %+v", i, got, reason, want)
		}
	}
	var referees []string
	for _, r := range details.Referees {
		referees = append(referees, strconv.FormatInt(r.ID, 10)+" "+r.State+" "+r.CreatedAt.Format("2006-01-02"))
	}
	if diff := cmp.Diff([]string{"2 credited 2026-01-01", "3 held 2026-01-02"}, referees); diff != "" {
		t.Errorf("referees (-want +got):\n%s", diff)
	}
	var consents []string
	for _, c := range details.Consents {
		version := "-"
		if c.Version != nil {
			version = *c.Version
		}
		consents = append(consents, c.Purpose+" "+strconv.FormatBool(c.Given)+" "+version+" "+c.Channel+" "+c.At.Format("2006-01-02"))
	}
	if diff := cmp.Diff([]string{"list true v1 web 2026-01-01", "invitations false - whatsapp 2026-01-02"}, consents); diff != "" {
		t.Errorf("consents (-want +got):\n%s", diff)
	}
	if _, err := m.Get(t.Context(), 4, waitlist.Expansions()); !fault.Is(err, fault.NotFound) {
		t.Errorf("Get of an absent entry: got error %v, want fault.NotFound", err)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM audit`); n != 0 {
		t.Errorf("got %d rows in the audit, want none", n)
	}
	without, err := m.Get(t.Context(), 1, nil)
	if err != nil || without.Events != nil || without.Referees != nil || without.Consents != nil || without.Conversation != nil {
		t.Errorf("Get without expansions: got %+v, error %v; want nothing but the entry", without, err)
	}
}

func TestManagedEntries_Get_conversation(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Wanjiku", "Otieno")
	testdb.Exec(t, pool, `INSERT INTO person (wa_id) VALUES ('254700000002'), ('254700000001')`)
	testdb.Exec(t, pool, `
		INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
		VALUES (2, '1', 'Hello!', '', 0, 0, '2026-01-01 10:00:05Z'), (2, '1', '', '', 0, 0, '2026-01-01 11:00:05Z'),
		       (1, '1', 'Not yours', '', 0, 0, '2026-01-01 12:00:05Z')`)
	testdb.Exec(t, pool, `
		INSERT INTO message (wamid, person_id, phone_number_id, type, body, sent_at, answer_id, revoked)
		VALUES ('a', 2, '1', 'text', 'Habari', '2026-01-01 10:00:00Z', 1, false), ('b', 2, '1', 'image', '', '2026-01-01 11:00:00Z', 2, false),
		       ('c', 2, '1', 'text', 'oops', '2026-01-01 11:30:00Z', NULL, true), ('d', 2, '1', 'text', 'Still there?', '2026-01-01 11:40:00Z', NULL, false),
		       ('e', 1, '1', 'text', 'Not yours', '2026-01-01 12:00:00Z', 3, false)`)
	conversation := func() (got []string) {
		t.Helper()
		details, err := m.Get(t.Context(), 1, []waitlist.Expansion{waitlist.ExpandConversation})
		if err != nil {
			t.Fatalf("Get: %v", err)
		}
		for _, said := range details.Conversation {
			got = append(got, said.At.Format("15:04:05")+" "+strconv.FormatBool(said.IsAnswer)+" "+said.Text.Reveal())
		}
		return got
	}
	want := []string{"10:00:00 false Habari", "10:00:05 true Hello!", "11:00:00 false [image]", "11:30:00 false [deleted]", "11:40:00 false Still there?"}
	if diff := cmp.Diff(want, conversation()); diff != "" {
		t.Errorf("conversation (-want +got):\n%s", diff)
	}
	testdb.Exec(t, pool, `
		INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens, created_at)
		SELECT 2, '1', 'answer ' || n, '', 0, 0, '2026-01-02Z'::timestamptz + n * interval '1 minute' FROM generate_series(1, 60) AS n`)
	testdb.Exec(t, pool, `
		INSERT INTO message (wamid, person_id, phone_number_id, type, body, sent_at, answer_id)
		SELECT 'm' || id, 2, '1', 'text', 'question', created_at - interval '10 seconds', id FROM answer WHERE id > 3`)
	got := conversation()
	if len(got) != waitlist.MaxConversation {
		t.Fatalf("got %d messages and answers, want %d", len(got), waitlist.MaxConversation)
	}
	if first, last := got[0], got[len(got)-1]; first != "00:35:50 false question" || last != "01:00:00 true answer 60" {
		t.Errorf("got %q to %q, want the newest ones", first, last)
	}
}
