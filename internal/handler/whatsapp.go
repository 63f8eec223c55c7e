package handler

import (
	"errors"
	"net/http"

	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

// maxWebhookBody is the limit of a webhook body, in bytes. api/openapi.yaml
// documents it.
const maxWebhookBody = 4 << 20

// verifySubscription handles GET /webhook/whatsapp, with which Meta verifies
// that the webhook belongs to us. Wrong verify tokens count against failures.
func verifySubscription(service WhatsApp, failures *guard.AddressLimit) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		query := r.URL.Query()
		challenge, err := service.Subscribe(whatsapp.Subscription{
			Mode:        query.Get("hub.mode"),
			VerifyToken: query.Get("hub.verify_token"),
			Challenge:   query.Get("hub.challenge"),
		}).Get()
		if errors.Is(err, whatsapp.ErrWrongVerifyToken) && query.Has("hub.verify_token") {
			err = failures.Failure(r, err)
		}
		if err != nil {
			return wire.Response{}, err
		}
		return wire.Response{
			Status:      http.StatusOK,
			ContentType: "text/plain; charset=utf-8",
			Body:        []byte(challenge),
		}, nil
	}
}

type receiptBody struct {
	Messages  int `json:"messages"`
	Statuses  int `json:"statuses"`
	Unhandled int `json:"unhandled"`
}

// receiveWebhook handles POST /webhook/whatsapp. The service reads the body only
// if the header can be a signature, and verifies it before it parses anything.
func receiveWebhook(service WhatsApp) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		readBody := func() ([]byte, error) { return wire.ReadBody(r, maxWebhookBody) }
		received := service.Receive(r.Context(), r.Header.Get("X-Hub-Signature-256"), readBody)
		return wire.FromResource(resource.Map(received, newReceiptBody))
	}
}

func newReceiptBody(receipt whatsapp.Receipt) receiptBody {
	return receiptBody{Messages: receipt.Messages, Statuses: receipt.Statuses, Unhandled: receipt.Unhandled}
}
