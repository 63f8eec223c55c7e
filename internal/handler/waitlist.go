package handler

import (
	"net/http"

	"aisha/internal/handler/wire"
	"aisha/internal/service/waitlist"
)

// referralCodeHeader has the referral code of the entry in the response to a sign-up.
const referralCodeHeader = "Aisha-Referral-Code"

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
		response := wire.JSON(joinedBody{Message: "Added to waiting list", ID: entry.ID})
		if wire.IsForm(r) {
			response = form.joined(entry.ReferralCode)
		}
		if response.Header == nil {
			response.Header = http.Header{}
		}
		response.Header.Set(referralCodeHeader, entry.ReferralCode)
		return response, nil
	}
}

func decodeSignUp(r *http.Request) (waitlist.SignUp, error) {
	if wire.IsForm(r) {
		return submittedSignUp(r.Context())
	}
	return wire.Decode(r, func(m *wire.Members) waitlist.SignUp {
		return waitlist.SignUp{
			Username:       m.String("username"),
			PhoneNumber:    m.String("phone_number"),
			Source:         stringOrEmpty(m, "source"),
			ReferralCode:   stringOrEmpty(m, "referral_code"),
			ConsentVersion: consentVersion(m),
		}
	})
}

// stringOrEmpty reads a string that may be absent or null.
func stringOrEmpty(m *wire.Members, name string) string {
	if value := wire.OptionalOrNull(m, name, m.String); value != nil {
		return *value
	}
	return ""
}

// consentVersion reads the member consent, which may be absent or null. Consent with
// other members is rejected, because one of them may restrict it.
func consentVersion(m *wire.Members) *string {
	return wire.OptionalOrNull(m, "consent", func(name string) string {
		return wire.Object(m, name, func(consent *wire.Members) string {
			consent.RejectUnknown("version")
			return consent.String("version")
		})
	})
}
