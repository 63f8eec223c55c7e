package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aisha/internal/dev/simulator"
	"aisha/internal/service/whatsapp"
)

// scenario is a test in which people write while something fails.
type scenario struct {
	name               string
	persons, perPerson int           // default: defaultPersons people with 2 messages each
	writingTime        time.Duration // default: defaultWritingTime
	env                []string      // added to the environment of the service
	faults             simulator.Faults
	keepFaults         bool                              // the faults last until the end of the test
	middleware         func(http.Handler) http.Handler   // wraps the simulator
	prepare            func(t *testing.T, run *faultRun) // runs before the service starts
	disrupt            func(t *testing.T, run *faultRun) // runs while people write
	onlyDisruptWrites  bool                              // all messages come from disrupt
	wantLost           int                               // number of messages that Meta refuses permanently
	apologies          bool                              // answers are apologies, which contain no tokens
	sendingStops       bool                              // the faults cause a send hold that needs an operator
}

// The error codes of the Graph API, grouped by the expected reaction of the service.
// A range is represented by both of its ends and the codes that Meta documents in
// between.
var (
	operatorCodes = []int{0, 3, 10, 102, 190, 200, 299, 131005, // token, capability, permission
		368, 131031, 131037, 131042, 131044, 131045, // policy, locked, display name, payment, certificate
		133000, 133010, 133016, 133999} // the number is not registered
	holdCodes    = []int{1, 2, 131016, 131057, 4, 17, 32, 613, 80007, 130429}
	retriedCodes = []int{131000, 135000}
	givenUpCodes = []int{100, 131008, 131009, 131051, 131052, 131053, // parameter, type, media
		131021, 131026, 131030, 131047, 131050, 131062, 137000, // not to this person, or not now
		130472, 130497, 131048, 131049, // experiment, country, spam limit, healthy ecosystem
		132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069, 132999, // templates and flows
		138000, 138999, 139000, 139999, 131200, 131299} // calling, blocking, groups
)

// A code with another reaction than its scenario expects would make the scenario
// wait until it times out.
func TestScenarios_CodesHaveExpectedReaction(t *testing.T) {
	t.Parallel()
	for want, codes := range map[whatsapp.Reaction][]int{
		whatsapp.HoldForOperator: operatorCodes, whatsapp.HoldNumber: holdCodes, whatsapp.RetryUnclear: retriedCodes, whatsapp.GiveUp: givenUpCodes,
	} {
		for _, code := range codes {
			const fallback = whatsapp.Reaction(255)
			if got := whatsapp.ReactionTo(code, fallback); got != want {
				t.Errorf("code %d: got reaction %d, want %d", code, got, want)
			}
		}
	}
}

// resendSoon is for faults that lose sends, so that people get an answer only if the
// service sends again. On a busy machine a status may take half this time, and a
// send whose status arrives too late is duplicated. So it must not be shorter, and
// scenarios() puts these slow scenarios first.
const resendSoon = "RESEND_AFTER=40s"

// scenarios returns the slow scenarios first, so that they do not run alone at the
// end.
func scenarios() []scenario {
	all := slices.Concat(operatorScenarios(), crashScenarios(), lostSendScenarios(), graphScenarios(), geminiScenarios(), webhookScenarios())
	return append(all, scenario{name: "all_faults_combined", faults: simulator.Faults{
		Graph:    simulator.GraphFault{Kind: simulator.GraphDropsResponse, Share: .3, Delay: simulator.Range{Max: 200 * time.Millisecond}},
		Gemini:   simulator.GeminiFault{Kind: simulator.GeminiTruncated, Share: .3},
		Webhooks: simulator.WebhookFaults{MaxCopies: 5, ShuffleWithin: 300 * time.Millisecond, StatusBeforeResponse: true},
	}})
}

// operatorScenarios cause a send hold that needs an operator.
func operatorScenarios() []scenario {
	all := []scenario{{name: "graph_token_invalid", sendingStops: true, faults: graphFaults(simulator.GraphFault{Kind: simulator.GraphRejectsToken})}}
	for _, code := range shortOrLong(nil, operatorCodes) {
		all = append(all, scenario{name: fmt.Sprintf("graph_%d_stops_sending", code), persons: 10, sendingStops: true, faults: refuseAll(code)})
	}
	return all
}

// crashScenarios kill or suspend the service or the database.
func crashScenarios() []scenario {
	return []scenario{
		{name: "database_killed", prepare: startOwnCluster, disrupt: killAndStopDatabase, env: []string{resendSoon}, writingTime: shortOrLong(defaultWritingTime, 30*time.Second)},
		{name: "service_killed", disrupt: killRepeatedly, env: []string{resendSoon}, writingTime: shortOrLong(defaultWritingTime, 40*time.Second)},
		{name: "one_of_two_instances_frozen", disrupt: freezeOneOfTwoInstances, env: []string{resendSoon}, persons: shortOrLong(defaultPersons, 150), perPerson: 15, writingTime: shortOrLong(8*time.Second, time.Minute)},
		{name: "one_of_two_instances_killed", disrupt: killOneOfTwoInstances, env: []string{resendSoon}},
	}
}

// lostSendScenarios lose sends while their outcome is unknown to the service.
func lostSendScenarios() []scenario {
	all := []scenario{
		{name: "graph_drops_requests", env: []string{resendSoon}, faults: graphFaults(simulator.GraphFault{Kind: simulator.GraphDropsRequest, Share: .3})},
		{name: "graph_hangs", env: []string{resendSoon}, faults: graphFaults(simulator.GraphFault{Kind: simulator.GraphHangs, Share: .3})},
	}
	for _, status := range shortOrLong([]int{502}, []int{408, 500, 502, 503, 504}) {
		all = append(all, gatewayScenario(status, resendSoon))
	}
	return all
}

func graphScenarios() []scenario {
	all := []scenario{
		{name: "graph_refuses_one_person", faults: refuseNext(131056, defaultPersons/4)},
		{name: "graph_refuses_some_sends", faults: refuseNext(131000, defaultPersons/4)},
		{name: "graph_refuses_permanently", persons: len(givenUpCodes), perPerson: 1, onlyDisruptWrites: true, keepFaults: true,
			disrupt: refuseEach(givenUpCodes, 1), wantLost: len(givenUpCodes)},
		{name: "graph_unreachable", env: []string{unreachableGraph}, disrupt: restoreGraphURL, keepFaults: true},
		{name: "graph_drops_responses", faults: graphFaults(simulator.GraphFault{Kind: simulator.GraphDropsResponse, Share: .5})},
		{name: "graph_slow", keepFaults: true, faults: graphFaults(simulator.GraphFault{Delay: simulator.Range{Max: time.Second}})},
		gatewayScenario(http.StatusTooManyRequests, ""),
	}
	for _, code := range shortOrLong([]int{130429}, holdCodes) {
		all = append(all, scenario{name: fmt.Sprintf("graph_%d_for_all_sends", code), faults: refuseAll(code)})
	}
	if longRun {
		all = append(all,
			scenario{name: "graph_refuses_one_person_3_times", persons: 1, perPerson: 1, onlyDisruptWrites: true, keepFaults: true, disrupt: refuseEach([]int{131056}, 3)},
			scenario{name: "graph_refuses_2_times", persons: len(retriedCodes), perPerson: 1, onlyDisruptWrites: true, keepFaults: true, disrupt: refuseEach(retriedCodes, 2)},
			scenario{name: "graph_refuses_3_times", persons: len(retriedCodes), perPerson: 1, onlyDisruptWrites: true, keepFaults: true,
				disrupt: refuseEach(retriedCodes, 3), wantLost: len(retriedCodes)})
	}
	return all
}

func geminiScenarios() []scenario {
	some := func(kind simulator.GeminiFaultKind) simulator.Faults {
		return simulator.Faults{Gemini: simulator.GeminiFault{Kind: kind, Share: .7}}
	}
	return []scenario{
		{name: "gemini_429", faults: some(simulator.GeminiRateLimited)},
		{name: "gemini_500", faults: some(simulator.GeminiInternalError)},
		{name: "gemini_503", faults: some(simulator.GeminiUnavailable)},
		{name: "gemini_hangs", faults: some(simulator.GeminiHangs), env: []string{"GEMINI_TIMEOUT=2s"}},
		{name: "gemini_empty", faults: some(simulator.GeminiEmpty)},
		{name: "gemini_truncated", faults: some(simulator.GeminiTruncated)},
		{name: "gemini_blocked", perPerson: 1, keepFaults: true, apologies: true,
			faults: simulator.Faults{Gemini: simulator.GeminiFault{Kind: simulator.GeminiBlocked, Share: 1}}},
	}
}

func webhookScenarios() []scenario {
	var all []scenario
	for name, faults := range map[string]simulator.WebhookFaults{
		"webhooks_duplicated":              {MaxCopies: 5},
		"webhooks_duplicated_and_shuffled": {MaxCopies: 5, ShuffleWithin: 500 * time.Millisecond},
		"statuses_late":                    {StatusDelay: simulator.Range{Max: 2 * time.Second}},
		"statuses_before_send_response":    {StatusBeforeResponse: true},
		"statuses_without_callback_data":   {OmitCallbackData: true, MaxCopies: 3},
		"clock_50_minutes_ahead":           {ClockOffset: 50 * time.Minute},
		"clock_50_minutes_behind":          {ClockOffset: -50 * time.Minute},
	} {
		all = append(all, scenario{name: name, keepFaults: true, faults: simulator.Faults{Webhooks: faults}})
	}
	return all
}

func graphFaults(f simulator.GraphFault) simulator.Faults { return simulator.Faults{Graph: f} }

// refuseNext refuses the next sends, to any person, with a code.
func refuseNext(code, times int) simulator.Faults {
	return graphFaults(simulator.GraphFault{Kind: simulator.GraphReturnsError, Code: code, Next: times})
}

// refuseAll refuses all sends with a code until the faults are lifted.
func refuseAll(code int) simulator.Faults {
	return graphFaults(simulator.GraphFault{Kind: simulator.GraphReturnsError, Code: code, Share: 1})
}

// gatewayScenario puts a gateway in front of the Graph API. At first the gateway
// responds to sends with the status and an HTML body; later it passes them on.
func gatewayScenario(status int, env string) scenario {
	var failing atomic.Bool
	failing.Store(true)
	s := scenario{name: fmt.Sprintf("gateway_%d", status), keepFaults: true}
	if env != "" {
		s.env = []string{env}
	}
	s.middleware = func(graph http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if failing.Load() && strings.HasSuffix(r.URL.Path, "/messages") {
				http.Error(w, "<html>try again later</html>", status)
				return
			}
			graph.ServeHTTP(w, r)
		})
	}
	s.disrupt = func(t *testing.T, r *faultRun) {
		r.pause(t.Context(), defaultWritingTime/2+faultTime)
		failing.Store(false)
	}
	return s
}
