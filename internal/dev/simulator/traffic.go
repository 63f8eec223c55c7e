package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"
)

// exchangeKind is which of the three wires something went over.
type exchangeKind string

const (
	kindWebhook exchangeKind = "webhook" // from us to the service
	kindGraph   exchangeKind = "graph"   // from the service to us
	kindGemini  exchangeKind = "gemini"  // from the service to us
)

// exchange is one request and its answer, for people to look at. The attempts
// to deliver one webhook are one exchange.
type exchange struct {
	ID        int64        `json:"id"`
	Revision  int          `json:"revision"`
	At        time.Time    `json:"at"`
	Kind      exchangeKind `json:"kind"`
	Summary   string       `json:"summary"`
	Method    string       `json:"method"`
	URL       string       `json:"url"`
	Status    int          `json:"status"` // 0: no answer yet, or none at all
	Error     string       `json:"error,omitempty"`
	Attempts  int          `json:"attempts"`
	Done      bool         `json:"done"`
	TookMS    int64        `json:"took_ms"`
	Signature string       `json:"-"`

	request, response []byte
}

// exchangeDetail is an exchange with its bodies, which are sent only when
// somebody opens it.
type exchangeDetail struct {
	exchange
	Signature string `json:"signature,omitempty"`
	Request   string `json:"request"`
	Response  string `json:"response"`
}

// maxShownBody is how much of each body is kept.
const maxShownBody = 64 << 10

// begin keeps an exchange whose answer is still to come.
func (st *store) begin(x exchange) *exchange {
	st.mu.Lock()
	defer st.mu.Unlock()
	x.ID, x.At, x.request = st.next(), st.now(), shown(x.request)
	kept := &x
	st.exchanges = last(append(st.exchanges, kept), maxExchanges)
	st.publish(eventTraffic, viewExchange(kept))
	return kept
}

// attemptedExchange notes one attempt to call the service.
func (st *store) attemptedExchange(x *exchange, number int, a attempt) {
	st.mu.Lock()
	defer st.mu.Unlock()
	x.URL, x.Status, x.Attempts, x.TookMS = a.url, a.status, number, a.took.Milliseconds()
	x.response, x.Error = shown(a.answer), ""
	if a.err != nil {
		x.Error = a.err.Error()
	}
	x.Done = a.acknowledged() || x.Method != http.MethodPost
	if x.Method == http.MethodPost {
		st.counts.WebhookAttempts++
		st.touch()
	}
	x.Revision++
	st.publish(eventTraffic, viewExchange(x))
	st.serviceIs(a)
}

// finish notes our answer to a call of the service.
func (st *store) finish(x *exchange, rec *recorder, took time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if rec.summary != "" {
		x.Summary = rec.summary
	}
	x.Status, x.response, x.Error = rec.status, shown(rec.body.Bytes()), rec.mishap
	x.TookMS, x.Done = took.Milliseconds(), true
	x.Revision++
	st.publish(eventTraffic, viewExchange(x))
}

// detail is an exchange with its bodies.
func (st *store) detail(id int64) (exchangeDetail, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, x := range st.exchanges {
		if x.ID == id {
			return exchangeDetail{
				exchange:  viewExchange(x),
				Signature: x.Signature,
				Request:   pretty(x.request),
				Response:  pretty(x.response),
			}, true
		}
	}
	return exchangeDetail{}, false
}

// shown is as much of a body as is kept, cut between two characters. A file is
// nothing to read.
func shown(body []byte) []byte {
	const enough = 512
	if bytes.IndexByte(body[:min(len(body), enough)], 0) >= 0 {
		return []byte("bytes of a file")
	}
	if len(body) <= maxShownBody {
		return body
	}
	cut := maxShownBody
	for cut > 0 && !utf8.RuneStart(body[cut]) {
		cut--
	}
	return append(bytes.Clone(body[:cut]), "\n… and more"...)
}

// pretty is a body with line breaks, where it is JSON. Its escapes stay as they
// came over the wire.
func pretty(body []byte) string {
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") != nil {
		return string(body)
	}
	return indented.String()
}
