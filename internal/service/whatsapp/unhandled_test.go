package whatsapp

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/page"
)

func TestService_UnhandledItems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request page.Request
		want    string
	}{
		"first_page": {page.Request{Limit: 50}, "{50 [] false}"},
		"next_page":  {page.Request{Limit: 2, After: []int64{7}}, "{2 [7] false}"},
		"counted":    {page.Request{Limit: 1, Count: true}, "{1 [] true}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := New(Options{}, Deps{Inbox: &fakeInbox{}}).UnhandledItems(t.Context(), tt.request).Get()
			if err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			if want := []UnhandledItem{{Reason: tt.want}}; !slices.Equal(p.Items, want) { // the fake returns the request as the reason
				t.Errorf("got %+v, want %+v", p.Items, want)
			}
		})
	}
}

// A webhook with many unhandled items costs a bounded number of rows and one log
// line, and nothing of it is lost.
func TestService_Receive_ManyUnhandledItems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ items, rows int }{
		{1, 1},
		{maxUnhandled, maxUnhandled},
		{maxUnhandled + 1, maxUnhandled + 1},
		{9_000, maxUnhandled + 1},
	} {
		t.Run(fmt.Sprint(tt.items), func(t *testing.T) {
			t.Parallel()
			unknown := strings.Repeat(`{"id":"w","type":"zzz"},`, tt.items)
			body := webhookBody(unknown+textJSON("wamid.A"), ``)
			var log bytes.Buffer
			inbox := &fakeInbox{}
			start := time.Now()
			receipt, err := receiveSigned(t, inbox.receiver(Options{Log: slog.New(slog.NewTextHandler(&log, nil))}), body)
			if err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			t.Logf("%d items took %v", tt.items, time.Since(start))
			if want := (Receipt{Messages: 1, Unhandled: tt.items}); receipt != want {
				t.Errorf("got %+v, want %+v", receipt, want)
			}
			stored := inbox.stored.Unhandled
			if len(stored) != tt.rows {
				t.Fatalf("stored %d unhandled items, want %d", len(stored), tt.rows)
			}
			if got, want := bytes.Equal(stored[len(stored)-1].Raw, body), tt.items > maxUnhandled; got != want {
				t.Errorf("the whole body is stored: %v, want %v", got, want)
			}
			if got := strings.Count(log.String(), "\n"); got != 1 {
				t.Errorf("logged %d lines, want 1", got)
			}
			want := fmt.Sprintf(`msg="webhook items not handled" items=%[1]d counts="map[messages: a message of a type that needs no answer:%[1]d]"`, tt.items)
			if !strings.Contains(log.String(), want) {
				t.Errorf("logged %s, want it to contain %s", log.String(), want)
			}
		})
	}
}

// A webhook with far more items than Meta sends is one unhandled item.
func TestService_Receive_TooManyItems(t *testing.T) {
	t.Parallel()
	body := webhookBody(strings.Repeat(`{"id":"w","type":"zzz"},`, 150_000)+textJSON("wamid.A"), ``)
	inbox := &fakeInbox{}
	start := time.Now()
	receipt, err := receiveSigned(t, inbox.receiver(Options{}), body)
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	if want := (Receipt{Unhandled: 1}); receipt != want {
		t.Errorf("got %+v, want %+v", receipt, want)
	}
	if stored := inbox.stored.Unhandled; len(stored) != 1 || !bytes.Equal(stored[0].Raw, body) {
		t.Errorf("stored %d unhandled items, want one with the whole body", len(stored))
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v, want at most a second", took)
	}
}

// The fields of a webhook come from outside, so the log line about them is short
// however many there are.
func TestService_Receive_UnhandledLogIsShort(t *testing.T) {
	t.Parallel()
	var changes []string
	for i := range 500 {
		changes = append(changes, fmt.Sprintf(`{"field":"%c_%c","value":{}}`, 'a'+i/26, 'a'+i%26))
	}
	changes = append(changes[1:], `{"field":"+254 712 345 678","value":{}}`, `{"field":"`+strings.Repeat("x", 1000)+`","value":{}}`)
	var log bytes.Buffer
	service := (&fakeInbox{}).receiver(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if _, err := receiveSigned(t, service, webhookBody(textJSON("wamid.A"), ``, changes...)); err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	const longest = 4 << 10
	if log.Len() > longest || !strings.Contains(log.String(), "others:481") {
		t.Errorf("logged %d bytes, want at most %d with the count of the others: %.500s", log.Len(), longest, log.String())
	}
	if strings.Contains(log.String(), "712") || strings.Contains(log.String(), "xxx") {
		t.Errorf("logged a field that is not one of Meta's: %.500s", log.String())
	}
}

func TestService_UnhandledItem(t *testing.T) {
	t.Parallel()
	service := New(Options{}, Deps{Inbox: &fakeInbox{}}) // it has the item 7
	if item, err := service.UnhandledItem(t.Context(), 7).Get(); err != nil || item.ID != 7 {
		t.Errorf("got %+v, error %v, want the item 7", item, err)
	}
	if _, err := service.UnhandledItem(t.Context(), 8).Get(); !fault.Is(err, fault.NotFound) {
		t.Errorf("got error %v, want fault.NotFound", err)
	}
}
