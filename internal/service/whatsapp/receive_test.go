package whatsapp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

func TestService_Receive(t *testing.T) {
	t.Parallel()
	body := webhookBody(textJSON("wamid.A"), `{"id":"wamid.O","status":"sent"},"unreadable"`)
	secrets := []sensitive.Secret{sensitive.NewSecret("s")}
	down := fault.New(fault.Unavailable, "down")
	tests := map[string]struct {
		secrets  []sensitive.Secret
		header   string
		storeErr error
		want     fault.Kind // zero: success
		stores   int
	}{
		"signed":                  {secrets, sign("s", body), nil, 0, 1},
		"signed_with_old_secret":  {append([]sensitive.Secret{sensitive.NewSecret("new")}, secrets...), sign("s", body), nil, 0, 1},
		"signed_with_other":       {secrets, sign("x", body), nil, fault.Forbidden, 0},
		"signature_of_other_body": {secrets, sign("s", []byte("{}")), nil, fault.Forbidden, 0},
		"no_app_secret":           {nil, sign("", body), nil, fault.NotConfigured, 0},
		"database_is_unreachable": {secrets, sign("s", body), down, fault.Unavailable, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inbox := &fakeInbox{refuse: func(webhook.Batch) error { return tt.storeErr }}
			service := inbox.receiver(Options{})
			service.options.AppSecrets = tt.secrets
			receipt, err := service.Receive(t.Context(), tt.header, bodyReader(body)).Get()
			if tt.want != 0 && !fault.Is(err, tt.want) {
				t.Errorf("got error %v, want kind %v", err, tt.want)
			}
			if tt.want == 0 && err != nil {
				t.Errorf("got error %v, want none", err)
			}
			if want := (Receipt{Messages: 1, Statuses: 1, Unhandled: 1}); tt.want == 0 && receipt != want {
				t.Errorf("got %+v, want %+v", receipt, want)
			}
			if got := len(inbox.calls); got != tt.stores {
				t.Errorf("called Store %d times, want %d", got, tt.stores)
			}
		})
	}
}

// A request without a possible signature must not cost the memory of its body.
func TestService_Receive_ReadsBody(t *testing.T) {
	t.Parallel()
	body := webhookBody(textJSON("wamid.A"), ``)
	secrets := []sensitive.Secret{sensitive.NewSecret("s")}
	signature := sign("s", body)
	digits := strings.TrimPrefix(signature, "sha256=")
	tests := map[string]struct {
		secrets []sensitive.Secret
		header  string
		reads   int
		want    fault.Kind // zero: success
	}{
		"signature":               {secrets, signature, 1, 0},
		"upper_case_digits":       {secrets, "sha256=" + strings.ToUpper(digits), 1, 0},
		"wrong_signature":         {secrets, "sha256=" + hex.EncodeToString(make([]byte, 32)), 1, fault.Forbidden},
		"no_header":               {secrets, "", 0, fault.Forbidden},
		"no_algorithm":            {secrets, digits, 0, fault.Forbidden},
		"other_algorithm":         {secrets, "sha1=" + digits[:40], 0, fault.Forbidden},
		"upper_case_algorithm":    {secrets, "SHA256=" + digits, 0, fault.Forbidden},
		"too_short":               {secrets, signature[:40], 0, fault.Forbidden},
		"too_long":                {secrets, signature + "00", 0, fault.Forbidden},
		"not_hexadecimal":         {secrets, "sha256=" + strings.Repeat("x", len(digits)), 0, fault.Forbidden},
		"no_app_secret":           {nil, signature, 0, fault.NotConfigured},
		"no_app_secret_no_header": {nil, "", 0, fault.NotConfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inbox := &fakeInbox{}
			service := inbox.receiver(Options{})
			service.options.AppSecrets = tt.secrets
			reads := 0
			_, err := service.Receive(t.Context(), tt.header, func() ([]byte, error) {
				reads++
				return body, nil
			}).Get()
			if reads != tt.reads {
				t.Errorf("read the body %d times, want %d", reads, tt.reads)
			}
			if tt.want != 0 && !fault.Is(err, tt.want) {
				t.Errorf("got error %v, want kind %v", err, tt.want)
			}
			if tt.want == 0 && err != nil {
				t.Errorf("got error %v, want none", err)
			}
			if got, want := len(inbox.calls) > 0, tt.want == 0; got != want {
				t.Errorf("called Store: %v, want %v", got, want)
			}
		})
	}
}

func TestService_Receive_ReadBodyFails(t *testing.T) {
	t.Parallel()
	body := webhookBody(textJSON("wamid.A"), ``)
	inbox := &fakeInbox{}
	tooLarge := fault.New(fault.TooLarge, "the body is too large")
	// The bytes that came before the error are signed, and still not stored.
	_, err := inbox.receiver(Options{}).Receive(t.Context(), sign("s", body), func() ([]byte, error) {
		return body, tooLarge
	}).Get()
	if !errors.Is(err, tooLarge) {
		t.Errorf("got error %v, want %v", err, tooLarge)
	}
	if got := len(inbox.calls); got != 0 {
		t.Errorf("called Store %d times, want 0", got)
	}
}

// preferenceChange returns a change with two preferences that were made at the given
// time.
func preferenceChange(madeAt time.Time) string {
	return fmt.Sprintf(`{"field":"user_preferences","value":{"metadata":{"phone_number_id":"N"},"user_preferences":[
		{"wa_id":"254700000001","value":"stop","timestamp":"%[1]d"},{"wa_id":"254700000002","value":"resume","timestamp":"%[1]d"}]}}`, madeAt.Unix())
}

// echoChange returns a change with two echoes that were sent at the given time.
func echoChange(sentAt time.Time) string {
	return fmt.Sprintf(`{"field":"smb_message_echoes","value":{"message_echoes":[
		{"id":"wamid.E1","to":"254700000001","timestamp":"%[1]d"},{"id":"wamid.E2","to":"254700000002","timestamp":"%[1]d"}]}}`, sentAt.Unix())
}

func TestService_Receive_Echo(t *testing.T) {
	t.Parallel()
	inbox := &fakeInbox{}
	sentAt := time.Unix(time.Now().Unix(), 0)
	if _, err := receiveSigned(t, inbox.receiver(Options{HandoverPause: 3 * time.Hour}), webhookBody(``, ``, echoChange(sentAt))); err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	want := []webhook.Echo{
		{To: webhook.Identity{WaID: sensitive.NewPhone("254700000001")}, WAMID: "wamid.E1", SentAt: sentAt, Pause: 3 * time.Hour},
		{To: webhook.Identity{WaID: sensitive.NewPhone("254700000002")}, WAMID: "wamid.E2", SentAt: sentAt, Pause: 3 * time.Hour},
	}
	if diff := cmp.Diff(want, inbox.stored.Echoes, cmpopts.IgnoreFields(webhook.Echo{}, "Raw"), cmp.AllowUnexported(sensitive.Text{}, sensitive.Phone{})); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestService_Receive_Preference(t *testing.T) {
	t.Parallel()
	inbox, madeAt := &fakeInbox{}, time.Unix(time.Now().Unix()-60, 0)
	if _, err := receiveSigned(t, inbox.receiver(Options{}), webhookBody(``, ``, preferenceChange(madeAt))); err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	want := []webhook.Preference{
		{
			Who:           webhook.Identity{WaID: sensitive.NewPhone("254700000001")},
			PhoneNumberID: "N",
			OptOut:        true,
			At:            madeAt,
			Confirmation:  sensitive.NewText(sentenceOptedOut),
		},
		{
			Who:           webhook.Identity{WaID: sensitive.NewPhone("254700000002")},
			PhoneNumberID: "N",
			At:            madeAt,
		},
	}
	if diff := cmp.Diff(want, inbox.stored.Preferences, cmpopts.IgnoreFields(webhook.Preference{}, "Raw"), cmp.AllowUnexported(sensitive.Text{}, sensitive.Phone{})); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// Meta would repeat a webhook with an unstorable item for days. After any other
// error it has to repeat it.
func TestService_Receive_StoreFails(t *testing.T) {
	t.Parallel()
	changed := errors.New("column message.sent_on does not exist")
	down := fault.New(fault.Unavailable, "down")
	// unstorableOr refuses what has the bad message, and everything else with err.
	unstorableOr := func(err error) func(webhook.Batch) error {
		return func(batch webhook.Batch) error {
			if slices.ContainsFunc(batch.Messages, func(m webhook.Message) bool { return m.WAMID == "bad" }) {
				return unstorable()
			}
			return err
		}
	}
	tests := map[string]struct {
		refuse func(webhook.Batch) error
		want   error
		whole  bool // the whole body is stored as an unhandled item
	}{
		"one_item_is_unstorable":                  {unstorableOr(nil), nil, true},
		"schema_has_changed":                      {func(webhook.Batch) error { return changed }, changed, false},
		"unstorable_item_and_database_goes_away":  {unstorableOr(down), down, false},
		"unstorable_item_and_schema_has_changed":  {unstorableOr(changed), changed, false},
		"database_is_unreachable_from_the_outset": {func(webhook.Batch) error { return down }, down, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := webhookBody(textJSON("bad")+","+textJSON("good"), ``)
			inbox := &fakeInbox{refuse: tt.refuse}
			service := inbox.receiver(Options{})
			service.lastGap.Store(0)
			_, err := receiveSigned(t, service, body)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			last := inbox.calls[len(inbox.calls)-1].Unhandled
			if got := len(last) == 1 && bytes.Equal(last[0].Raw, body); got != tt.whole {
				t.Errorf("whole body stored: %v, want %v; the last call stored %+v", got, tt.whole, last)
			}
			if got, want := service.lastGap.Load() != 0, tt.want != nil; got != want {
				t.Errorf("gap recorded: %v, want %v", got, want)
			}
		})
	}
}

// removeItem is the part of webhook.Batch that a test makes unstorable: it
// removes the item and reports whether the batch had it.
type removeItem func(batch *webhook.Batch) bool

// remove returns a removeItem for one field of a batch.
func remove[T any](field func(*webhook.Batch) *[]T, isBad func(T) bool) removeItem {
	return func(batch *webhook.Batch) bool {
		items := field(batch)
		before := len(*items)
		*items = slices.DeleteFunc(slices.Clone(*items), isBad)
		return len(*items) < before
	}
}

func TestService_Receive_StoresAllOtherItems(t *testing.T) {
	t.Parallel()
	const second = "254700000002"
	tests := map[string]removeItem{
		"message": remove(func(b *webhook.Batch) *[]webhook.Message { return &b.Messages },
			func(m webhook.Message) bool { return m.WAMID == "wamid.M2" }),
		"status": remove(func(b *webhook.Batch) *[]webhook.Status { return &b.Statuses },
			func(s webhook.Status) bool { return s.WAMID == "wamid.S2" }),
		"edit": remove(func(b *webhook.Batch) *[]webhook.Edit { return &b.Edits },
			func(e webhook.Edit) bool { return e.WAMID == "wamid.O2" }),
		"revoke": remove(func(b *webhook.Batch) *[]webhook.Revoke { return &b.Revokes },
			func(r webhook.Revoke) bool { return r.WAMID == "wamid.O4" }),
		"identity_change": remove(func(b *webhook.Batch) *[]webhook.IdentityChange { return &b.IdentityChanges },
			func(c webhook.IdentityChange) bool { return c.From.WaID.Reveal() == second }),
		"echo": remove(func(b *webhook.Batch) *[]webhook.Echo { return &b.Echoes },
			func(e webhook.Echo) bool { return e.To.WaID.Reveal() == second }),
		"preference": remove(func(b *webhook.Batch) *[]webhook.Preference { return &b.Preferences },
			func(p webhook.Preference) bool { return p.Who.WaID.Reveal() == second }),
		"unhandled": remove(func(b *webhook.Batch) *[]webhook.UnhandledItem { return &b.Unhandled },
			func(u webhook.UnhandledItem) bool { return string(u.Raw) == `"unreadable 2"` }),
	}
	for name, removeBad := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := twoOfEachKind(t)
			inbox := &fakeInbox{refuse: func(batch webhook.Batch) error {
				if removeBad(&batch) {
					return unstorable()
				}
				return nil
			}}
			service := inbox.receiver(Options{HandoverPause: time.Hour})
			if _, err := receiveSigned(t, service, body); err != nil {
				t.Errorf("got error %v, want none", err)
			}
			want := webhook.Decode(body, time.Now())
			service.applyPolicy(&want)
			all := want.Len() - len(want.Unhandled) // the body contains these
			if !removeBad(&want) {
				t.Fatal("the webhook does not have the item that cannot be stored")
			}
			whole := inbox.calls[len(inbox.calls)-1].Unhandled
			if len(whole) != 1 || !bytes.Equal(whole[0].Raw, body) {
				t.Errorf("the last call stored %+v, want the whole body", whole)
			}
			want.Unhandled = whole
			if !reflect.DeepEqual(inbox.stored, want) {
				t.Errorf("stored %+v\nwant %+v", inbox.stored, want)
			}
			if got, want := len(inbox.calls), 1+all+1; got != want { // all at once, one by one, the body
				t.Errorf("called Store %d times, want %d", got, want)
			}
		})
	}
}

// twoOfEachKind returns a webhook with two items of each kind.
func twoOfEachKind(t *testing.T) []byte {
	t.Helper()
	sentAt := time.Now()
	now := sentAt.Unix()
	message := func(n int, rest string) string {
		return fmt.Sprintf(`{"from":"25470000000%d","id":"wamid.M%d","timestamp":"%d",%s}`, n, n, now, rest)
	}
	var messages, statuses []string
	for n := 1; n <= 2; n++ {
		messages = append(messages,
			message(n, `"type":"text","text":{"body":"x"}`),
			message(n, fmt.Sprintf(`"type":"edit","edit":{"original_message_id":"wamid.O%d","message":{"type":"text","text":{"body":"y"}}}`, n)),
			message(n, fmt.Sprintf(`"type":"revoke","revoke":{"original_message_id":"wamid.O%d"}`, n+2)),
			message(n, fmt.Sprintf(`"type":"system","system":{"type":"user_changed_number","wa_id":"25471000000%d"}`, n)),
			fmt.Sprintf(`"unreadable %d"`, n))
		statuses = append(statuses, fmt.Sprintf(`{"id":"wamid.S%d","status":"sent","timestamp":"%d"}`, n, now))
	}
	body := webhookBody(strings.Join(messages, ","), strings.Join(statuses, ","), echoChange(sentAt), preferenceChange(sentAt))
	batch := webhook.Decode(body, time.Now())
	value := reflect.ValueOf(batch)
	for i := range value.NumField() {
		if got := value.Field(i).Len(); got != 2 {
			t.Fatalf("the webhook has %d items in %s, want 2", got, value.Type().Field(i).Name)
		}
	}
	return body
}

func TestService_Receive_FailedStatuses(t *testing.T) {
	t.Parallel()
	failed := func(code int) string {
		return fmt.Sprintf(`{"id":"wamid.F","status":"failed","errors":[{"code":%d}]}`, code)
	}
	const read = `{"id":"wamid.R","status":"read"}`
	tests := map[string]struct {
		statuses []string
		observed []string
		errors   int // logged
	}{
		"no_operator_can_repair_the_cause": {[]string{failed(0), failed(131026), read}, []string{"failed 0", "failed 131026"}, 0},
		"an_operator_can_repair_the_cause": {[]string{failed(131042), failed(131042)}, []string{"failed 131042", "failed 131042"}, 1},
		"a_failure_without_code_follows":   {[]string{failed(131042), failed(0)}, []string{"failed 131042", "failed 0"}, 1},
		"nothing_failed":                   {[]string{read}, nil, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			var observed []string
			service := (&fakeInbox{}).receiver(Options{
				Log: slog.New(slog.NewTextHandler(&log, nil)),
				Observe: func(outcome Outcome, code int) {
					observed = append(observed, fmt.Sprint(outcome, " ", code))
				},
			})
			if _, err := receiveSigned(t, service, webhookBody(``, strings.Join(tt.statuses, ","))); err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			if !slices.Equal(observed, tt.observed) {
				t.Errorf("observed %v, want %v", observed, tt.observed)
			}
			if got := countErrors(&log); got != tt.errors {
				t.Errorf("logged %d errors, want %d:\n%s", got, tt.errors, log.String())
			}
			if tt.errors == 0 && log.Len() > 0 {
				t.Errorf("logged %s, want nothing", log.String())
			}
		})
	}
}

// What Meta cannot have sent now is stored and never answered.
func TestService_Receive_ImpossibleTime(t *testing.T) {
	t.Parallel()
	for name, sentAt := range map[string]time.Time{
		"older_than_retries": time.Now().Add(-webhook.RetryPeriod - webhook.ClockSkew - time.Minute),
		"years_ago":          time.Unix(1504902988, 0),
		"in_the_future":      time.Now().Add(webhook.ClockSkew + time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inbox := &fakeInbox{}
			message := fmt.Sprintf(`{"from":"254712345678","id":"wamid.A","timestamp":"%d","type":"text","text":{"body":"x"}}`, sentAt.Unix())
			receipt, err := receiveSigned(t, inbox.receiver(Options{}), webhookBody(message+","+textJSON("wamid.B"), ``))
			if err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			if want := (Receipt{Messages: 1, Unhandled: 1}); receipt != want {
				t.Errorf("got %+v, want %+v", receipt, want)
			}
			if got := inbox.stored.Unhandled; len(got) != 1 || string(got[0].Raw) != message {
				t.Errorf("stored unhandled items %+v, want one with the raw message", got)
			}
		})
	}
}
