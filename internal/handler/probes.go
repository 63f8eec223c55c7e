package handler

import (
	"context"
	"net/http"

	"aisha/internal/resource"
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

// alive answers GET /healthz: whoever can answer is alive.
func alive(r *http.Request) (reply, error) {
	return show(resource.Success(health{State: "up"}), r.URL.Path)
}

// ready answers GET /readyz.
func ready(check func(context.Context) error) func(*http.Request) (reply, error) {
	return func(r *http.Request) (reply, error) {
		return show(resource.From(health{State: "ready"}, check(r.Context())), r.URL.Path)
	}
}
