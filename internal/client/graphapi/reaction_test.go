package graphapi

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aisha/internal/service/whatsapp"
)

func TestEachErrorCodeHasItsReaction(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		meaning string
		status  int
		codes   []int
		want    whatsapp.Reaction
	}{
		{"token, permission, capability", 401, []int{0, 190, 10, 3, 102, 200, 250, 299, 131005}, whatsapp.Stop},
		{"throughput, maintenance, a failure of theirs", 400, []int{4, 17, 32, 613, 80007, 130429, 131057, 131016, 1, 2}, whatsapp.WaitAll},
		{"the same, as a server error", 500, []int{1, 2, 131016}, whatsapp.WaitAll},
		{"pair rate", 400, []int{131056}, whatsapp.WaitPerson},
		{"spam limit, healthy ecosystem", 400, []int{131048, 131049}, whatsapp.GiveUp},
		{"outside the window", 400, []int{131047}, whatsapp.GiveUp},
		{"undeliverable", 400, []int{131026}, whatsapp.GiveUp},
		{"sender is recipient", 400, []int{131021}, whatsapp.GiveUp},
		{"not in the test allow-list", 400, []int{131030}, whatsapp.GiveUp},
		{"locked, policy, payment, certificate, display name", 403, []int{131031, 368, 131042, 131044, 131045, 131037}, whatsapp.Stop},
		{"opted out", 400, []int{131050}, whatsapp.GiveUp},
		{"type and media", 400, []int{131051, 131052, 131053}, whatsapp.GiveUp},
		{"parameters", 400, []int{100, 131008, 131009}, whatsapp.GiveUp},
		{"experiment, country", 400, []int{130472, 130497}, whatsapp.GiveUp},
		{"user id not allowed", 400, []int{131062}, whatsapp.GiveUp},
		{"templates and flows", 400, []int{132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069}, whatsapp.GiveUp},
		{"registration", 400, []int{133010, 133016}, whatsapp.Stop},
		{"generic", 500, []int{135000, 131000}, whatsapp.RetryTwice},
		{"identity key", 400, []int{137000}, whatsapp.GiveUp},
		{"calling, flows, groups", 400, []int{138000, 138012, 139000, 139100, 131200, 131215}, whatsapp.GiveUp},
		{"unknown", 400, []int{99, 199, 300, 131199, 131300, 999999, -1}, whatsapp.GiveUp},
		{"unknown, as a server error", 500, []int{99}, whatsapp.WaitAll},
		{"unknown, as too many requests", 429, []int{99}, whatsapp.WaitAll},
		{"unknown, as forbidden", 403, []int{99}, whatsapp.Stop},
	} {
		for _, code := range row.codes {
			c := says(t, row.status, fmt.Sprintf(
				`{"error":{"message":"(#%d) Something","type":"OAuthException","code":%[1]d,"error_data":{"messaging_product":"whatsapp","details":"Why."},"fbtrace_id":"A1"}}`, code))
			_, err := c.Send(t.Context(), message())
			r := refusal(t, err)
			if r.Reaction != row.want || r.Code != code || r.HTTPStatus != row.status {
				t.Errorf("%s: code %d: got %+v, want reaction %d", row.meaning, code, r, row.want)
			}
			if r.Detail != fmt.Sprintf("(#%d) Something; Why.; trace A1", code) {
				t.Errorf("code %d: got the detail %q", code, r.Detail)
			}
		}
	}
}

func TestErrorsOfOddShapeAreRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   whatsapp.Refusal
	}{
		"code as text":           {400, `{"error":{"code":"131056"}}`, whatsapp.Refusal{Reaction: whatsapp.WaitPerson, Code: 131056}},
		"no code":                {400, `{"error":{"message":"No."}}`, whatsapp.Refusal{Reaction: whatsapp.Stop, Detail: "the answer is not the Graph API's: is its address right?"}},
		"no code, no permission": {401, `{"error":{"message":"No."}}`, whatsapp.Refusal{Reaction: whatsapp.Stop, Detail: "the answer is not the Graph API's: is its address right?"}},
		"code of odd type":       {429, `{"error":{"code":[190],"message":"No."}}`, whatsapp.Refusal{Reaction: whatsapp.WaitAll, Detail: "the answer is not the Graph API's: is its address right?"}},
		"message of odd type":    {400, `{"error":{"message":{"a":1},"code":131047}}`, whatsapp.Refusal{Reaction: whatsapp.GiveUp, Code: 131047}},
		"data of odd type":       {400, `{"error":{"error_data":"x","code":190}}`, whatsapp.Refusal{Reaction: whatsapp.Stop, Code: 190}},
		"transient":              {400, `{"error":{"code":99,"is_transient":true}}`, whatsapp.Refusal{Reaction: whatsapp.WaitAll, Code: 99}},
		"nothing in it":          {400, `{"error":{}}`, whatsapp.Refusal{Reaction: whatsapp.Stop, Detail: "the answer is not the Graph API's: is its address right?"}},
		"status of success":      {200, `{"error":{"code":131026}}`, whatsapp.Refusal{Reaction: whatsapp.GiveUp, Code: 131026}},
		"expired token": {401, `{"error":{"message":"Session has expired","code":190,"error_subcode":463}}`,
			whatsapp.Refusal{Reaction: whatsapp.Stop, Code: 190, Detail: "Session has expired; subcode 463"}},
		"number of another": {400, `{"error":{"message":"Unsupported post request.","code":100,"error_subcode":33}}`,
			whatsapp.Refusal{Reaction: whatsapp.Stop, Code: 100, Detail: "Unsupported post request.; subcode 33"}},
		"page instead of json":   {404, `<html>`, whatsapp.Refusal{Reaction: whatsapp.Stop, Detail: "the answer is not the Graph API's: is its address right?"}},
		"page, too many":         {429, `<html>`, whatsapp.Refusal{Reaction: whatsapp.WaitAll, Detail: "the answer is not the Graph API's: is its address right?"}},
		"error that is a text":   {400, `{"error":"no"}`, whatsapp.Refusal{Reaction: whatsapp.Stop, Detail: "the answer is not the Graph API's: is its address right?"}},
		"redirect, not followed": {302, ``, whatsapp.Refusal{Reaction: whatsapp.Stop, Detail: "the answer is not the Graph API's: is its address right?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := says(t, test.status, test.body).Send(t.Context(), message())
			test.want.HTTPStatus = test.status
			if r := refusal(t, err); *r != test.want {
				t.Errorf("got  %+v\nwant %+v", *r, test.want)
			}
		})
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "1.5": 0, "999999": time.Hour, "9223372036854775807": time.Hour, "99999999999999999999": 0,
		"Wed, 21 Oct 2015 07:28:00 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": time.Hour,
	} {
		if got := retryAfter(header); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
	in := time.Now().Add(10 * time.Minute).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	if got := retryAfter(in); got <= 0 || got > 10*time.Minute {
		t.Errorf("%q: got %v", in, got)
	}
}

func TestNothingPrivateIsInARefusal(t *testing.T) {
	t.Parallel()
	const body = `{"error":{"message":"Malformed access token EAAGhunter2token for +254712345678 (0712 345 678, 254-712-345-678)","code":190,` +
		`"error_data":{"details":"KE.13491208655302741918 Wanjiru wrote \"Karibu! You are on the list.\" with EAAGqwertyuiopasdfghjklzxcvbnm1234567890\u0000\n"},` +
		`"error_subcode":2494055,"fbtrace_id":"AbC"}}`
	_, err := says(t, 400, body).Send(t.Context(), message())
	text := err.Error()
	for _, private := range []string{"hunter2", "712", "KE.1", "Wanjiru", "Karibu", "EAAG", "\x00", "\n"} {
		if strings.Contains(text, private) {
			t.Errorf("%q is in %q", private, text)
		}
	}
	for _, needed := range []string{"Malformed access token", "190", "2494055", "AbC"} {
		if !strings.Contains(text, needed) {
			t.Errorf("%q is not in %q", needed, text)
		}
	}
}

func TestALongDetailIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	got := veil{}.over("x" + strings.Repeat("ũ ", 1000))
	if len(got) > maxDetail+len("…") || strings.Contains(got, "\ufffd") || !strings.HasSuffix(got, "…") {
		t.Errorf("got %q", got)
	}
}
