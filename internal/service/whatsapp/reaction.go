package whatsapp

import "time"

// Reaction is what to do after the Graph API refused a message.
type Reaction uint8

// The reactions, from facts that Meta documents for each error code.
const (
	GiveUp     Reaction = iota // this message will never be sent
	RetryTwice                 // something went wrong with it: two more attempts, then give up
	WaitPerson                 // this person gets too much at the moment
	WaitAll                    // everybody must wait: throughput, maintenance, an outage
	Stop                       // nothing can be sent until an operator has mended it: token, permission, payment
)

// ReactionTo is what Meta's error code asks for; otherwise is the reaction to
// one that is not known here.
//
// Source: "Error codes" in Meta's documentation of the WhatsApp Cloud API.
func ReactionTo(code int, otherwise Reaction) Reaction {
	switch code {
	case 0, 3, 10, 102, 190, 131005: // token or capability
		return Stop
	case 368, 131031, 131037, 131042, 131044, 131045: // policy, locked, display name, payment, certificate
		return Stop
	case 1, 2, 131016, 131057: // a failure of theirs, or maintenance
		return WaitAll
	case 4, 17, 32, 613, 80007, 130429: // app, account or throughput limit
		return WaitAll
	case 131056: // too much to this person
		return WaitPerson
	case 131000, 135000: // something went wrong with this message; it may pass
		return RetryTwice
	case 100, 131008, 131009, 131051, 131052, 131053: // missing or invalid parameter, type or media
		return GiveUp
	case 131021, 131026, 131030, 131047, 131050, 131062, 137000: // not to this person, or not now
		return GiveUp
	case 130472, 130497, 131048, 131049: // experiment, country, spam limit, healthy ecosystem
		return GiveUp
	}
	switch {
	case code >= 200 && code < 300: // permission
		return Stop
	case code >= 133000 && code < 134000: // the number is not registered
		return Stop
	case code >= 132000 && code < 133000, code >= 138000 && code < 140000, code >= 131200 && code < 131300:
		return GiveUp // templates, calling, flows, groups
	default:
		return otherwise
	}
}

const (
	// genericRetries is how often a message is tried again after an error that
	// says nothing.
	genericRetries = 2
	// statusRetries is how often a message is sent again that Meta took and
	// then reported as failed, for a reason that passes. It is bounded because
	// each time Meta may be wrong about it.
	statusRetries = 5
	// maxBackoff bounds the back-off for one person.
	maxBackoff = 10 * time.Minute
)

// Backoff is how long a part waits that was refused that many times before for
// a reason of its own. Meta asks for 4^n seconds where one person gets too much.
func Backoff(refusals int) time.Duration {
	const enough = 5 // 4^5 s is over maxBackoff
	return min(time.Second<<(2*min(refusals+1, enough)), maxBackoff)
}

// Final reports whether the message is given up, after that many refusals
// before for a reason of its own.
func (r *Refusal) Final(refusals int) bool {
	return r.Reaction == GiveUp || r.Reaction == RetryTwice && refusals >= genericRetries
}

// StatusRetries is how often a message may be sent again that Meta took and
// then reported as failed with the code.
func StatusRetries(code int) int {
	switch ReactionTo(code, GiveUp) {
	case RetryTwice:
		return genericRetries
	case WaitPerson, WaitAll, Stop:
		return statusRetries
	default:
		return 0
	}
}
