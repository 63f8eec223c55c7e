package handler

import (
	"context"
	"net/http"

	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

type greeting struct {
	Message string `json:"message"`
}

// root answers GET /.
func root(*http.Request) (reply, error) {
	return ok(greeting{Message: "Waiting List API is running"}), nil
}

type health struct {
	State string `json:"state"`
}

type readiness struct {
	State   string `json:"state"`
	Sending string `json:"sending"` // open, waiting, stopped
}

// alive answers GET /healthz: whoever can answer is alive.
func alive(r *http.Request) (reply, error) {
	return show(resource.Success(health{State: "up"}), r.URL.Path)
}

// ready answers GET /readyz. That answers cannot go out makes nothing unready:
// messages are taken and stored as ever.
func ready(check func(context.Context) error, whatsapps WhatsApp) func(*http.Request) (reply, error) {
	return func(r *http.Request) (reply, error) {
		if err := check(r.Context()); err != nil {
			return reply{}, err
		}
		return show(resource.Map(whatsapps.Sending(r.Context()), tellReadiness), r.URL.Path)
	}
}

func tellReadiness(sending whatsapp.SendingState) readiness {
	state := readiness{State: "ready", Sending: "open"}
	for _, gate := range sending.Closed {
		if gate.Stopped {
			state.Sending = "stopped"
			return state
		}
		state.Sending = "waiting"
	}
	return state
}
