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

// joinWaitlist handles POST /waiting-list/. The body is JSON, or an HTML form.
func joinWaitlist(service Waitlist, form *signUpForm) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		in, err := decodeSignUp(r)
		if err != nil {
			return wire.Response{}, err
		}
		entry, err := service.Join(r.Context(), in).Get()
		if err != nil {
			return wire.Response{}, err
		}
		if wire.IsForm(r) {
			return form.joined(), nil
		}
		return wire.JSON(joinedBody{Message: "Added to waiting list", ID: entry.ID}), nil
	}
}

func decodeSignUp(r *http.Request) (waitlist.SignUp, error) {
	if wire.IsForm(r) {
		return submittedSignUp(r.Context())
	}
	return wire.Decode(r, func(m *wire.Members) waitlist.SignUp {
		return waitlist.SignUp{Username: m.String("username"), PhoneNumber: m.String("phone_number")}
	})
}
