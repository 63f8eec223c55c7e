package whatsapp

import (
	"slices"
	"strings"
	"unicode"
)

// decision says how a person's messages are answered.
type decision struct {
	kind     decisionKind
	sentence string // of sendSentence
	effect   Effect
}

type decisionKind uint8

const (
	sendNothing decisionKind = iota
	sendSentence
	askModel
	joinWaitlist // the sentence depends on whether it works
)

// sendsAnswer reports whether the person gets an answer.
func (d decision) sendsAnswer() bool { return d.kind != sendNothing }

// decide applies the rules that need no model, the strictest first. With
// sendNothing the messages count as answered too, so a rule that only delays an
// answer belongs in answerDelay.
func (s *Service) decide(person Person, messages []UnansweredMessage) decision {
	newest := messages[len(messages)-1]
	tooLate := newest.SentAgo > ServiceWindow // Meta would refuse an answer
	command := lastCommand(messages)
	switch {
	case command == commandStop && person.OptedOut:
		return decision{} // confirmed before
	case command == commandStop && tooLate:
		return decision{effect: OptOut}
	case command == commandStart && person.OptedOut && tooLate:
		return decision{effect: OptIn}
	case tooLate:
		return decision{}
	case command == commandStop:
		return decision{kind: sendSentence, sentence: sentenceOptedOut, effect: OptOut}
	case command == commandStart && person.OptedOut:
		return decision{kind: sendSentence, sentence: sentenceOptedIn, effect: OptIn}
	case person.OptedOut, person.Paused:
		return decision{}
	case person.RecentAnswers >= MachineAnswers:
		return decision{effect: Mute}
	case newest.SentAgo > s.options.ReplyWithin:
		return decision{kind: sendSentence, sentence: sentenceLate}
	case command == commandJoin:
		return decision{kind: joinWaitlist}
	case slices.ContainsFunc(messages, isReadable):
		return decision{kind: askModel}
	case slices.ContainsFunc(messages, isUndelivered):
		return decision{kind: sendSentence, sentence: sentenceNotDelivered}
	case person.HintedRecently, !slices.ContainsFunc(messages, isNotRevoked):
		return decision{}
	default:
		return decision{kind: sendSentence, sentence: sentenceUnreadable, effect: Hint}
	}
}

// isReadable reports whether the model can read anything of the message.
func isReadable(m UnansweredMessage) bool {
	return hasText(m) || isNotRevoked(m) && mayBeReadable(m.Media)
}

func hasText(m UnansweredMessage) bool {
	return isNotRevoked(m) && strings.TrimSpace(m.Text.Reveal()) != ""
}

func isNotRevoked(m UnansweredMessage) bool { return !m.Revoked }

// command is a message that the service obeys without the model.
type command uint8

const (
	noCommand command = iota
	commandStop
	commandStart
	commandJoin
)

// commandOf returns the command in a normalized text. A command is the whole
// message.
func commandOf(text string) command {
	switch text {
	case "stop", "stop all", "unsubscribe", "acha", "simama", "komesha", "sitaki", "nitoe", "usinitumie":
		return commandStop
	case "start", "unstop", "resume", "anza", "endelea", "nirudishe":
		return commandStart
	case "join", "join list", "join the list", "join waiting list", "join the waiting list",
		"join jiunge", "jiunge", "nijiunge", "kujiunga", "jiunge na orodha", "nataka kujiunga":
		return commandJoin
	}
	return noCommand
}

// lastCommand returns the newest command in the messages: START after STOP means
// START.
func lastCommand(messages []UnansweredMessage) command {
	for _, m := range slices.Backward(messages) {
		if m.Revoked {
			continue
		}
		if c := commandOf(normalizeCommand(m.Text.Reveal())); c != noCommand {
			return c
		}
	}
	return noCommand
}

// normalizeCommand returns the words of text in lower case, separated by single
// spaces and without punctuation.
func normalizeCommand(text string) string {
	const maxLength = 100 // in bytes; every command is shorter
	if len(text) > maxLength {
		return ""
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, " ")
}
