package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// geminiCompletion is a completion and how it is sent.
type geminiCompletion struct {
	model        string
	chunks       []string // the text, split into the chunks of a stream
	promptTokens int
	intEnums     bool          // enums are numbers and not names
	took         time.Duration // from the prompt to the end of the completion
}

// write sends the completion, or what the fault makes of it.
func (a geminiCompletion) write(w http.ResponseWriter, r *http.Request, method geminiMethod, fault GeminiFaultKind) {
	switch {
	case fault == GeminiBlocked:
		writeSingleElement(w, method, a.blocked())
	case fault == GeminiEmpty:
		writeSingleElement(w, method, a.empty())
	case fault == GeminiTruncated:
		a.writeChunks(w, r, len(a.chunks)/2)
		dropConnection(r)
	case method == methodStream:
		// Without "alt=sse" the API streams one JSON array.
		if a.writeChunks(w, r, len(a.chunks)) {
			_, _ = fmt.Fprint(w, "]\n")
		}
	case sleep(r.Context(), a.took):
		writeSingleElement(w, method, a.complete())
	}
}

// writeSingleElement writes one GenerateContentResponse, inside of an array if
// the call asked for a stream.
func writeSingleElement(w http.ResponseWriter, method geminiMethod, element object) {
	if method == methodStream {
		writeJSON(w, http.StatusOK, []object{element})
		return
	}
	writeJSON(w, http.StatusOK, element)
}

// writeChunks writes the beginning of an array with the first n chunks, and
// reports whether the caller received them.
func (a geminiCompletion) writeChunks(w http.ResponseWriter, r *http.Request, n int) bool {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	flusher := http.NewResponseController(w)
	separator := "["
	tokens := 0
	for i, text := range a.chunks[:n] {
		if !sleep(r.Context(), a.took/time.Duration(len(a.chunks))) {
			return false
		}
		tokens += estimateTokens(text)
		chunk := a.chunk(text, tokens)
		if i == len(a.chunks)-1 {
			a.setFinished(chunk)
		}
		element, err := json.Marshal(chunk)
		if err != nil {
			return false
		}
		if _, err := fmt.Fprintf(w, "%s%s", separator, element); err != nil {
			return false
		}
		_ = flusher.Flush() // a writer that cannot flush sends everything at the end
		separator = "\n,\n"
	}
	return true
}

// chunk returns one GenerateContentResponse. CompletionTokens counts the tokens
// of all chunks so far.
func (a geminiCompletion) chunk(text string, completionTokens int) object {
	return object{
		"candidates": []object{{
			"content": object{"role": "model", "parts": []object{{"text": text}}},
			"index":   0,
		}},
		"usageMetadata": object{
			"promptTokenCount":     a.promptTokens,
			"candidatesTokenCount": completionTokens,
			"totalTokenCount":      a.promptTokens + completionTokens,
		},
		"modelVersion": a.model,
	}
}

// setFinished adds the finish reason that only the last chunk has.
func (a geminiCompletion) setFinished(chunk object) {
	var reason any = "STOP"
	if a.intEnums {
		reason = 1
	}
	chunk["candidates"].([]object)[0]["finishReason"] = reason
}

func (a geminiCompletion) complete() object {
	text := strings.Join(a.chunks, "")
	chunk := a.chunk(text, estimateTokens(text))
	a.setFinished(chunk)
	return chunk
}

// empty returns a finished completion without any text.
func (a geminiCompletion) empty() object {
	chunk := a.chunk("", 0)
	a.setFinished(chunk)
	chunk["candidates"].([]object)[0]["content"] = object{"role": "model"}
	return chunk
}

// blocked returns the response to a prompt that was blocked for safety.
func (a geminiCompletion) blocked() object {
	var reason any = "SAFETY"
	if a.intEnums {
		reason = 1
	}
	return object{
		"promptFeedback": object{"blockReason": reason},
		"usageMetadata":  object{"promptTokenCount": a.promptTokens, "totalTokenCount": a.promptTokens},
		"modelVersion":   a.model,
	}
}
