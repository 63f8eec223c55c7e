package simulator

import "time"

// Faults are the failures that the simulator injects from now on, until
// SetFaults is called again. The zero value injects none.
type Faults struct {
	Graph    GraphFault    `json:"graph"`
	Gemini   GeminiFault   `json:"gemini"`
	Webhooks WebhookFaults `json:"webhooks"`
}

// GraphFault makes calls fail that send a message. Calls that mark a message as
// read do not fail and do not count, except with GraphRejectsToken.
type GraphFault struct {
	Kind GraphFaultKind `json:"kind"`
	Code int            `json:"code"` // Meta's error code for GraphReturnsError

	Share float64 `json:"share"` // share of the calls that fail, from 0 to 1
	Next  int     `json:"next"`  // if not zero, the number of next calls that all fail; the fault then ends

	Delay Range `json:"slow"` // delays each call, also those that succeed
}

// GraphFaultKind is how a call fails that sends a message.
type GraphFaultKind string

// The kinds of Graph API failures.
const (
	GraphReturnsError  GraphFaultKind = "refuse"     // responds with an error and does not deliver
	GraphDropsRequest  GraphFaultKind = "cut-before" // breaks the connection and does not deliver
	GraphDropsResponse GraphFaultKind = "cut-after"  // delivers the message and then breaks the connection
	GraphHangs         GraphFaultKind = "hang"       // neither delivers nor responds
	GraphRejectsToken  GraphFaultKind = "token"      // responds to every call with error 190; ignores Share and Next
)

// GeminiFault makes prompts fail.
type GeminiFault struct {
	Kind  GeminiFaultKind `json:"kind"`
	Share float64         `json:"share"` // share of the prompts that fail, from 0 to 1
	Next  int             `json:"next"`  // if not zero, the number of next prompts that all fail; the fault then ends
}

// GeminiFaultKind is how a prompt fails.
type GeminiFaultKind string

// The kinds of Gemini failures.
const (
	GeminiRateLimited   GeminiFaultKind = "429" // with a RetryInfo of one second
	GeminiInternalError GeminiFaultKind = "500"
	GeminiUnavailable   GeminiFaultKind = "503"
	GeminiHangs         GeminiFaultKind = "hang"     // does not respond
	GeminiBlocked       GeminiFaultKind = "block"    // blocks the prompt for safety
	GeminiEmpty         GeminiFaultKind = "empty"    // responds with a complete completion that has no text
	GeminiTruncated     GeminiFaultKind = "truncate" // breaks the connection in the middle of the completion
)

// WebhookFaults change how webhooks are delivered. Meta guarantees neither their
// order nor that each is delivered once.
type WebhookFaults struct {
	MaxCopies            int           `json:"copies"`       // each webhook is delivered one to MaxCopies times; zero means once
	ShuffleWithin        time.Duration `json:"shuffle"`      // delays each webhook by a random time up to this one, so that they arrive out of order
	StatusDelay          Range         `json:"status_delay"` // delays the first status of a message
	StatusBeforeResponse bool          `json:"status_first"` // a send gets its response only after the service acknowledged the first status
	OmitCallbackData     bool          `json:"no_callback"`  // statuses have no biz_opaque_callback_data
	ClockOffset          time.Duration `json:"clock"`        // is added to all timestamps
}

// Limits of the faults that a page may set.
const (
	maxCopies = 10
	maxDelay  = time.Minute
)

// valid reports whether a page may set these faults.
func (f Faults) valid() bool {
	return f.Graph.valid() && f.Gemini.valid() && f.Webhooks.valid()
}

func (f GraphFault) valid() bool {
	switch f.Kind {
	case "", GraphReturnsError, GraphDropsRequest, GraphDropsResponse, GraphHangs, GraphRejectsToken:
		return validShare(f.Share) && f.Next >= 0 && validDelay(f.Delay)
	default:
		return false
	}
}

func (f GeminiFault) valid() bool {
	switch f.Kind {
	case "", GeminiRateLimited, GeminiInternalError, GeminiUnavailable, GeminiHangs, GeminiBlocked, GeminiEmpty, GeminiTruncated:
		return validShare(f.Share) && f.Next >= 0
	default:
		return false
	}
}

func (f WebhookFaults) valid() bool {
	return validDelay(f.StatusDelay) && validDelay(Range{Max: f.ShuffleWithin}) && f.MaxCopies >= 0 && f.MaxCopies <= maxCopies
}

func validShare(share float64) bool { return share >= 0 && share <= 1 }

func validDelay(r Range) bool { return r.Min >= 0 && r.Min <= r.Max && r.Max <= maxDelay }

// SetFaults replaces the current faults. Calls that hang because of an earlier
// fault are dropped.
func (s *Simulator) SetFaults(f Faults) {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	st.faults = f
	close(st.faultsChanged)
	st.faultsChanged = make(chan struct{})
	st.publish(eventFaults, f)
}

// currentFaults also returns a channel that SetFaults closes.
func (st *store) currentFaults() (Faults, <-chan struct{}) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.faults, st.faultsChanged
}

// nextGraphFault returns the fault of the next call that sends a message. Its
// Kind is empty if the call succeeds.
func (s *Simulator) nextGraphFault() GraphFault {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	fault := st.faults.Graph
	if !s.faultApplies(fault.Share, &st.faults.Graph.Next) {
		fault.Kind = ""
	}
	if fault.Next == 1 {
		st.faults.Graph.Kind = "" // this call was the last one to fail
		st.publish(eventFaults, st.faults)
	}
	return fault
}

// nextGeminiFault returns the fault of the next prompt; it is empty if the
// prompt succeeds.
func (s *Simulator) nextGeminiFault() GeminiFaultKind {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	fault := st.faults.Gemini
	if !s.faultApplies(fault.Share, &st.faults.Gemini.Next) {
		fault.Kind = ""
	}
	if fault.Next == 1 {
		st.faults.Gemini.Kind = "" // this prompt was the last one to fail
		st.publish(eventFaults, st.faults)
	}
	return fault.Kind
}

// faultApplies decides whether one call fails. It counts down next if it is not
// zero, and otherwise decides at random.
func (s *Simulator) faultApplies(share float64, next *int) bool {
	if *next > 0 {
		*next--
		return true
	}
	return s.random.occurs(share)
}
