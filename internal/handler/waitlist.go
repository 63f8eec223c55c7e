package handler

import (
	"net/http"

	"aisha/internal/handler/wire"
	"aisha/internal/service/waitlist"
)

type joinedBody struct {
	Message string `json:"message"`
	ID      int64  `json:"id"`
}

// joinWaitlist handles POST /waiting-list/.
func joinWaitlist(service Waitlist) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		in, err := wire.Decode(r, func(m *wire.Members) waitlist.SignUp {
			return waitlist.SignUp{Username: m.String("username"), PhoneNumber: m.String("phone_number")}
		})
		if err != nil {
			return wire.Response{}, err
		}
		entry, err := service.Join(r.Context(), in).Get()
		if err != nil {
			return wire.Response{}, err
		}
		return wire.JSON(joinedBody{Message: "Added to waiting list", ID: entry.ID}), nil
	}
}
