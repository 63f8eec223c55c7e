package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
)

// The methods of a Gemini model that the simulator knows.
const (
	methodGenerate geminiMethod = "generateContent"
	methodStream   geminiMethod = "streamGenerateContent"
)

// geminiMethod is the method in the path of a call. Responses to methodStream,
// errors included, are JSON arrays.
type geminiMethod string

// geminiRequest has the parts of a prompt that the simulator uses.
type geminiRequest struct {
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

// text joins the texts of a turn.
func (c geminiContent) text() string {
	var texts []string
	for _, part := range c.Parts {
		if part.Text != "" {
			texts = append(texts, part.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// geminiGenerate handles POST /v1beta/models/{model}:generateContent and
// :streamGenerateContent.
func (s *Simulator) geminiGenerate(w http.ResponseWriter, r *http.Request) {
	model, method := chi.URLParam(r, "model"), geminiMethod(chi.URLParam(r, "method"))
	setLabel(r, exchangeLabel{Summary: "completion"})
	request, failure := s.decodeGeminiRequest(r, method)
	if failure != nil {
		failure.write(w, method)
		return
	}
	setLabel(r, s.completionLabel(request))
	_, faultCleared := s.store.currentFaults()
	fault := s.nextGeminiFault()
	if failure := geminiErrorForFault(fault); failure != nil {
		failure.write(w, method)
		return
	}
	if fault == GeminiHangs {
		s.hangUntilCleared(r, faultCleared)
	}
	question := request.question()
	s.store.addModelCall(ModelCall{
		Model:        model,
		Stream:       method == methodStream,
		Instructions: request.SystemInstruction.text(),
		EarlierTurns: request.earlierTurns(),
		Prompt:       question.text(),
	})
	completion := geminiCompletion{
		model:        model,
		chunks:       splitChunks(completionText(question, request.earlierTurns())),
		promptTokens: request.estimateTokens(),
		intEnums:     strings.Contains(r.URL.Query().Get("$alt"), "enum-encoding=int"),
		took:         s.random.durationIn(s.options.Timing.Model),
	}
	completion.write(w, r, method, fault)
}

// completionLabel describes a prompt in the traffic list.
func (s *Simulator) completionLabel(request geminiRequest) exchangeLabel {
	prompt := request.question().text()
	return exchangeLabel{Summary: "completion", Person: s.store.authorOfPrompt(prompt), Excerpt: excerpt(prompt)}
}

// decodeGeminiRequest reads and validates a call. It accepts the key in its
// header only: a key in the URL would end up in logs.
func (s *Simulator) decodeGeminiRequest(r *http.Request, method geminiMethod) (geminiRequest, *geminiError) {
	var request geminiRequest
	switch key := r.Header.Get("X-Goog-Api-Key"); {
	case method != methodGenerate && method != methodStream:
		return request, unknownMethod()
	case key == "":
		return request, missingKey()
	case !secretsEqual(key, s.options.GeminiKey):
		return request, invalidKey()
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return request, invalidArgument("Invalid JSON payload received.")
	}
	switch {
	case len(request.Contents) == 0:
		return request, invalidArgument("* GenerateContentRequest.contents: contents is not specified\n")
	case request.question().Role == "model":
		return request, invalidArgument("Please ensure that the last turn is a user turn.")
	case len(request.question().Parts) == 0:
		return request, invalidArgument("* GenerateContentRequest.contents.parts: must have at least one part\n")
	case request.GenerationConfig.CandidateCount > 1:
		return request, invalidArgument("Multiple candidates is not enabled for this model")
	}
	return request, nil
}

// question returns the last turn.
func (c geminiRequest) question() geminiContent { return c.Contents[len(c.Contents)-1] }

func (c geminiRequest) earlierTurns() int { return len(c.Contents) - 1 }

// estimateTokens returns roughly what a tokenizer would count for the prompt.
func (c geminiRequest) estimateTokens() int {
	n := estimateTokens(c.SystemInstruction.text())
	for _, content := range c.Contents {
		n += estimateTokens(content.text())
	}
	return n
}

func estimateTokens(text string) int { return (utf8.RuneCountInString(text) + 3) / 4 }
