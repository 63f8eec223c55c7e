package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// Person 1 is on the list and invites persons 2 and 3, who join on WhatsApp.
func TestReferral(t *testing.T) {
	t.Parallel()
	sim, simURL := newSimulator(t, simulator.Timing{})
	env := environment(testdb.New(t), simURL, "ADMIN_TOKEN="+adminToken, "REFERRAL_DAILY=1", "REFERRAL_BOOST=1")
	service := start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	signUp := func(n int, code string) (ownCode string) {
		t.Helper()
		response, body := sendAsOperator(t, http.MethodPost, service.url+"/waiting-list/", fmt.Sprintf(
			`{"username":"x","phone_number":"+%s","referral_code":%q,"source":"radio","consent":{"version":"v1"}}`, person(n).Phone, code))
		if want := fmt.Sprintf(`{"message":"Added to waiting list","id":%d}`, n+1); response.StatusCode != http.StatusOK || body != want {
			t.Errorf("sign-up of person %d: got %d %s, want 200 %s", n, response.StatusCode, body, want)
		}
		return response.Header.Get("Aisha-Referral-Code")
	}
	signUp(0, "")
	code := signUp(1, "not a code")
	signUp(2, code)
	signUp(3, strings.ToLower(code[:4]+"-"+code[4:]))
	check := func(when, want string) {
		t.Helper()
		if response, body := sendAsOperator(t, http.MethodGet, service.url+"/waiting-list/codes/"+code, ""); response.StatusCode != http.StatusOK || body != want {
			t.Errorf("%s: got %d %s, want 200 %s", when, response.StatusCode, body, want)
		}
	}
	check("before the numbers are verified", `{"status":"success","data":{"position":2,"waiting":4,"referrals":0}}`)

	// The key of the codes survives a restart.
	service.kill()
	service = start(t, env, "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")
	for n := 2; n <= 3; n++ {
		sim.Say(person(n), "Please join")
		waitFor(t, sim, func(l simulator.Ledger) bool { return len(l.SentTo(person(n))) == 1 })
	}
	check("after the numbers are verified", `{"status":"success","data":{"position":1,"waiting":4,"referrals":1}}`)

	_, held := sendAsOperator(t, http.MethodGet, service.url+"/operator/referrals?state=held", "")
	if !strings.Contains(held, `{"items":[{"id":4,"referrer_id":2,"state":"held","reason":"daily_limit",`) || !strings.Contains(held, `"next":null`) {
		t.Errorf("held referrals: got %s, want only that of the entry 4", held)
	}
	for _, replayed := range []string{"", "true"} {
		response, body := sendAsOperator(t, http.MethodPost, service.url+"/operator/referrals/4/credit", "", "Idempotency-Key", "K1")
		if response.StatusCode != http.StatusOK || !strings.Contains(body, `"state":"credited"`) || response.Header.Get("Idempotency-Replayed") != replayed {
			t.Errorf("credit: got %d %s, replayed %q, want 200, credited and %q",
				response.StatusCode, body, response.Header.Get("Idempotency-Replayed"), replayed)
		}
	}
	check("after the operator's decision", `{"status":"success","data":{"position":1,"waiting":4,"referrals":2}}`)
	if response, body := sendAsOperator(t, http.MethodPost, service.url+"/operator/referrals/4/refuse", "{}"); response.StatusCode != http.StatusConflict {
		t.Errorf("second decision: got %d %s, want 409", response.StatusCode, body)
	}
	_, audit := sendAsOperator(t, http.MethodGet, service.url+"/operator/audit?subject=referral", "")
	if strings.Count(audit, `"action"`) != 1 || !strings.Contains(audit, `"action":"referral.credited","subject":"referral","subject_id":4,`) {
		t.Errorf("audit: got %s, want one row about the referral 4", audit)
	}
	if response, body := sendAsOperator(t, http.MethodGet, service.url+"/waiting-list/codes/000000000", ""); response.StatusCode != http.StatusNotFound {
		t.Errorf("unknown code: got %d %s, want 404", response.StatusCode, body)
	}
}
