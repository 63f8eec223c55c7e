package simulator

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/browser"
)

// testSignUpForm replaces the responses of the API and reads what the form shows.
func testSignUpForm(t *testing.T, p page) {
	p.resizePhone(t, 390)
	for name, tt := range map[string]struct {
		status     int
		body       string
		where      string
		en, sw     string
		formHidden bool
	}{
		"rate_limited": {
			status: 429, body: `{"code":"rate_limited"}`, where: "form-error",
			en: "There were too many sign-ups. Please wait a minute and try again.",
			sw: "Maombi ni mengi mno. Tafadhali subiri dakika moja, kisha ujaribu tena.",
		},
		"unknown_failure": {
			status: 500, body: `{}`, where: "form-error",
			en: "Something went wrong. Please try again.", sw: "Hitilafu imetokea. Tafadhali jaribu tena.",
		},
		"field_error": {
			status: 422, body: `{"details":[{"field":"username","code":"required","message":"is required"}]}`, where: "username-error",
			en: "Enter your name.", sw: "Andika jina lako.",
		},
		"field_error_of_unknown_code": {
			status: 422, body: `{"details":[{"field":"phone_number","code":"new","message":"is new"}]}`, where: "phone_number-error",
			en: "is new",
		},
		"success": {
			status: 200, body: `{}`, where: "done",
			en: "You are on the waiting list.", sw: "Uko kwenye orodha ya kusubiri.", formHidden: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p.do(t, "open the form", chromedp.Navigate(p.url+"/signup"))
			evaluate[any](t, p, fmt.Sprintf(`window.fetch = async () => new Response(%q, { status: %d }); 0`, tt.body, tt.status))
			p.click(t, "button")
			p.wait(t, fmt.Sprintf(`document.querySelector("#%s p") !== null && !document.querySelector("button").disabled`, tt.where))
			got := evaluate[[]string](t, p, fmt.Sprintf(`["en", "sw"].map((l) => document.querySelector("#%s [lang=" + l + "]")?.textContent ?? "")`, tt.where))
			if got[0] != tt.en || got[1] != tt.sw {
				t.Errorf("the form shows %q, want %q and %q", got, tt.en, tt.sw)
			}
			hidden := evaluate[[]bool](t, p, `["form", "h1"].map((s) => !document.querySelector(s).checkVisibility())`)
			if hidden[0] != tt.formHidden || hidden[1] != tt.formHidden {
				t.Errorf("the form and its title are hidden: %v, want %t", hidden, tt.formHidden)
			}
		})
	}
	for _, scheme := range []string{"light", "dark"} {
		p.useColorScheme(t, scheme)
		p.do(t, "open the form", chromedp.Navigate(p.url+"/signup"))
		for _, text := range evaluate[[]string](t, p, lowContrast) {
			t.Errorf("%s: contrast %s; want at least 4.5", scheme, text)
		}
	}
}

// testReferralCode replaces the response of the API and reads what the form sends and
// shows.
func testReferralCode(t *testing.T, p page) {
	const mockFetch = `window.fetch = async (_, request) => {
		window.sent = JSON.parse(request.body);
		return new Response("{}", { status: 200, headers: { "Aisha-Referral-Code": "NMBZRGMTP" } });
	}; 0`
	type consent struct{ Version string }
	type signUp struct {
		Source       string
		ReferralCode string `json:"referral_code"`
		Consent      *consent
	}
	for name, tt := range map[string]struct {
		query string
		agree bool
		want  signUp
	}{
		"invited":     {"?ref=dmg57ps3t", true, signUp{Source: "example-form", ReferralCode: "dmg57ps3t", Consent: &consent{Version: "2026-11"}}},
		"not_invited": {"", false, signUp{Source: "example-form"}},
	} {
		t.Run(name, func(t *testing.T) {
			p.do(t, "open the form", chromedp.Navigate(p.url+"/signup"+tt.query))
			evaluate[any](t, p, mockFetch)
			if tt.agree {
				p.click(t, "[name=consent_version]")
			}
			p.click(t, "button")
			p.wait(t, `!document.getElementById("code").hidden`)
			if diff := cmp.Diff(tt.want, evaluate[signUp](t, p, `window.sent`)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			shown := evaluate[[]string](t, p, `[document.querySelector("#code output").textContent, document.querySelector("#code a").href]`)
			if want := []string{"NMBZRGMTP", p.url + "/signup?ref=NMBZRGMTP"}; !cmp.Equal(shown, want) {
				t.Errorf("the page shows %q, want %q", shown, want)
			}
		})
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1280} {
			p.useColorScheme(t, scheme)
			p.resize(t, width, 900)
			p.do(t, "open the form", chromedp.Navigate(p.url+"/signup?ref=DMG57PS3T"))
			browser.Screenshot(p.ctx, t, fmt.Sprintf("signup-%s-%d", scheme, width))
			evaluate[any](t, p, mockFetch)
			p.click(t, "button")
			p.wait(t, `!document.getElementById("code").hidden`)
			browser.Screenshot(p.ctx, t, fmt.Sprintf("signup-code-%s-%d", scheme, width))
			for _, text := range evaluate[[]string](t, p, lowContrast) {
				t.Errorf("%s: contrast %s; want at least 4.5", scheme, text)
			}
			if wider := evaluate[bool](t, p, `document.documentElement.scrollWidth > innerWidth`); wider {
				t.Errorf("%s: the page is wider than %d pixels", scheme, width)
			}
		}
	}
}
