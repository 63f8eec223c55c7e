package whatsappdb_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func TestConversations_SaveAnswer(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	_, parts := storeAnswered(t, pool)
	part := parts[0]
	if got := part.Body.Reveal(); got != "Nzuri." {
		t.Errorf("body of the first part: got %q, want Nzuri.", got)
	}
	if part.QuotedWAMID != "w1" {
		t.Errorf("quoted wamid of the first part: got %q, want w1", part.QuotedWAMID)
	}
	if part.PhoneNumberID != "N" {
		t.Errorf("phone number id of the first part: got %q, want N", part.PhoneNumberID)
	}
	if part.Delivery != whatsapp.Unsent {
		t.Errorf("delivery of the first part: got %q, want %q", part.Delivery, whatsapp.Unsent)
	}
	history := nextHistory(t, pool)
	if len(history) != 1 {
		t.Fatalf("turns of the history: got %v, want 1", history)
	}
	if got := history[0].Question.Reveal(); got != "Habari?" {
		t.Errorf("question: got %q, want Habari?", got)
	}
	if got := history[0].Answer.Reveal(); got != "Nzuri. Wewe?" {
		t.Errorf("answer: got %q, want Nzuri. Wewe?", got)
	}
}

func TestConversations_SaveAnswer_ErrAlreadyDone(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	personID, _ := storeAnswered(t, pool)
	_, err := whatsappdb.NewConversations(pool).SaveAnswer(t.Context(), whatsapp.Answer{
		PersonID:      personID,
		PhoneNumberID: "N",
		MessageIDs:    []int64{int64(testdb.QueryInt(t, pool, `SELECT min(id) FROM message`))},
		Parts:         []whatsapp.NewPart{{Body: sensitive.NewText("x")}},
		BeginSend:     true,
		Effect:        whatsapp.Hint,
	})
	if !errors.Is(err, whatsapp.ErrAlreadyDone) {
		t.Errorf("second answer to a message: got error %v, want ErrAlreadyDone", err)
	}
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM answer`); got != 1 {
		t.Errorf("answers: got %d, want 1", got)
	}
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE hinted_at IS NOT NULL`); got != 0 {
		t.Errorf("persons with the effect of the answer: got %d, want 0", got)
	}
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM person_send_quota`); got != 0 {
		t.Errorf("used send quotas: got %d, want 0", got)
	}
}

func TestConversations_SaveAnswer_BeginSend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup string
		begin bool
		want  whatsapp.Delivery
	}{
		"nothing_delays_the_send":     {`SELECT 1`, true, whatsapp.Sending},
		"caller_does_not_ask_for_it":  {`SELECT 1`, false, whatsapp.Unsent},
		"send_hold":                   {`INSERT INTO send_hold VALUES ('N', true, 190, 'why', 1, now(), now())`, true, whatsapp.Unsent},
		"send_hold_of_another_number": {`INSERT INTO send_hold VALUES ('M', true, 190, 'why', 1, now(), now())`, true, whatsapp.Sending},
		"send_quota_is_used_up":       {`INSERT INTO person_send_quota SELECT id, now() + interval '270 seconds' FROM person`, true, whatsapp.Unsent},
		"person_opted_out":            {`UPDATE person SET opted_out_at = now()`, true, whatsapp.Unsent},
		"person_has_another_number":   {`UPDATE person SET wa_id = '254700000009'`, true, whatsapp.Unsent},
		"send_quota_has_some_left":    {`INSERT INTO person_send_quota SELECT id, now() + interval '200 seconds' FROM person`, true, whatsapp.Sending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			o.exec(`INSERT INTO person (bsuid) VALUES ('KE.1')`)
			o.exec(tt.setup)
			personID := onlyPersonID(t, o.pool)
			parts := mustSaveAnswer(t, o.pool, whatsapp.Answer{
				PersonID:      personID,
				PhoneNumberID: "N",
				Parts:         []whatsapp.NewPart{{Body: sensitive.NewText("1")}, {Body: sensitive.NewText("2")}},
				BeginSend:     tt.begin,
			})
			wantDeliveries := []whatsapp.Delivery{tt.want, whatsapp.Unsent}
			if diff := cmp.Diff(wantDeliveries, deliveries(parts)); diff != "" {
				t.Fatalf("deliveries of the returned parts (-want +got):\n%s", diff)
			}
			stored := mustDue(t, o.pool, personID).Parts
			if diff := cmp.Diff(wantDeliveries, deliveries(stored)); diff != "" {
				t.Fatalf("deliveries of the stored parts (-want +got):\n%s", diff)
			}
			if stored[0].ID != parts[0].ID {
				t.Errorf("id of the stored part: got %s, want %s", stored[0].ID, parts[0].ID)
			}
			if stored[0].Attempts != parts[0].Attempts {
				t.Errorf("attempts of the stored part: got %d, want %d", stored[0].Attempts, parts[0].Attempts)
			}
			if tt.want == whatsapp.Sending {
				checkSendBegan(t, o, parts[0])
			}
		})
	}
}

func deliveries(parts []whatsapp.AnswerPart) (all []whatsapp.Delivery) {
	for _, part := range parts {
		all = append(all, part.Delivery)
	}
	return all
}

// checkSendBegan checks that the send counts for the person's send quota and that
// it can be accepted.
func checkSendBegan(t *testing.T, o outboxTest, part whatsapp.AnswerPart) {
	t.Helper()
	if got := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM person_send_quota WHERE replenished_at > now() + interval '5 seconds'`); got != 1 {
		t.Errorf("used send quotas: got %d, want 1", got)
	}
	o.accept(part, "w1")
	if got := o.delivery(part); got != whatsapp.Accepted {
		t.Errorf("delivery after Accept: got %q, want %q", got, whatsapp.Accepted)
	}
}

func TestConversations_SaveAnswer_Effect(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	personID, _ := storeAnswered(t, pool)
	steps := []struct {
		effect whatsapp.Effect
		want   func(whatsapp.Person) bool
	}{
		{whatsapp.OfferJoin, func(p whatsapp.Person) bool { return p.JoinOfferedRecently && !p.Listed }},
		{whatsapp.Hint, func(p whatsapp.Person) bool { return p.HintedRecently && !p.Paused }},
		{whatsapp.Mute, func(p whatsapp.Person) bool { return p.Paused }},
	}
	for _, step := range steps {
		mustSaveAnswer(t, pool, whatsapp.Answer{PersonID: personID, PhoneNumberID: "N", Effect: step.effect})
		if due := mustDue(t, pool, personID); !step.want(due.Person) {
			t.Errorf("after effect %q: got %+v, want the person changed", step.effect, due.Person)
		}
	}
	if got, want := mustDue(t, pool, personID).Person.RecentAnswers, 1+len(steps); got != want {
		t.Errorf("recent answers: got %d, want %d", got, want)
	}
	if history := nextHistory(t, pool); len(history) != 1 {
		t.Errorf("turns of the history: got %d, want 1, because answers without text are none", len(history))
	}
}

// effectColumns says which columns of a person have a value.
type effectColumns struct{ OptedOut, Hinted, JoinOffered, Paused bool }

func readEffectColumns(t *testing.T, pool *pgxpool.Pool, personID int64) (c effectColumns) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `
		SELECT opted_out_at IS NOT NULL, hinted_at IS NOT NULL, join_offered_at IS NOT NULL, paused_until IS NOT NULL
		FROM person WHERE id = $1`, personID).Scan(&c.OptedOut, &c.Hinted, &c.JoinOffered, &c.Paused)
	if err != nil {
		t.Fatalf("read the person: %v", err)
	}
	return c
}

// The values of whatsapp.Effect are literals in the SQL of SaveAnswer. A value
// that the SQL does not know would be stored without any effect.
func TestConversations_SaveAnswer_EveryEffect(t *testing.T) {
	t.Parallel()
	optedOut := effectColumns{OptedOut: true} // the person before each answer
	want := map[whatsapp.Effect]effectColumns{
		whatsapp.NoEffect:  {OptedOut: true},
		whatsapp.Hint:      {OptedOut: true, Hinted: true},
		whatsapp.Mute:      {OptedOut: true, Paused: true},
		whatsapp.OfferJoin: {OptedOut: true, JoinOffered: true},
	}
	effects := declaredConstants(t, "Effect")
	if len(effects) != len(want) {
		t.Errorf("effects of package whatsapp: got %q, want the %d of this test", effects, len(want))
	}
	pool := testdb.Open(t)
	for _, effect := range effects {
		personID := int64(testdb.QueryInt(t, pool, `INSERT INTO person (bsuid, opted_out_at) VALUES (gen_random_uuid(), now()) RETURNING id`))
		if diff := cmp.Diff(optedOut, readEffectColumns(t, pool, personID)); diff != "" {
			t.Fatalf("person before effect %q (-want +got):\n%s", effect, diff)
		}
		mustSaveAnswer(t, pool, whatsapp.Answer{PersonID: personID, PhoneNumberID: "N", Effect: whatsapp.Effect(effect)})
		if diff := cmp.Diff(want[whatsapp.Effect(effect)], readEffectColumns(t, pool, personID)); diff != "" {
			t.Errorf("person after effect %q (-want +got):\n%s", effect, diff)
		}
	}
}

// The SQL compares deliveries by the order of the enum, so it must be that of the
// constants.
func TestDelivery_EnumOrder(t *testing.T) {
	t.Parallel()
	constants := declaredConstants(t, "Delivery")
	order := []string{"unsent", "sending", "accepted", "sent", "failed", "delivered", "read"}
	if diff := cmp.Diff(order, constants); diff != "" {
		t.Errorf("constants of package whatsapp (-want +got):\n%s", diff)
	}
	var enum []string
	if err := testdb.Open(t).QueryRow(t.Context(), `SELECT enum_range(NULL::delivery)::text[]`).Scan(&enum); err != nil {
		t.Fatalf("read the enum: %v", err)
	}
	if diff := cmp.Diff(constants, enum); diff != "" {
		t.Errorf("enum delivery (-constants +enum):\n%s", diff)
	}
}

// declaredConstants returns the values of the string constants of a type, in the
// order in which package whatsapp declares them.
func declaredConstants(t *testing.T, typeName string) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../service/whatsapp/conversation.go", nil, 0)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != typeName {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Errorf("value of %s: %v", spec.Names[0], err)
		}
		values = append(values, value)
		return true
	})
	if len(values) == 0 {
		t.Fatalf("constants of type %s: got none, want some", typeName)
	}
	return values
}
