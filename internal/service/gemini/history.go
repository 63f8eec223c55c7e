package gemini

import (
	"slices"
	"strings"
)

// MaxHistoryTokens bounds what the model is given of a conversation, its last
// turn included, by the estimate of [tokens]. It keeps an answer quick and
// cheap, far below what a model can take in.
const MaxHistoryTokens = 16_000

// alternating is turns without those that say nothing, and with those of the
// same side next to each other made one: the API wants the sides to take
// turns. It leaves the given turns as they are.
func alternating(turns []Turn) []Turn {
	var merged []Turn
	for _, turn := range turns {
		parts := saying(turn.Parts)
		switch last := len(merged) - 1; {
		case len(parts) == 0:
		case last >= 0 && merged[last].Role == turn.Role:
			merged[last].Parts = append(merged[last].Parts, parts...)
		default:
			merged = append(merged, Turn{Role: turn.Role, Parts: parts})
		}
	}
	return merged
}

// saying is a copy of parts without the blank ones.
func saying(parts []Part) []Part {
	return slices.DeleteFunc(slices.Clone(parts), func(p Part) bool {
		return len(p.Data) == 0 && strings.TrimSpace(p.Text.Reveal()) == ""
	})
}

// recent is the end of a conversation that fits MaxHistoryTokens. It begins
// with a turn of the user's, as the API wants, and ends with the last turn,
// however long that is. It is empty where the last turn is not the user's.
func recent(turns []Turn) []Turn {
	if len(turns) == 0 || turns[len(turns)-1].Role != User {
		return nil
	}
	first := len(turns) - 1
	sum := tokens(turns[first])
	for i := first - 1; i >= 0; i-- {
		if sum += tokens(turns[i]); sum > MaxHistoryTokens {
			break
		}
		if turns[i].Role == User {
			first = i
		}
	}
	return turns[first:]
}

// tokens estimates how many tokens a turn costs, rather too many than too few.
//
// Gemini's documentation gives four characters a token for English. Swahili,
// with its long agglutinated words, needs more tokens for the same text, and
// scripts of several bytes a character about one a character: a token for
// three bytes covers all of them.
//
// A picture costs 1,120 tokens at most. Sound costs 32 a second, which is one
// for about 60 bytes of WhatsApp's voice notes.
func tokens(turn Turn) int {
	const bytesOfText, bytesOfSound, picture = 3, 50, 1_120
	sum := 0
	for _, part := range turn.Parts {
		sum += (len(part.Text.Reveal()) + bytesOfText - 1) / bytesOfText
		switch {
		case strings.HasPrefix(part.MIMEType, "image/"):
			sum += picture
		default:
			sum += len(part.Data) / bytesOfSound
		}
	}
	return sum
}
