package gemini

import (
	"slices"
	"strings"
)

// MaxHistoryTokens is the maximum size of a conversation in a request, last
// content included, as estimated by estimateTokens. It is far below the models'
// limit and keeps completions fast and cheap.
const MaxHistoryTokens = 16_000

// mergeSameRole returns contents without blank parts, and with neighbors of the
// same role merged into one, because the API expects the roles to alternate.
// It does not modify its argument.
func mergeSameRole(contents []Content) []Content {
	var merged []Content
	for _, content := range contents {
		parts := withoutBlankParts(content.Parts)
		switch last := len(merged) - 1; {
		case len(parts) == 0:
		case last >= 0 && merged[last].Role == content.Role:
			merged[last].Parts = append(merged[last].Parts, parts...)
		default:
			merged = append(merged, Content{Role: content.Role, Parts: parts})
		}
	}
	return merged
}

// withoutBlankParts returns a copy of parts without those that have neither
// data nor visible text.
func withoutBlankParts(parts []Part) []Part {
	return slices.DeleteFunc(slices.Clone(parts), func(p Part) bool {
		return len(p.Data) == 0 && strings.TrimSpace(p.Text.Reveal()) == ""
	})
}

// mostRecent returns the longest end of contents that fits MaxHistoryTokens and
// begins with a content of the user, as the API expects. The last content is
// always included, whatever its size. The result is empty if the last content
// is not the user's.
func mostRecent(contents []Content) []Content {
	if len(contents) == 0 || contents[len(contents)-1].Role != RoleUser {
		return nil
	}
	first := len(contents) - 1
	sum := estimateTokens(contents[first])
	for i := first - 1; i >= 0; i-- {
		if sum += estimateTokens(contents[i]); sum > MaxHistoryTokens {
			break
		}
		if contents[i].Role == RoleUser {
			first = i
		}
	}
	return contents[first:]
}

// estimateTokens estimates the number of tokens of a content. The estimate
// errs on the high side.
//
//   - Text: Gemini's documentation gives four characters per token for English.
//     Swahili, with its long agglutinated words, needs more tokens for the same
//     text, and scripts with several bytes per character need about one token
//     per character. One token per three bytes covers all of them.
//   - Pictures: at most 1,120 tokens each.
//   - Audio: 32 tokens per second, which is one token per 60 bytes or so of a
//     WhatsApp voice note.
func estimateTokens(content Content) int {
	const bytesPerTextToken, bytesPerAudioToken, tokensPerPicture = 3, 50, 1_120
	sum := 0
	for _, part := range content.Parts {
		sum += (len(part.Text.Reveal()) + bytesPerTextToken - 1) / bytesPerTextToken
		if strings.HasPrefix(part.MIMEType, "image/") {
			sum += tokensPerPicture
		} else {
			sum += len(part.Data) / bytesPerAudioToken
		}
	}
	return sum
}
