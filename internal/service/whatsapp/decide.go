package whatsapp

import (
	"slices"
	"strings"
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

// decide applies the rules that need no model, the strictest first. STOP and START
// are applied before it; see Choice. With
// sendNothing the messages count as answered too, so a rule that only delays an
// answer belongs in answerDelay.
func (s *Service) decide(person Person, messages []UnansweredMessage) decision {
	newest := messages[len(messages)-1]
	tooLate := newest.SentAgo > ServiceWindow // Meta would refuse an answer
	switch {
	case tooLate, person.OptedOut, person.Paused, !slices.ContainsFunc(messages, isNotRevoked):
		return decision{}
	case person.RecentAnswers >= MachineAnswers:
		return decision{effect: Mute}
	case newest.SentAgo > s.options.ReplyWithin:
		return decision{kind: sendSentence, sentence: sentenceLate}
	case slices.ContainsFunc(messages, isJoin):
		return decision{kind: joinWaitlist}
	case slices.ContainsFunc(messages, isReadable):
		return decision{kind: askModel}
	case slices.ContainsFunc(messages, isUndelivered):
		return decision{kind: sendSentence, sentence: sentenceNotDelivered}
	case person.HintedRecently:
		return decision{}
	default:
		return decision{kind: sendSentence, sentence: sentenceUnreadable, effect: Hint}
	}
}

// isReadable reports whether the model can read anything of the message.
func isReadable(m UnansweredMessage) bool {
	return hasText(m) || isNotRevoked(m) && mayBeReadable(m.Media)
}

func isJoin(m UnansweredMessage) bool { return messageCommand(m) == commandJoin }

func hasText(m UnansweredMessage) bool {
	return isNotRevoked(m) && strings.TrimSpace(m.Text.Reveal()) != ""
}

func isNotRevoked(m UnansweredMessage) bool { return !m.Revoked }
