package whatsapp

import "aisha/internal/service/whatsapp/webhook"

func isUndelivered(m UnansweredMessage) bool {
	return isNotRevoked(m) && m.Type == webhook.TypeUnavailable
}
