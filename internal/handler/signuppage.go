package handler

import (
	"net/url"
	"slices"
	"strings"

	"aisha/internal/fault"
)

// bilingual is a text of the sign-up page.
type bilingual struct{ English, Swahili string }

// signUpPage is what the template signup.html shows.
type signUpPage struct {
	Joined       bool
	OwnCode      string    // the person's referral code, after a sign-up
	Problem      bilingual // why the form was refused
	Username     inputField
	PhoneNumber  inputField
	ReferralCode *string       // nil: the submitted form had no such field
	Hidden       []hiddenField // are submitted again as they were
}

type hiddenField struct{ Name, Value string }

type inputField struct {
	Value   string
	Problem *bilingual // nil: none
}

// newSignUpPage returns the form with the submitted values and the errors of the
// failure.
func newSignUpPage(values url.Values, failure *fault.Error) signUpPage {
	page := signUpPage{
		Problem:     formProblem(failure.Kind),
		Username:    inputField{Value: strings.ToValidUTF8(values.Get("username"), "\ufffd")},
		PhoneNumber: inputField{Value: strings.ToValidUTF8(values.Get("phone_number"), "\ufffd")},
	}
	for _, field := range failure.Fields {
		switch field.Name {
		case "username":
			page.Username.Problem = nameProblem(field.Code)
		case "phone_number":
			page.PhoneNumber.Problem = phoneProblem(field.Code)
		}
	}
	if failure.Kind == fault.Invalid && page.Username.Problem == nil && page.PhoneNumber.Problem == nil {
		page.Problem = formProblem(fault.Internal) // nothing that the person can correct
	}
	if values.Has("referral_code") {
		code := strings.ToValidUTF8(values.Get("referral_code"), "\ufffd")
		page.ReferralCode = &code
	}
	page.Hidden = hiddenFields(values, failure)
	return page
}

// hiddenFields returns the fields that a website hides in its form. An invalid one is
// left out, because the person cannot correct it.
func hiddenFields(values url.Values, failure *fault.Error) []hiddenField {
	var hidden []hiddenField
	for _, field := range []struct{ form, member string }{{"source", "source"}, {"consent_version", "consent.version"}} {
		isInvalid := slices.ContainsFunc(failure.Fields, func(f fault.Field) bool { return f.Name == field.member })
		if value := values.Get(field.form); value != "" && !isInvalid {
			hidden = append(hidden, hiddenField{Name: field.form, Value: value})
		}
	}
	return hidden
}

func formProblem(kind fault.Kind) bilingual {
	switch kind {
	case fault.Invalid:
		return bilingual{"Please correct what is marked below.", "Tafadhali rekebisha palipowekwa alama hapa chini."}
	case fault.RateLimited:
		return bilingual{
			"There were too many sign-ups. Please wait a minute and try again.",
			"Maombi ni mengi mno. Tafadhali subiri dakika moja, kisha ujaribu tena.",
		}
	case fault.Unavailable:
		return bilingual{
			"We cannot save your sign-up at the moment. Please try again soon.",
			"Hatuwezi kuhifadhi maombi yako kwa sasa. Tafadhali jaribu tena baada ya muda mfupi.",
		}
	default:
		return bilingual{"Something went wrong. Please try again.", "Hitilafu imetokea. Tafadhali jaribu tena."}
	}
}

func nameProblem(code fault.FieldCode) *bilingual {
	switch code {
	case fault.FieldRequired:
		return &bilingual{"Enter your name.", "Andika jina lako."}
	case fault.FieldTooLong:
		return &bilingual{"The name is too long: use at most 100 characters.", "Jina ni refu mno: lisizidi herufi 100."}
	case fault.FieldNotVisible:
		return &bilingual{"The name needs at least one letter or digit.", "Jina linahitaji angalau herufi au tarakimu moja."}
	default:
		return &bilingual{
			"The name contains characters that cannot be used. Please type it again.",
			"Jina lina alama zisizoweza kutumika. Tafadhali liandike tena.",
		}
	}
}

func phoneProblem(code fault.FieldCode) *bilingual {
	switch code {
	case fault.FieldRequired:
		return &bilingual{"Enter your phone number.", "Andika nambari yako ya simu."}
	case fault.FieldNotKenyan:
		return &bilingual{
			"This number is not Kenyan. Enter a Kenyan mobile number, for example 0712\u00a0345\u00a0678.",
			"Nambari hii si ya Kenya. Andika nambari ya simu ya mkononi ya Kenya, kwa mfano 0712\u00a0345\u00a0678.",
		}
	case fault.FieldNotMobile:
		return &bilingual{
			"This is not a mobile number. Enter a mobile number, for example 0712\u00a0345\u00a0678.",
			"Hii si nambari ya simu ya mkononi. Andika nambari ya simu ya mkononi, kwa mfano 0712\u00a0345\u00a0678.",
		}
	default:
		return &bilingual{
			"This is not a phone number. Enter a Kenyan mobile number, for example 0712\u00a0345\u00a0678.",
			"Hii si nambari ya simu. Andika nambari ya simu ya mkononi ya Kenya, kwa mfano 0712\u00a0345\u00a0678.",
		}
	}
}
