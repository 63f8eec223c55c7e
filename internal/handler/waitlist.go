package handler

import (
	"net/http"

	"aisha/internal/service/waitlist"
)

type joined struct {
	Message string `json:"message"`
	ID      int64  `json:"id"`
}

// join answers POST /waiting-list/.
func join(service Waitlist) func(*http.Request) (reply, error) {
	return func(r *http.Request) (reply, error) {
		in, err := decode(r, func(m *members) waitlist.SignUp {
			return waitlist.SignUp{Username: m.text("username"), PhoneNumber: m.text("phone_number")}
		})
		if err != nil {
			return reply{}, err
		}
		entry, err := service.Join(r.Context(), in).Get()
		if err != nil {
			return reply{}, err
		}
		return ok(joined{Message: "Added to waiting list", ID: entry.ID}), nil
	}
}
