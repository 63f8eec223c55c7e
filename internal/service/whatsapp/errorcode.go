package whatsapp

// Reaction is what to do after the Graph API refused a message.
type Reaction uint8

// The reactions.
const (
	GiveUp          Reaction = iota // this message can never be sent
	RetryUnclear                    // the error names no cause: a few more attempts, then give up
	DelayPerson                     // this person gets too many messages: back off, never give up
	HoldNumber                      // throughput, maintenance or an outage: hold everything from this number
	HoldForOperator                 // token, permission or payment: hold the number until an operator repairs it
)

// ReactionTo returns the reaction to one of Meta's error codes, and fallback
// for a code that is not listed here.
//
// Source: "Error codes" in Meta's documentation of the WhatsApp Cloud API,
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
func ReactionTo(code int, fallback Reaction) Reaction {
	switch code {
	case 0, 3, 10, 102, 190, 131005: // token or capability
		return HoldForOperator
	case 368, 131031, 131037, 131042, 131044, 131045: // policy, locked, display name, payment, certificate
		return HoldForOperator
	case 1, 2, 131016, 131057: // failure on Meta's side, or maintenance
		return HoldNumber
	case 4, 17, 32, 613, 80007, 130429: // limit of the app, the account or the throughput
		return HoldNumber
	case 131056: // too many messages to this person
		return DelayPerson
	case 131000, 135000: // something went wrong, possibly temporary
		return RetryUnclear
	case 100, 131008, 131009, 131051, 131052, 131053: // missing or invalid parameter, type or media
		return GiveUp
	case 131021, 131026, 131030, 131047, 131050, 131062, 137000: // cannot be delivered to this person, or not now
		return GiveUp
	case 130472, 130497, 131048, 131049: // experiment, country, spam limit, healthy ecosystem
		return GiveUp
	}
	switch {
	case code >= 200 && code < 300: // permission
		return HoldForOperator
	case code >= 133000 && code < 134000: // the number is not registered
		return HoldForOperator
	case code >= 132000 && code < 133000, code >= 138000 && code < 140000, code >= 131200 && code < 131300:
		return GiveUp // templates, calling, flows, groups
	default:
		return fallback
	}
}
