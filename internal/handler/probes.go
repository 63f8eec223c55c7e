package handler

import (
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

// CredentialState says whether an upstream accepts a key or a token of ours.
type CredentialState string

// The states of a credential.
const (
	CredentialOK        CredentialState = "ok"
	CredentialRejected  CredentialState = "rejected"
	CredentialUnchecked CredentialState = "unchecked" // not configured, or the upstream gave no verdict
)

// Credentials are the states of all credentials, as GET /readyz returns them.
type Credentials struct {
	Gemini   CredentialState `json:"gemini"`
	WhatsApp CredentialState `json:"whatsapp"`
}

type readinessBody struct {
	State       string      `json:"state"`
	Sending     string      `json:"sending"` // open, waiting or stopped
	Credentials Credentials `json:"credentials"`
}

// readyz handles GET /readyz. Neither a send hold nor a rejected credential makes
// the service unready, because it still stores incoming messages.
func readyz(o Options) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		if err := o.Ready(r.Context()); err != nil {
			return wire.Response{}, err
		}
		return wire.FromResource(resource.Map(o.WhatsApp.SendingState(r.Context()), func(sending whatsapp.SendingStatus) readinessBody {
			return readinessBody{State: "ready", Sending: string(sending), Credentials: o.Credentials()}
		}))
	}
}
