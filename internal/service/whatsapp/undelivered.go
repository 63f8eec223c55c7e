package whatsapp

// typeUnavailable is the type of a message whose content Meta could not deliver
// to us (error 131060).
const typeUnavailable = "unavailable"

func isUndelivered(m UnansweredMessage) bool {
	return isNotRevoked(m) && m.Type == typeUnavailable
}
