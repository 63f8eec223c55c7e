package whatsapp

import (
	"slices"
	"strings"
	"unicode"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
	"aisha/internal/visible"
)

// command is a message that the service obeys without the model.
type command uint8

const (
	noCommand command = iota
	commandStop
	commandStart
	commandJoin
)

// commandOf returns the command in a normalized text. A command is the whole
// message, so that "stop at the bus stage?" and "how do I cancel my order" are
// questions.
//
// Source of the English words for an opt-out: 47 CFR 64.1200(a)(10), which lists
// stop, quit, end, revoke, opt out, cancel and unsubscribe, and "Stop promotions",
// the button of Meta's templates.
func commandOf(text string) command {
	switch text {
	case "stop", "stopall", "stop all", "stop it", "stop this", "stop everything", "stop bot",
		"stop sub", "stop subs", "stop subscription", "stop subscriptions",
		"stop promo", "stop promos", "stop promotion", "stop promotions", "stop marketing",
		"stop message", "stop messages", "stop all messages", "stop the messages", "stop these messages", "stop your messages",
		"stop messaging", "stop messaging me", "stop texting", "stop texting me", "stop writing me", "stop writing to me",
		"stop contacting me", "stop sms", "stop spamming", "stop spamming me", "stop bothering me", "stop disturbing me",
		"stop sending", "stop sending me messages", "stop sending me message", "stop sending messages", "stop sending me texts",
		"stop sending messages to me", "stop sending me these messages", "stop sending texts", "stop sending me sms",
		"stop already", "stop i said", "can you stop",
		"i said stop", "i want to unsubscribe", "i want to opt out",
		"unsubscribe", "unsubscribe me", "unsubscribe all", "unsub",
		"cancel", "cancel all", "cancel subscription", "cancel my subscription", "cancel messages",
		"end", "quit", "revoke", "opt out", "optout", "opt me out",
		"no more messages", "no more texts", "leave me alone", "remove me", "remove me from your list", "remove me from the list", "take me off",
		"take me off your list",
		"don t message me", "do not message me", "don t text me", "do not text me", "don t write to me", "do not write to me",
		"don t contact me", "do not contact me", "don t send me messages", "do not send me messages":
		return commandStop
	case "acha", "acheni", "wacha", "wacheni", "uache", "muache", "nimesema acha", "nimesema wacha",
		"wacha kunitumia", "wacha kunitumia messages", "wacha kunitumia message", "wacha kunitumia ujumbe", "wacha kunitumia sms",
		"wacha kunisumbua", "wacheni kunisumbua", "wacha kuniandikia", "niondoe kwenye orodha", "nitoe kwenye orodha",
		"futa namba yangu", "futa nambari yangu", "usitume ujumbe", "msitume ujumbe",
		"achana na mimi", "niache", "niacheni", "simama", "komesha", "koma", "sitisha", "ghairi",
		"acha ujumbe", "acha jumbe", "acha kutuma", "acha kutuma ujumbe", "acha kutuma jumbe",
		"acha kunitumia", "acheni kunitumia", "acha kunitumia ujumbe", "acheni kunitumia ujumbe", "acha kunitumia jumbe",
		"acha kunitumia meseji", "acha kunitumia message", "acha kunitumia messages", "acha kunitumia sms",
		"acha kuniandikia", "acheni kuniandikia", "acha kunisumbua", "acheni kunisumbua", "acha kunitext",
		"sitaki", "sitaki ujumbe", "sitaki jumbe", "sitaki ujumbe wako", "sitaki ujumbe wenu", "sitaki messages", "sitaki meseji",
		"nitoe", "nitoeni", "niondoe", "niondoeni", "jitoe", "jiondoe", "nataka kujitoa", "nataka kujiondoa",
		"usinitumie", "usinitumie ujumbe", "usinitumie jumbe", "usinitumie meseji", "usinitumie messages",
		"msinitumie", "msinitumie ujumbe", "usiniandikie", "msiniandikie", "usinisumbue", "msinisumbue":
		return commandStop
	case "start", "unstop", "resume", "restart", "subscribe", "opt in", "optin", "anza", "endelea", "nirudishe":
		return commandStart
	case "join", "join list", "join the list", "join waiting list", "join the waiting list", "join waitlist", "join the waitlist",
		"i want to join", "i want to join the list", "i want to join the waiting list", "i want to join the waitlist",
		"join jiunge", "jiunge", "nijiunge", "kujiunga", "jiunge na orodha", "nataka kujiunga", "nataka kujiunga na orodha":
		return commandJoin
	}
	return noCommand
}

// isCourtesy reports whether a word around or within a command does not change
// it.
func isCourtesy(word string) bool {
	switch word {
	case "please", "pls", "plz", "plse", "kindly", "thanks", "thankyou", "thx", "sorry", "ok", "okay", "now", "immediately",
		"just", "hi", "hello", "hey", "dear", "sir", "madam", "bye", "goodbye", "aisha",
		"tafadhali", "tafadhalini", "asante", "asanteni", "ahsante", "sana", "shukrani", "samahani", "naomba",
		"sasa", "tena", "again", "kabisa", "habari", "hujambo", "sawa", "ndugu", "kwaheri":
		return true
	}
	return false
}

// messageCommand returns the command that a message is.
func messageCommand(m UnansweredMessage) command {
	if m.Revoked {
		return noCommand
	}
	return commandIn(m.Text)
}

// commandIn returns the command that the text of a message is.
func commandIn(text sensitive.Text) command {
	return commandOf(normalizeCommand(webhook.WithoutNotes(text.Reveal())))
}

// normalizeCommand returns the words of text in lower case, separated by single
// spaces: without punctuation, emoji and invisible characters, without courtesies,
// and without a word that repeats the one before it. It returns an empty text
// where these are more words than a command has.
func normalizeCommand(text string) string {
	const (
		maxText    = 4 << 10 // bytes; of "STOP!!!!" and the like
		maxCommand = 100     // bytes; every command is shorter
	)
	if len(text) > maxText {
		return ""
	}
	text = strings.Map(narrow, strings.ToLower(visible.RemoveInvisible(text)))
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	joined := " " + strings.Join(words, " ") + " "
	joined = strings.NewReplacer(" thank you ", " thanks ", " dont ", " don t ").Replace(joined)
	words = slices.Compact(slices.DeleteFunc(strings.Fields(joined), isCourtesy))
	if command := strings.Join(words, " "); len(command) <= maxCommand {
		return command
	}
	return ""
}

// narrow returns the ASCII letter of a full-width one.
func narrow(r rune) rune {
	if 'ａ' <= r && r <= 'ｚ' {
		return r - 'ａ' + 'a'
	}
	return r
}
