package simulator

import "time"

// Faults is what goes wrong on purpose, from now on and until it is set anew.
// Its zero value is a good day.
type Faults struct {
	Graph    GraphFault    `json:"graph"`
	Gemini   GeminiFault   `json:"gemini"`
	Webhooks WebhookFaults `json:"webhooks"`
}

// GraphFault is what happens to calls that send a message. Marking as read is a
// courtesy and is spared, so that a count of calls is a count of messages.
type GraphFault struct {
	Kind GraphFaultKind `json:"kind"`
	Code int            `json:"code"` // what GraphRefuses answers, by Meta's number

	Share float64 `json:"share"` // of the calls, from 0 to 1
	Next  int     `json:"next"`  // where it is not zero: so many calls, whatever the share, and then none

	Slow Range `json:"slow"` // before each call is looked at, whether it goes wrong or not
}

// GraphFaultKind is one way for a send to go wrong.
type GraphFaultKind string

// The ways. Acting is to take the message and to deliver it to the phone.
const (
	GraphRefuses    GraphFaultKind = "refuse"     // it answers with an error
	GraphCutsBefore GraphFaultKind = "cut-before" // the connection breaks, and nothing was done
	GraphCutsAfter  GraphFaultKind = "cut-after"  // it acts, and the answer is lost
	GraphHangs      GraphFaultKind = "hang"       // it never acts and never answers
	GraphToken      GraphFaultKind = "token"      // each call of any kind gets error 190, whatever the share
)

// GeminiFault is what happens to prompts.
type GeminiFault struct {
	Kind  GeminiFaultKind `json:"kind"`
	Share float64         `json:"share"` // of the prompts, from 0 to 1
	Next  int             `json:"next"`  // where it is not zero: so many prompts, whatever the share, and then none
}

// GeminiFaultKind is one way for a prompt to go wrong.
type GeminiFaultKind string

// The ways.
const (
	GeminiTooMany     GeminiFaultKind = "429" // with a RetryInfo of a second
	GeminiBreaks      GeminiFaultKind = "500"
	GeminiUnavailable GeminiFaultKind = "503"
	GeminiHangs       GeminiFaultKind = "hang"
	GeminiBlocks      GeminiFaultKind = "block"    // it declines to answer this
	GeminiEmpty       GeminiFaultKind = "empty"    // a complete answer without a word in it
	GeminiTruncates   GeminiFaultKind = "truncate" // the connection breaks in the middle of the answer
)

// WebhookFaults is what happens to webhooks. Meta promises neither an order nor
// that each comes once, so all of it is to be expected.
type WebhookFaults struct {
	Copies      int           `json:"copies"`       // each webhook comes once to so many times; zero: once
	Shuffle     time.Duration `json:"shuffle"`      // each is held back for a random time up to this one, and waits for no other
	StatusDelay Range         `json:"status_delay"` // before the first status of a message
	StatusFirst bool          `json:"status_first"` // a send is answered only when its first status was delivered
	NoCallback  bool          `json:"no_callback"`  // statuses come without biz_opaque_callback_data
	Clock       time.Duration `json:"clock"`        // how far the timestamps are off
}

// Bounds of what the page may set.
const (
	mostCopies   = 10
	longestDelay = time.Minute
)

// sane reports whether a page may set these faults.
func (f Faults) sane() bool {
	switch f.Graph.Kind {
	case "", GraphRefuses, GraphCutsBefore, GraphCutsAfter, GraphHangs, GraphToken:
	default:
		return false
	}
	switch f.Gemini.Kind {
	case "", GeminiTooMany, GeminiBreaks, GeminiUnavailable, GeminiHangs, GeminiBlocks, GeminiEmpty, GeminiTruncates:
	default:
		return false
	}
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	bounded := func(r Range) bool { return r.Min >= 0 && r.Min <= r.Max && r.Max <= longestDelay }
	return share(f.Graph.Share) && share(f.Gemini.Share) && f.Graph.Next >= 0 && f.Gemini.Next >= 0 &&
		bounded(f.Graph.Slow) && bounded(f.Webhooks.StatusDelay) && bounded(Range{Max: f.Webhooks.Shuffle}) &&
		f.Webhooks.Copies >= 0 && f.Webhooks.Copies <= mostCopies
}

// SetFaults begins these faults and ends those before. What hangs because of an
// earlier fault is cut.
func (s *Simulator) SetFaults(f Faults) {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	st.faults = f
	close(st.faultsSet)
	st.faultsSet = make(chan struct{})
	st.publish(eventFaults, f)
}

// currentFaults also returns a channel that is closed when they are set anew.
func (st *store) currentFaults() (Faults, <-chan struct{}) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.faults, st.faultsSet
}

// drawGraph decides what happens to one send.
func (s *Simulator) drawGraph() GraphFault {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	fault := st.faults.Graph
	if !s.struck(fault.Share, &st.faults.Graph.Next) {
		fault.Kind = ""
	}
	if fault.Next == 1 {
		st.faults.Graph.Kind = "" // this was the last one
		st.publish(eventFaults, st.faults)
	}
	return fault
}

// drawGemini decides what happens to one prompt.
func (s *Simulator) drawGemini() GeminiFaultKind {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	fault := st.faults.Gemini
	if !s.struck(fault.Share, &st.faults.Gemini.Next) {
		fault.Kind = ""
	}
	if fault.Next == 1 {
		st.faults.Gemini.Kind = "" // this was the last one
		st.publish(eventFaults, st.faults)
	}
	return fault.Kind
}

// struck takes one off the calls that are to go wrong, or else asks chance.
func (s *Simulator) struck(share float64, next *int) bool {
	if *next > 0 {
		*next--
		return true
	}
	return s.chance.hits(share)
}
