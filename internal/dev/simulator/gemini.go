package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
)

// geminiCall is the part of a prompt that the answer depends on.
type geminiCall struct {
	Contents          []geminiContent `json:"contents"`
	SystemInstruction geminiContent   `json:"systemInstruction"`
	GenerationConfig  struct {
		CandidateCount int `json:"candidateCount"`
	} `json:"generationConfig"`
}

type geminiContent struct {
	Role  string       `json:"role"`
	Parts []geminiPart `json:"parts"`
}

type geminiPart struct {
	Text       string `json:"text"`
	InlineData *struct {
		MIMEType string `json:"mimeType"`
		Data     []byte `json:"data"`
	} `json:"inlineData"`
}

// text is the words of a turn.
func (c geminiContent) text() string {
	var texts []string
	for _, part := range c.Parts {
		if part.Text != "" {
			texts = append(texts, part.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// geminiGenerate is POST /v1beta/models/{model}:generateContent and
// :streamGenerateContent.
func (s *Simulator) geminiGenerate(w http.ResponseWriter, r *http.Request) {
	model, method := chi.URLParam(r, "model"), chi.URLParam(r, "method")
	stream := method == "streamGenerateContent"
	describe(r, method)

	call, refusal := s.decodeGeminiCall(r, method)
	if refusal != nil {
		refusal.write(w, stream)
		return
	}
	_, lifted := s.store.currentFaults()
	fault := s.drawGemini()
	if refusal := outage(fault); refusal != nil {
		refusal.write(w, stream)
		return
	}
	if fault == GeminiHangs {
		s.hang(r, lifted)
	}
	question := call.Contents[len(call.Contents)-1]
	s.store.asked(ModelCall{
		Model:        model,
		Stream:       stream,
		Instructions: call.SystemInstruction.text(),
		EarlierTurns: len(call.Contents) - 1,
		Prompt:       question.text(),
	})
	answer := geminiAnswer{
		model:    model,
		chunks:   chunks(compose(question, len(call.Contents)-1)),
		prompt:   call.tokens(),
		intEnums: strings.Contains(r.URL.Query().Get("$alt"), "enum-encoding=int"),
	}
	took := s.chance.within(s.options.Timing.Model)
	switch {
	case fault == GeminiBlocks:
		writeGemini(w, stream, answer.blocked())
	case fault == GeminiEmpty:
		writeGemini(w, stream, answer.empty())
	case fault == GeminiTruncates:
		answer.truncate(w, r, took)
	case stream:
		answer.stream(w, r, took)
	case pause(r.Context(), took):
		writeGemini(w, false, answer.whole())
	}
}

// writeGemini answers a stream with an array of one element.
func writeGemini(w http.ResponseWriter, stream bool, element object) {
	if stream {
		writeJSON(w, http.StatusOK, []object{element})
		return
	}
	writeJSON(w, http.StatusOK, element)
}

// decodeGeminiCall takes the key from its header alone: a key in the URL is one
// that ends up in logs.
func (s *Simulator) decodeGeminiCall(r *http.Request, method string) (geminiCall, *geminiError) {
	var call geminiCall
	switch key := r.Header.Get("X-Goog-Api-Key"); {
	case method != "generateContent" && method != "streamGenerateContent":
		return call, unknownMethod()
	case key == "":
		return call, missingKey()
	case !sameSecret(key, s.options.GeminiKey):
		return call, invalidKey()
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		return call, invalidArgument("Invalid JSON payload received.")
	}
	switch {
	case len(call.Contents) == 0:
		return call, invalidArgument("* GenerateContentRequest.contents: contents is not specified\n")
	case call.Contents[len(call.Contents)-1].Role == "model":
		return call, invalidArgument("Please ensure that the last turn is a user turn.")
	case len(call.Contents[len(call.Contents)-1].Parts) == 0:
		return call, invalidArgument("* GenerateContentRequest.contents.parts: must have at least one part\n")
	case call.GenerationConfig.CandidateCount > 1:
		return call, invalidArgument("Multiple candidates is not enabled for this model")
	}
	return call, nil
}

// tokens is roughly what a tokenizer would count.
func (c geminiCall) tokens() int {
	n := tokens(c.SystemInstruction.text())
	for _, content := range c.Contents {
		n += tokens(content.text())
	}
	return n
}

func tokens(text string) int { return (utf8.RuneCountInString(text) + 3) / 4 }

// geminiAnswer is an answer on its way, cut into what each chunk carries.
type geminiAnswer struct {
	model    string
	chunks   []string
	prompt   int // tokens of the prompt
	intEnums bool
}

// chunk is one GenerateContentResponse. Usage grows from chunk to chunk, and
// only the last one says why the answer ends.
func (a geminiAnswer) chunk(text string, tokensSoFar int, final bool) object {
	candidate := object{
		"content": object{"role": "model", "parts": []object{{"text": text}}},
		"index":   0,
	}
	if final {
		candidate["finishReason"] = "STOP"
		if a.intEnums {
			candidate["finishReason"] = 1
		}
	}
	return object{
		"candidates": []object{candidate},
		"usageMetadata": object{
			"promptTokenCount":     a.prompt,
			"candidatesTokenCount": tokensSoFar,
			"totalTokenCount":      a.prompt + tokensSoFar,
		},
		"modelVersion": a.model,
	}
}

func (a geminiAnswer) whole() object {
	text := strings.Join(a.chunks, "")
	return a.chunk(text, tokens(text), true)
}

// empty is a complete answer in which the model says nothing.
func (a geminiAnswer) empty() object {
	chunk := a.chunk("", 0, true)
	chunk["candidates"].([]object)[0]["content"] = object{"role": "model"}
	return chunk
}

// blocked declines to answer what was asked.
func (a geminiAnswer) blocked() object {
	var reason any = "SAFETY"
	if a.intEnums {
		reason = 1
	}
	return object{
		"promptFeedback": object{"blockReason": reason},
		"usageMetadata":  object{"promptTokenCount": a.prompt, "totalTokenCount": a.prompt},
		"modelVersion":   a.model,
	}
}

// truncate begins to answer and breaks the connection.
func (a geminiAnswer) truncate(w http.ResponseWriter, r *http.Request, took time.Duration) {
	a.elements(w, r, took, len(a.chunks)/2)
	cut(r)
}

// stream writes one JSON array, element by element, as the API does for who
// does not ask for server-sent events.
func (a geminiAnswer) stream(w http.ResponseWriter, r *http.Request, took time.Duration) {
	if a.elements(w, r, took, len(a.chunks)) {
		_, _ = fmt.Fprint(w, "]\n")
	}
}

// elements writes the first n elements and reports whether they arrived.
func (a geminiAnswer) elements(w http.ResponseWriter, r *http.Request, took time.Duration, n int) bool {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	flusher := http.NewResponseController(w)
	between := "["
	soFar := 0
	for i, text := range a.chunks[:n] {
		if !pause(r.Context(), took/time.Duration(len(a.chunks))) {
			return false
		}
		soFar += tokens(text)
		element, err := json.Marshal(a.chunk(text, soFar, i == len(a.chunks)-1))
		if err != nil {
			return false
		}
		if _, err := fmt.Fprintf(w, "%s%s", between, element); err != nil {
			return false
		}
		_ = flusher.Flush() // a writer that cannot flush sends it all at the end
		between = "\n,\n"
	}
	return true
}
