package simulator

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

var (
	errNoExchange  = errors.New("this exchange is no longer stored")
	errNotComplete = errors.New("the request is too large to be kept, so it cannot be sent again")
)

// pageRepeatExchange handles POST /api/traffic/{id}/repeat: it sends the request
// of an exchange again. The traffic list shows the repetition as a new exchange.
func (s *Simulator) pageRepeatExchange(w http.ResponseWriter, r *http.Request) {
	if !readPageBody(w, r, &struct{}{}) {
		return
	}
	id, _ := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	x, err := s.store.requestOf(id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	own, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	s.spawn(func(ctx context.Context) { s.repeat(ctx, x, own) })
	writeJSON(w, http.StatusAccepted, object{})
}

// requestOf returns a copy of an exchange whose request is complete. It returns
// errNoExchange or errNotComplete.
func (st *store) requestOf(id int64) (exchange, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, x := range st.exchanges {
		switch {
		case x.ID == id && x.truncated:
			return exchange{}, errNotComplete
		case x.ID == id:
			return *x, nil
		}
	}
	return exchange{}, errNoExchange
}

// repeat sends a webhook to the service again. It repeats a call of the service
// by the same call to the simulator's own address.
func (s *Simulator) repeat(ctx context.Context, x exchange, own net.Addr) {
	switch {
	case x.Kind != kindWebhook:
		s.repeatCall(ctx, x, own)
	case x.Method == http.MethodGet:
		_ = s.Verify(ctx) // the traffic list shows the outcome
	default:
		hook := webhook{label: x.exchangeLabel, body: x.request}
		s.deliverUntilAcknowledged(ctx, hook.copied())
	}
}

func (s *Simulator) repeatCall(ctx context.Context, x exchange, own net.Addr) {
	address, err := url.Parse(x.URL)
	if err != nil || own == nil {
		return
	}
	address.Host = own.String()
	request, err := http.NewRequestWithContext(ctx, x.Method, address.String(), strings.NewReader(string(x.request)))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.options.AccessToken)
	request.Header.Set("X-Goog-Api-Key", s.options.GeminiKey)
	response, err := s.client.Do(request)
	if err != nil {
		return // the traffic list shows the outcome
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}
