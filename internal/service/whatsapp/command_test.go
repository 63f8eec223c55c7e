package whatsapp

import (
	"strings"
	"testing"
)

func TestCommandOf(t *testing.T) {
	t.Parallel()
	for want, texts := range map[command][]string{
		commandStop: {
			"STOP" + strings.Repeat("🛑", 25), "STOP" + strings.Repeat("!", 100), strings.Repeat("Stop ", 21), "dont message me", "Dont contact me!",
			"st\u200bop", "ST\u00adOP", "ＳＴＯＰ", "stop sending texts", "Stop already!", "stop, I said", "can you stop?", "remove me from your list", "take me off",
			"wacha", "Wacha kunitumia messages", "wacheni", "naomba uache", "nimesema acha", "niondoe kwenye orodha", "futa namba yangu", "usitume ujumbe",
			"STOP", "stop", " Stop. ", "STOP!!!", "stop 🙏", "🛑 stop", "stop ❤️", "Stop. Thank you", "stop, thanks", "thank you, stop",
			"please stop", "Please, STOP now!", "stop stop STOP", "pls stop pls", "Hi Aisha, please stop", "ok stop", "stop sub", "STOP SUB.",
			"STOPALL", "Stop all", "cancel", "Cancel please", "CANCEL.", "end", "quit", "QUIT!", "opt-out", "opt out", "revoke",
			"Stop messaging me", "please stop messaging me", "stop sending me messages", "Stop promotions",
			"unsubscribe", "unsubscribe me please", "I want to unsubscribe", "don't text me", "Don’t message me again", "no more messages please",
			"acha", "Acha!", "Tafadhali acha", "acha tafadhali", "acha kunitumia", "Acha kunitumia ujumbe, asante sana", "Naomba, acha kunitumia sms tafadhali",
			"sitaki", "Sitaki ujumbe tena", "usinitumie", "Usinitumie ujumbe tena tafadhali", "nitoe", "niondoe", "komesha", "simama", "ghairi",
		},
		commandStart: {
			"START", "start", "Start again please", "unstop", "resume", "anza", "Anza tena tafadhali", "endelea", "nirudishe", "subscribe", "opt in",
		},
		commandJoin: {
			"join", "JOIN!", "please join", "Join please", "join the waiting list", "I want to join", "jiunge", "Tafadhali nijiunge",
			"naomba kujiunga", "nataka kujiunga", joinButton,
		},
		noCommand: {
			"", "🙏", "please", "dont stop", "Dont stop!", strings.Repeat("stop the bus ", 20), strings.Repeat("x", 5000), "thank you", "Asante sana", "don't stop", "Don’t stop!", "please don't stop", "do not stop", "never stop", "stop you",
			"usiache", "Usiache tafadhali", "usikome", "stop at the bus stage?", "Where does bus 46 stop?", "the stop", "stopping", "non-stop", "bus stop",
			"how do I cancel my order", "How do I cancel?", "cancel my appointment on Friday", "I want to cancel my order", "cancel order 17", "can you cancel it",
			"when does it end?", "the end", "should I quit my job", "how do I unsubscribe?", "how do I opt out", "stop 46", "1 stop",
			"acha nikuambie", "acha tu", "acha basi", "sitaki chai", "sitaki kwenda leo", "nitoe wapi pesa", "simama hapa kwa stage",
			"startup", "start the car", "how do I start", "anza na hii", "nataka kuanza", "please join me", "join me please", "How do I join a table in SQL?", "don't join",
		},
	} {
		for _, text := range texts {
			if got := commandOf(normalizeCommand(text)); got != want {
				t.Errorf("command of %q: got %d, want %d", text, got, want)
			}
		}
	}
}
