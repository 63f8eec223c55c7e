package simulator

import (
	"net/http"
	"strings"
)

// curl returns a shell command that sends the request of an exchange. It takes
// secrets from the environment variables of the service. It returns an empty
// string if the request is not known or not complete.
func (x *exchange) curl() string {
	if x.URL == "" || x.truncated {
		return ""
	}
	words := []string{"curl", "-sS"}
	if x.Method != http.MethodGet {
		words = append(words, "-X", x.Method)
	}
	words = append(words, quotedURL(x.URL))
	for _, header := range x.curlHeaders() {
		words = append(words, "-H", header)
	}
	if len(x.request) > 0 {
		words = append(words, "--data-binary", shellQuote(string(x.request)))
	}
	return strings.Join(words, " ")
}

// curlHeaders returns the quoted headers of the request.
func (x *exchange) curlHeaders() []string {
	var headers []string
	if len(x.request) > 0 {
		headers = append(headers, shellQuote("Content-Type: application/json"))
	}
	switch {
	case x.Kind == kindGraph:
		headers = append(headers, `"Authorization: Bearer $WHATSAPP_TOKEN"`)
	case x.Kind == kindGemini:
		headers = append(headers, `"X-Goog-Api-Key: $GEMINI_API_KEY"`)
	case x.Signature != "":
		headers = append(headers, shellQuote("X-Hub-Signature-256: "+x.Signature))
	}
	return headers
}

// quotedURL quotes a URL. The traffic list shows an ellipsis for the verify
// token at its end, which the command takes from its variable.
func quotedURL(address string) string {
	if withoutToken, found := strings.CutSuffix(address, hiddenToken); found {
		return shellQuote(withoutToken) + `"$WEBHOOK_VERIFY_TOKEN"`
	}
	return shellQuote(address)
}

// shellQuote quotes a word for a POSIX shell.
func shellQuote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
