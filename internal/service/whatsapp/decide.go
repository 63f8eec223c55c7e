package whatsapp

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// window is Meta's customer service window: later than this after a person's
// last message only templates may be sent.
// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages
const window = 24 * time.Hour

// MachineAnswers within MachineSpan are what no human asks for. Two assistants
// that talk to each other would never stop by themselves.
const (
	MachineAnswers = 25
	MachineSpan    = 5 * time.Minute
)

// decision is how the waiting messages of a person are answered: with a fixed
// sentence, with the model's words, or, where neither, with silence.
type decision struct {
	sentence string
	ask      bool
	join     bool // put them on the waiting list; the sentence says how it went
	effect   Effect
}

// speaks reports whether the person gets an answer.
func (d decision) speaks() bool { return d.ask || d.join || d.sentence != "" }

// decide applies the rules that need no model, the strictest first.
func (s *Service) decide(person Person, waiting []Waiting) decision {
	newest := waiting[len(waiting)-1]
	command := lastCommand(waiting)
	switch {
	case newest.SentAgo > window:
		return decision{} // nothing may be sent any more
	case command == stop && person.OptedOut:
		return decision{} // confirmed before
	case command == stop:
		return decision{sentence: sentenceOptedOut, effect: OptOut}
	case command == start && person.OptedOut:
		return decision{sentence: sentenceOptedIn, effect: OptIn}
	case person.OptedOut, person.Paused:
		return decision{}
	case person.Recent >= MachineAnswers:
		return decision{effect: Mute}
	case newest.SentAgo > s.options.ReplyWithin:
		return decision{sentence: sentenceLate}
	case command == join:
		return decision{join: true}
	case slices.ContainsFunc(waiting, readable):
		return decision{ask: true}
	case person.Hinted, allRevoked(waiting):
		return decision{}
	default:
		return decision{sentence: sentenceUnreadable, effect: Hint}
	}
}

// readable reports whether the model can make something of the message.
func readable(m Waiting) bool {
	if m.Revoked {
		return false
	}
	return wordy(m) || m.Media.ID != "" && modelReads(m.Media.MIMEType)
}

// wordy reports whether the message says anything in words.
func wordy(m Waiting) bool { return !m.Revoked && strings.TrimSpace(m.Text.Reveal()) != "" }

func allRevoked(waiting []Waiting) bool {
	return !slices.ContainsFunc(waiting, func(m Waiting) bool { return !m.Revoked })
}

// command is a message that asks for something that the model has no part in.
type command uint8

const (
	none command = iota
	stop
	start
	join
)

// commands are whole messages, in lower case and without punctuation.
func commands(text string) command {
	switch text {
	case "stop", "stop all", "unsubscribe", "acha", "simama", "komesha", "sitaki", "nitoe", "usinitumie":
		return stop
	case "start", "unstop", "resume", "anza", "endelea", "nirudishe":
		return start
	case "join", "join list", "join the list", "join waiting list", "join the waiting list",
		"join jiunge", "jiunge", "nijiunge", "kujiunga", "jiunge na orodha", "nataka kujiunga":
		return join
	}
	return none
}

// lastCommand is the newest command among the messages: who writes STOP and
// then START means START.
func lastCommand(waiting []Waiting) command {
	for _, m := range slices.Backward(waiting) {
		if m.Revoked {
			continue
		}
		if c := commands(bare(m.Text.Reveal())); c != none {
			return c
		}
	}
	return none
}

// bare is text as it is compared: lower case, single spaces, no punctuation
// around its words.
func bare(text string) string {
	const longest = 100 // no command is as long
	if len(text) > longest {
		return ""
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, " ")
}
