package handler

import (
	"net/http"
	"strconv"

	"aisha/internal/service/gemini"
)

type said struct {
	Response string `json:"response"`
}

// ask answers POST /gemini.
func ask(service Gemini) func(*http.Request) (reply, error) {
	return func(r *http.Request) (reply, error) {
		prompt, err := decode(r, func(m *members) string { return m.text("prompt") })
		if err != nil {
			return reply{}, err
		}
		answer, err := service.Ask(r.Context(), prompt).Get()
		if err != nil {
			return reply{}, err
		}
		return reply{
			status: http.StatusOK,
			header: aboutAnswer(answer),
			body:   said{Response: answer.Text.Reveal()},
		}, nil
	}
}

// aboutAnswer is what the body, which is exact, has no place for.
func aboutAnswer(answer gemini.Answer) http.Header {
	header := http.Header{}
	header.Set("Aisha-Model", answer.Model)
	header.Set("Aisha-Finish-Reason", answer.FinishReason)
	header.Set("Aisha-Prompt-Tokens", strconv.Itoa(answer.PromptTokens))
	header.Set("Aisha-Response-Tokens", strconv.Itoa(answer.ResponseTokens))
	return header
}
