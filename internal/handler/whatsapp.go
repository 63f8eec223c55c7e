package handler

import (
	"net/http"
	"regexp"

	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

// subscribe answers GET /webhook/whatsapp, by which Meta makes sure that the
// webhook is ours.
func subscribe(service WhatsApp) func(*http.Request) (reply, error) {
	return func(r *http.Request) (reply, error) {
		query := r.URL.Query()
		challenge, err := service.Subscribe(whatsapp.Subscription{
			Mode:        query.Get("hub.mode"),
			VerifyToken: query.Get("hub.verify_token"),
			Challenge:   query.Get("hub.challenge"),
		}).Get()
		if err != nil {
			return reply{}, err
		}
		return reply{status: http.StatusOK, contentType: "text/plain; charset=utf-8", body: []byte(challenge)}, nil
	}
}

type receipt struct {
	Messages int `json:"messages"`
	Statuses int `json:"statuses"`
	Kept     int `json:"kept"`
}

// signatureShape is what Meta's signatures look like. The body of a request
// whose signature cannot be right is not even read.
var signatureShape = regexp.MustCompile(`^sha256=[0-9a-fA-F]{64}$`)

// receive answers POST /webhook/whatsapp. What the body is and whether to
// believe it is the service's to judge, over the bytes as they came.
func receive(service WhatsApp) func(*http.Request) (reply, error) {
	return func(r *http.Request) (reply, error) {
		signature := r.Header.Get("X-Hub-Signature-256")
		var body []byte
		if signatureShape.MatchString(signature) {
			var err error
			if body, err = readBody(r, maxWebhookBody); err != nil {
				return reply{}, err
			}
		}
		received := service.Receive(r.Context(), signature, body)
		return show(resource.Map(received, func(got whatsapp.Receipt) receipt { return receipt(got) }), r.URL.Path)
	}
}
