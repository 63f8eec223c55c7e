package handler

import (
	"net/http"
	"strconv"

	"aisha/internal/handler/wire"
	"aisha/internal/service/gemini"
)

type completionBody struct {
	Response string `json:"response"`
}

// askGemini handles POST /gemini.
func askGemini(service Gemini) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		prompt, err := wire.Decode(r, func(m *wire.Members) string {
			m.RejectUnknown("prompt")
			return m.String("prompt")
		})
		if err != nil {
			return wire.Response{}, err
		}
		completion, err := service.Ask(r.Context(), prompt).Get()
		if err != nil {
			return wire.Response{}, err
		}
		return wire.Response{
			Status: http.StatusOK,
			Header: completionHeader(completion),
			Body:   completionBody{Response: completion.Text.Reveal()},
		}, nil
	}
}

// completionHeader returns the details of a completion as headers, because the
// contract fixes the members of the body.
func completionHeader(completion gemini.Completion) http.Header {
	header := http.Header{}
	header.Set("Aisha-Model", completion.Model)
	header.Set("Aisha-Finish-Reason", completion.FinishReason)
	header.Set("Aisha-Prompt-Tokens", strconv.Itoa(completion.PromptTokens))
	header.Set("Aisha-Response-Tokens", strconv.Itoa(completion.ResponseTokens))
	return header
}
