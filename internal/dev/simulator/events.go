package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// The events of the stream that pages listen to. The first one is the state;
// every later one is a view that changed.
const (
	eventState   = "state"
	eventPerson  = "person"
	eventMessage = "message"
	eventTraffic = "traffic"
	eventService = "service"
	eventFaults  = "faults"
)

// subscriber is a page that listens. Its channel is closed when it is too slow;
// it then connects again and begins with the state.
type subscriber struct{ events chan []byte }

// subscriberBacklog is how many events a page may be behind.
const subscriberBacklog = 1024

// subscribe begins with the state as of now and misses nothing after it.
func (st *store) subscribe() *subscriber {
	st.mu.Lock()
	defer st.mu.Unlock()
	sub := &subscriber{events: make(chan []byte, subscriberBacklog)}
	sub.events <- encodeEvent(eventState, st.state())
	st.subscribers[sub] = struct{}{}
	return sub
}

func (st *store) unsubscribe(sub *subscriber) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.subscribers, sub)
}

// publish tells every page about a change. The caller holds the lock.
func (st *store) publish(event string, view any) {
	if len(st.subscribers) == 0 {
		return
	}
	encoded := encodeEvent(event, view)
	for sub := range st.subscribers {
		select {
		case sub.events <- encoded:
		default:
			close(sub.events)
			delete(st.subscribers, sub)
		}
	}
}

func encodeEvent(event string, view any) []byte {
	data, err := json.Marshal(view)
	if err != nil {
		data = []byte("null") // our own views always encode
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, data)
}

// heartbeat keeps a quiet stream from being taken for a dead one.
const heartbeat = 15 * time.Second

// phoneEvents is GET /api/events, a stream of server-sent events.
func (s *Simulator) phoneEvents(w http.ResponseWriter, r *http.Request) {
	sub := s.store.subscribe()
	defer s.store.unsubscribe(sub)

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprint(w, "retry: 1000\n\n")
	flusher := http.NewResponseController(w)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		if flusher.Flush() != nil {
			return
		}
		select {
		case event, open := <-sub.events:
			if !open {
				return
			}
			if _, err := w.Write(event); err != nil {
				return
			}
		case <-ticker.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}
