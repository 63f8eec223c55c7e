package graphapi

import "aisha/internal/service/whatsapp"

// byCode is what Meta's error codes ask for; otherwise is the reaction to one
// that is not known here.
//
// Source: "Error codes" in Meta's documentation of the WhatsApp Cloud API.
func byCode(code int, subcode string, otherwise whatsapp.Reaction) whatsapp.Reaction {
	switch code {
	case 0, 3, 10, 102, 190, 131005: // token or capability
		return whatsapp.Stop
	case 368, 131031, 131037, 131042, 131044, 131045: // policy, locked, display name, payment, certificate
		return whatsapp.Stop
	case 1, 2, 131016, 131057: // a failure of theirs, or maintenance
		return whatsapp.WaitAll
	case 4, 17, 32, 613, 80007, 130429: // app, account or throughput limit
		return whatsapp.WaitAll
	case 131056: // too much to this person
		return whatsapp.WaitPerson
	case 131000, 135000: // something went wrong with this message; it may pass
		return whatsapp.RetryTwice
	case 100: // a parameter is wrong, or (33) the number is not this token's
		if subcode == "33" {
			return whatsapp.Stop
		}
		return whatsapp.GiveUp
	case 131008, 131009, 131051, 131052, 131053: // missing or invalid parameter, type or media
		return whatsapp.GiveUp
	case 131021, 131026, 131030, 131047, 131050, 131062, 137000: // not to this person, or not now
		return whatsapp.GiveUp
	case 130472, 130497, 131048, 131049: // experiment, country, spam limit, healthy ecosystem
		return whatsapp.GiveUp
	}
	switch {
	case code >= 200 && code < 300: // permission
		return whatsapp.Stop
	case code >= 133000 && code < 134000: // the number is not registered
		return whatsapp.Stop
	case code >= 132000 && code < 133000, code >= 138000 && code < 140000, code >= 131200 && code < 131300:
		return whatsapp.GiveUp // templates, calling, flows, groups
	default:
		return otherwise
	}
}
