package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// The events of the stream that a page reads. The first event is the whole
// state. Each later event is one view that changed.
const (
	eventState   = "state"
	eventPerson  = "person"
	eventMessage = "message"
	eventTraffic = "traffic"
	eventService = "service"
	eventFaults  = "faults"
)

// subscriber is an open page. Its channel is closed if the page reads too
// slowly. The page then connects again and gets the whole state.
type subscriber struct{ events chan []byte }

// subscriberBacklog is how many unread events a page may have.
const subscriberBacklog = 1024

// subscribe returns a subscriber whose first event is the current state. It
// misses no change after that.
func (st *store) subscribe() *subscriber {
	st.mu.Lock()
	defer st.mu.Unlock()
	sub := &subscriber{events: make(chan []byte, subscriberBacklog)}
	sub.events <- encodeEvent(eventState, st.pageState())
	st.subscribers[sub] = struct{}{}
	return sub
}

func (st *store) unsubscribe(sub *subscriber) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.subscribers, sub)
}

// publish sends a changed view to every open page. The caller holds the lock.
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
		data = []byte("null") // cannot happen: all views can be encoded
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, data)
}

// keepAliveInterval is how often an idle stream sends a comment, so that no
// proxy or browser closes it.
const keepAliveInterval = 15 * time.Second

// pageEvents handles GET /api/events, a stream of server-sent events.
func (s *Simulator) pageEvents(w http.ResponseWriter, r *http.Request) {
	sub := s.store.subscribe()
	defer s.store.unsubscribe(sub)

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprint(w, "retry: 1000\n\n")
	flusher := http.NewResponseController(w)
	ticker := time.NewTicker(keepAliveInterval)
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
			if _, err := fmt.Fprint(w, ": keep-alive\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}
