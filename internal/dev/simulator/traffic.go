package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"
)

// exchangeKind is the API to which an exchange belongs.
type exchangeKind string

const (
	kindWebhook exchangeKind = "webhook" // the simulator calls the service
	kindGraph   exchangeKind = "graph"   // the service calls the simulator
	kindGemini  exchangeKind = "gemini"  // the service calls the simulator
)

// exchange is a request and its response for the traffic list of the page. All
// attempts to deliver one webhook are one exchange.
type exchange struct {
	ID       int64        `json:"id"`
	Revision int          `json:"revision"`
	At       time.Time    `json:"at"`
	Kind     exchangeKind `json:"kind"`
	exchangeLabel
	Method    string `json:"method"`
	URL       string `json:"url"`
	Status    int    `json:"status"` // 0 if there is no response
	Error     string `json:"error,omitempty"`
	Attempts  int    `json:"attempts"`
	Done      bool   `json:"done"`
	TookMS    int64  `json:"took_ms"`
	Signature string `json:"-"`

	request, response []byte
	truncated         bool // the request is not complete
}

// exchangeLabel describes an exchange in the traffic list.
type exchangeLabel struct {
	Summary string `json:"summary"`
	Person  string `json:"person,omitempty"`  // user id of the person whom it is about
	Excerpt string `json:"excerpt,omitempty"` // beginning of the text in it
}

// excerpt returns the beginning of a text.
func excerpt(text string) string {
	const longest = 80
	runes := []rune(text)
	return string(runes[:min(len(runes), longest)])
}

// exchangeDetail is an exchange with its bodies. The page loads it when the
// user opens the exchange.
type exchangeDetail struct {
	exchange
	Signature string `json:"signature,omitempty"`
	Request   string `json:"request"`
	Response  string `json:"response"`
	Curl      string `json:"curl,omitempty"`      // a shell command that sends the request
	Truncated bool   `json:"truncated,omitempty"` // the request is not complete, so it cannot be sent again
}

// Limits of each body, in bytes. The store has more of a request than the page
// shows, because the page can send it again.
const (
	maxShownBody   = 64 << 10
	maxKeptRequest = 512 << 10
)

// beginExchange stores an exchange before its response exists.
func (st *store) beginExchange(x exchange) *exchange {
	st.mu.Lock()
	defer st.mu.Unlock()
	x.ID, x.At = st.nextSeq(), st.now()
	if len(x.request) > maxKeptRequest {
		x.request, x.truncated = truncateBody(x.request), true
	}
	stored := &x
	st.exchanges = keepLast(append(st.exchanges, stored), maxExchanges)
	st.publish(eventTraffic, viewExchange(stored))
	return stored
}

// recordExchangeAttempt stores the outcome of one attempt to call the service.
func (st *store) recordExchangeAttempt(x *exchange, number int, a webhookAttempt) {
	st.mu.Lock()
	defer st.mu.Unlock()
	x.URL, x.Status, x.Attempts, x.TookMS = a.url, a.status, number, a.took.Milliseconds()
	x.response, x.Error = truncateBody(a.responseBody), ""
	if a.err != nil {
		x.Error = a.err.Error()
	}
	x.Done = a.acknowledged() || x.Method != http.MethodPost
	if x.Method == http.MethodPost {
		st.counts.WebhookAttempts++
		st.notifyChanged()
	}
	x.Revision++
	st.publish(eventTraffic, viewExchange(x))
	st.updateServiceHealth(a)
}

// labelExchange sets how the traffic list describes an exchange.
func (st *store) labelExchange(x *exchange, label exchangeLabel) {
	st.mu.Lock()
	defer st.mu.Unlock()
	x.exchangeLabel = label
	x.Revision++
	st.publish(eventTraffic, viewExchange(x))
}

// finishExchange stores the simulator's response to a call of the service.
func (st *store) finishExchange(x *exchange, rec *recorder, took time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	x.Status, x.response, x.Error = rec.status, truncateBody(rec.body.Bytes()), rec.failure
	x.TookMS, x.Done = took.Milliseconds(), true
	x.Revision++
	st.publish(eventTraffic, viewExchange(x))
}

func (st *store) exchangeByID(id int64) (exchangeDetail, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, x := range st.exchanges {
		if x.ID == id {
			return x.detail(), true
		}
	}
	return exchangeDetail{}, false
}

func (x *exchange) detail() exchangeDetail {
	return exchangeDetail{
		exchange:  viewExchange(x),
		Signature: x.Signature,
		Request:   indentJSON(truncateBody(x.request)),
		Response:  indentJSON(x.response),
		Curl:      x.curl(),
		Truncated: x.truncated,
	}
}

// truncateBody returns the part of a body that is kept. It does not split a
// character, and replaces a binary file with a placeholder.
func truncateBody(body []byte) []byte {
	const inspected = 512
	if bytes.IndexByte(body[:min(len(body), inspected)], 0) >= 0 {
		return []byte("bytes of a file")
	}
	if len(body) <= maxShownBody {
		return body
	}
	end := maxShownBody
	for end > 0 && !utf8.RuneStart(body[end]) {
		end--
	}
	return append(bytes.Clone(body[:end]), "\n… and more"...)
}

// indentJSON indents a body if it is JSON. Escapes inside of strings stay as
// they were sent.
func indentJSON(body []byte) string {
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") != nil {
		return string(body)
	}
	return indented.String()
}
