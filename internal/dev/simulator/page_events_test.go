package simulator

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// readEvents opens the event stream of a page. The returned function reads events
// of a name until wanted is true for one.
func (r fixture) readEvents(t *testing.T) func(event string, wanted func(data []byte) bool) {
	t.Helper()
	stream := r.get(t, "/api/events").Body
	lines := bufio.NewReader(stream)
	return func(event string, wanted func([]byte) bool) {
		t.Helper()
		current := ""
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("stream ended before the event %s: %v", event, err)
			}
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				current = strings.TrimSpace(name)
			}
			data, ok := strings.CutPrefix(line, "data: ")
			if ok && current == event && wanted([]byte(data)) {
				return
			}
		}
	}
}

func TestPageEvents(t *testing.T) {
	t.Parallel()
	t.Run("begin_with_the_state_and_report_each_change", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		first := r.Say(wanjiru, "before the page")
		r.waitFor(t, idle)

		next := r.readEvents(t)
		next("state", func(data []byte) bool {
			s := decode[pageState](t, data)
			if len(s.Messages) != 1 || s.Messages[0].ID != first || s.Messages[0].State != stateDelivered || s.Service.State != serviceOK || len(s.Traffic) != 1 {
				t.Errorf("state is %s, want one delivered message, one exchange and a healthy service", data)
			}
			return true
		})
		second := r.Say(wanjiru, "after it")
		for _, want := range []string{stateSent, stateDelivered} {
			next("message", func(data []byte) bool {
				b := decode[messageView](t, data)
				return b.ID == second && b.Direction == "out" && b.State == want
			})
		}
		r.postGraph(t, fmt.Sprintf(`{"messaging_product":"whatsapp","status":"read","message_id":%q,"typing_indicator":{"type":"text"}}`, second))
		next("message", func(data []byte) bool { return decode[messageView](t, data).State == "read" })
		next("person", func(data []byte) bool { return !decode[personView](t, data).TypingUntil.IsZero() })
		r.postGraph(t, textRequest(`"to":"254712345678"`, "an answer"))
		next("person", func(data []byte) bool { return decode[personView](t, data).TypingUntil.IsZero() })
		for _, want := range []Status{StatusAccepted, StatusSent, StatusDelivered, StatusRead} {
			next("message", func(data []byte) bool {
				b := decode[messageView](t, data)
				return b.Direction == "in" && b.State == string(want)
			})
		}
	})
	t.Run("report_unreachable_service", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.SetWebhookURL("http://127.0.0.1:1/unreachable")
		next := r.readEvents(t)
		id := r.Say(wanjiru, "anybody?")
		next("service", func(data []byte) bool { return decode[serviceHealth](t, data).State == serviceUnreachable })
		next("message", func(data []byte) bool {
			b := decode[messageView](t, data)
			return b.ID == id && b.State == stateRetrying
		})
	})
}

func TestStore_Subscribe(t *testing.T) {
	t.Parallel()
	t.Run("slow_page_is_dropped", func(t *testing.T) {
		t.Parallel()
		st := newStore(newFixture(t, &fakeService{}).store.now)
		slow := st.subscribe()
		for i := range subscriberBacklog + 10 {
			st.addInbound(wanjiru, "text", object{"text": object{"body": fmt.Sprint(i)}})
		}
		events := 0
		for range slow.events {
			events++
		}
		if events != subscriberBacklog {
			t.Errorf("page got %d events before it was dropped, want %d", events, subscriberBacklog)
		}
	})
}
