package handler_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/service/waitlist"
)

func version(text string) *string { return &text }

func TestJoinWaitlist_OptionalMembers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		members string // after the required ones
		form    string // the same as a form; empty: not sent as a form
		want    waitlist.SignUp
	}{
		"all": {
			`,"source":" radio ","referral_code":"dmg5-7ps3-t","consent":{"version":"v1"}`,
			"&source=+radio+&referral_code=dmg5-7ps3-t&consent_version=v1",
			waitlist.SignUp{Source: " radio ", ReferralCode: "dmg5-7ps3-t", ConsentVersion: version("v1")},
		},
		"none":             {``, `&x=y`, waitlist.SignUp{}},
		"null":             {`,"source":null,"referral_code":null,"consent":null`, "", waitlist.SignUp{}},
		"empty":            {`,"source":"","referral_code":""`, "&source=&referral_code=&consent_version=", waitlist.SignUp{}},
		"long_code":        {`,"referral_code":"` + strings.Repeat("a", 1000) + `"`, "&referral_code=" + strings.Repeat("a", 1000), waitlist.SignUp{ReferralCode: strings.Repeat("a", 1000)}},
		"consent_is_empty": {`,"consent":{"version":""}`, "", waitlist.SignUp{ConsentVersion: version("")}}, // the service rejects it
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var joined waitlist.SignUp
			api := newAPI(func(o *handler.Options) {
				o.Waitlist = joinFunc(func(_ context.Context, in waitlist.SignUp) (waitlist.Added, error) {
					joined = in
					return added(), nil
				})
			})
			tt.want.Username, tt.want.PhoneNumber = "John Doe", "0712345678"
			requests := []*http.Request{post("/waiting-list/", strings.TrimSuffix(signUp, "}")+tt.members+"}")}
			if tt.form != "" {
				requests = append(requests, submit(signUpForm+tt.form))
			}
			for _, request := range requests {
				got := call(t, api, request)
				if code := got.header.Get("Aisha-Referral-Code"); got.status != http.StatusOK || code != "DMG57PS3T" {
					t.Errorf("%s: got %d and the code %q, want 200 and DMG57PS3T", request.Header.Get("Content-Type"), got.status, code)
				}
				if diff := cmp.Diff(tt.want, joined); diff != "" {
					t.Errorf("%s: Join got (-want +got):\n%s", request.Header.Get("Content-Type"), diff)
				}
			}
		})
	}
}

func TestJoinWaitlist_InvalidOptionalMembers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		members string
		want    string // fields and codes of the details
	}{
		"source_is_a_number":       {`"source":7`, "source wrong_type"},
		"source_is_too_long":       {`"source":"` + strings.Repeat("a", 65) + `"`, "source too_long"},
		"source_has_a_line_break":  {`"source":"a\nb"`, "source control_character"},
		"source_has_a_nul":         {`"source":"a\u0000b"`, "source control_character"},
		"source_is_half_a_pair":    {`"source":"\ud800"`, "source not_unicode"},
		"code_is_a_number":         {`"referral_code":7`, "referral_code wrong_type"},
		"code_is_a_list":           {`"referral_code":["DMG57PS3T"]`, "referral_code wrong_type"},
		"consent_is_true":          {`"consent":true`, "consent wrong_type"},
		"consent_is_a_string":      {`"consent":"v1"`, "consent wrong_type"},
		"consent_is_a_list":        {`"consent":[{"version":"v1"}]`, "consent wrong_type"},
		"consent_without_version":  {`"consent":{}`, "consent.version required"},
		"version_is_null":          {`"consent":{"version":null}`, "consent.version wrong_type"},
		"version_is_a_number":      {`"consent":{"version":1}`, "consent.version wrong_type"},
		"version_is_blank":         {`"consent":{"version":" "}`, "consent.version required"},
		"version_is_too_long":      {`"consent":{"version":"` + strings.Repeat("a", 65) + `"}`, "consent.version too_long"},
		"version_has_a_tab":        {`"consent":{"version":"a\tb"}`, "consent.version control_character"},
		"consent_with_more":        {`"consent":{"version":"v1","given":false}`, "consent.given unknown_member"},
		"consent_in_another_case":  {`"consent":{"Version":"v1"}`, "consent.Version unknown_member, consent.version required"},
		"source_and_consent":       {`"source":7,"consent":7`, "source wrong_type, consent wrong_type"},
		"the_last_consent_is_used": {`"consent":{"version":"v1"},"consent":7`, "consent wrong_type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, newAPI(storing), post("/waiting-list/", strings.TrimSuffix(signUp, "}")+","+tt.members+"}"))
			wantFailure(t, got, http.StatusUnprocessableEntity, "invalid")
			if details := detailsOf(t, got); details != tt.want {
				t.Errorf("got the details %q, want %q", details, tt.want)
			}
		})
	}
}

// The code of a new entry and that of one that exists are answered in the same way.
func TestJoinWaitlist_ReferralCode(t *testing.T) {
	t.Parallel()
	want := waitlist.NewCoder(nil).Code(1)
	for range 2 {
		got := call(t, newAPI(storing), post("/waiting-list", signUp))
		if code := got.header.Get("Aisha-Referral-Code"); code != want || got.body != `{"message":"Added to waiting list","id":1}` {
			t.Errorf("got the code %q and %s, want %q and the same body as without a code", code, got.body, want)
		}
	}
	failed := call(t, newAPI(func(o *handler.Options) { o.Waitlist = joinFailing(fault.New(fault.Unavailable, "later")) }), post("/waiting-list", signUp))
	if _, sent := failed.header["Aisha-Referral-Code"]; sent {
		t.Errorf("a failure has the code %q, want no header", failed.header["Aisha-Referral-Code"])
	}
}

func TestSignUpForm_ReferralCode(t *testing.T) {
	t.Parallel()
	got := call(t, newAPI(storing), submit(signUpForm))
	wantPage(t, got, http.StatusOK, "Your referral code", "Msimbo wako wa kualika", ">"+waitlist.NewCoder(nil).Code(1)+"<")
	redirected := call(t, newAPI(storing, func(o *handler.Options) { o.SignupRedirectURL = "https://shop.example/thanks" }), submit(signUpForm))
	if code := redirected.header.Get("Aisha-Referral-Code"); redirected.status != http.StatusSeeOther || code != waitlist.NewCoder(nil).Code(1) {
		t.Errorf("got %d and the code %q, want 303 and %q", redirected.status, code, waitlist.NewCoder(nil).Code(1))
	}
}

// The form that shows errors submits the optional fields again.
func TestSignUpForm_OptionalFields(t *testing.T) {
	t.Parallel()
	const source, consent, code = `<input type="hidden" name="source"`, `<input type="hidden" name="consent_version"`, `name="referral_code"`
	for name, tt := range map[string]struct {
		form    string
		parts   []string
		without []string
	}{
		"none": {"username=&phone_number=0712345678", []string{"Please correct"}, []string{source, consent, code}},
		"all": {
			"username=&phone_number=0712345678&source=radio&consent_version=v1&referral_code=dmg57ps3t",
			[]string{source + ` value="radio"`, consent + ` value="v1"`, code + ` value="dmg57ps3t"`, "Please correct"}, nil,
		},
		"empty_code":  {"username=&phone_number=0712345678&referral_code=&source=&consent_version=", []string{code + ` value=""`}, []string{source, consent}},
		"markup":      {"username=&phone_number=&source=%22%3E%3Cb%3E&referral_code=%22%3E%3Cb%3E", []string{`value="&#34;&gt;&lt;b&gt;"`}, []string{"<b>"}},
		"bad_utf8":    {"username=&phone_number=&referral_code=%FF", []string{code + " value=\"\ufffd\""}, nil},
		"bad_source":  {signUpForm + "&source=" + strings.Repeat("a", 65) + "&consent_version=v1", []string{"Something went wrong", consent}, []string{source, "Please correct"}},
		"bad_consent": {signUpForm + "&source=radio&consent_version=a%0Ab", []string{"Something went wrong", source}, []string{consent, "Please correct"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := callUndescribed(t, newAPI(storing), submit(tt.form))
			wantPage(t, got, http.StatusUnprocessableEntity, tt.parts...)
			for _, part := range tt.without {
				if strings.Contains(got.body, part) {
					t.Errorf("the page contains %q: %s", part, got.body)
				}
			}
		})
	}
}

// detailsOf returns the fields and the codes in the details of a failure.
func detailsOf(t *testing.T, got response) string {
	t.Helper()
	var all []string
	body := failureOf(t, got)
	for _, detail := range body.Details {
		all = append(all, fmt.Sprintf("%s %s", detail.Field, detail.Code))
	}
	return strings.Join(all, ", ")
}
