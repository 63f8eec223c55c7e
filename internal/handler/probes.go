package handler

import (
	"context"
	"net/http"

	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

type rootBody struct {
	Message string `json:"message"`
}

// root handles GET /.
func root(*http.Request) (wire.Response, error) {
	return wire.JSON(rootBody{Message: "Waiting List API is running"}), nil
}

type healthBody struct {
	State string `json:"state"`
}

// healthz handles GET /healthz. A process that can respond is healthy.
func healthz(*http.Request) (wire.Response, error) {
	return wire.FromResource(resource.Success(healthBody{State: "up"}))
}

type readinessBody struct {
	State   string `json:"state"`
	Sending string `json:"sending"` // open, waiting or stopped
}

// readyz handles GET /readyz. A send hold does not make the service unready,
// because it still stores incoming messages.
func readyz(check func(context.Context) error, service WhatsApp) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		if err := check(r.Context()); err != nil {
			return wire.Response{}, err
		}
		return wire.FromResource(resource.Map(service.SendingState(r.Context()), newReadinessBody))
	}
}

func newReadinessBody(sending whatsapp.SendingState) readinessBody {
	return readinessBody{State: "ready", Sending: string(sending.Status)}
}
