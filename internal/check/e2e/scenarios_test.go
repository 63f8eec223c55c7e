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

// scenario is people who write while something goes wrong.
type scenario struct {
	name          string
	persons, each int           // zero: many persons with 2 messages
	writing       time.Duration // zero: as long as in all the others
	env           []string
	faults        simulator.Faults
	stay          bool                              // the faults are not lifted
	front         func(http.Handler) http.Handler   // stands before the simulator
	prepare       func(t *testing.T, run *faultRun) // before the service is started
	disturb       func(t *testing.T, run *faultRun) // what goes wrong besides, while they write
	quiet         bool                              // nobody writes but disturb
	lost          int                               // so many messages, which Meta refuses for good
	apologies     bool                              // the answers are apologies, which repeat no words
	stops         bool                              // while the faults last nothing can be sent
}

// The answers of the Graph API by what they ask for, as reaction.go has them.
// Of ranges both ends, and what Meta documents between them.
var (
	stopCodes = []int{0, 3, 10, 102, 190, 200, 299, 131005, // token, capability, permission
		368, 131031, 131037, 131042, 131044, 131045, // policy, locked, display name, payment, certificate
		133000, 133010, 133016, 133999} // the number is not registered
	waitAllCodes = []int{1, 2, 131016, 131057, 4, 17, 32, 613, 80007, 130429}
	retriedCodes = []int{131000, 135000}
	givenUpCodes = []int{100, 131008, 131009, 131051, 131052, 131053, // parameter, type, media
		131021, 131026, 131030, 131047, 131050, 131062, 137000, // not to this person, or not now
		130472, 130497, 131048, 131049, // experiment, country, spam limit, healthy ecosystem
		132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069, 132999, // templates and flows
		138000, 138999, 139000, 139999, 131200, 131299} // calling, blocking, groups
)

// A code that asks for something else than its scenario expects would make the
// scenario wait in vain.
func TestTheCodesOfTheScenariosAskForWhatTheyExpect(t *testing.T) {
	t.Parallel()
	for want, codes := range map[whatsapp.Reaction][]int{
		whatsapp.Stop: stopCodes, whatsapp.WaitAll: waitAllCodes, whatsapp.RetryTwice: retriedCodes, whatsapp.GiveUp: givenUpCodes,
	} {
		for _, code := range codes {
			const otherwise = whatsapp.Reaction(255)
			if got := whatsapp.ReactionTo(code, otherwise); got != want {
				t.Errorf("code %d asks for %d, not for %d", code, got, want)
			}
		}
	}
}

// resendSoon is for faults after which only sending again brings an answer. On
// a busy machine a status may take half as long, and what it has not settled by
// then is answered twice. So it is no shorter, and these scenarios come first.
const resendSoon = "RESEND_AFTER=40s"

// The slow ones come first, so that they do not run alone in the end.
func scenarios() []scenario {
	all := slices.Concat(stopping(), killing(), resending(), graphTroubles(), geminiTroubles(), webhookTroubles())
	return append(all, scenario{name: "everything at once", faults: simulator.Faults{
		Graph:    simulator.GraphFault{Kind: simulator.GraphCutsAfter, Share: .3, Slow: simulator.Range{Max: 200 * time.Millisecond}},
		Gemini:   simulator.GeminiFault{Kind: simulator.GeminiTruncates, Share: .3},
		Webhooks: simulator.WebhookFaults{Copies: 5, Shuffle: 300 * time.Millisecond, StatusFirst: true},
	}})
}

// stopping is what an operator has to mend.
func stopping() []scenario {
	all := []scenario{{name: "token invalid", stops: true, faults: graph(simulator.GraphFault{Kind: simulator.GraphToken})}}
	for _, code := range choose(nil, stopCodes) {
		all = append(all, scenario{name: fmt.Sprint("graph stops us with ", code), persons: 10, stops: true, faults: refusingAll(code)})
	}
	return all
}

func killing() []scenario {
	return []scenario{
		{name: "database killed", prepare: ownDatabase, disturb: killDatabase, env: []string{resendSoon}, writing: choose(writing, 30*time.Second)},
		{name: "service killed", disturb: killRounds, env: []string{resendSoon}, writing: choose(writing, 40*time.Second)},
		{name: "one of two frozen", disturb: freezeOneOfTwo, env: []string{resendSoon}, persons: choose(many, 150), each: 15, writing: choose(8*time.Second, time.Minute)},
		{name: "one of two killed", disturb: killOneOfTwo, env: []string{resendSoon}},
	}
}

// resending is sends that never arrive, while nobody can know.
func resending() []scenario {
	all := []scenario{
		{name: "graph cuts before acting", env: []string{resendSoon}, faults: graph(simulator.GraphFault{Kind: simulator.GraphCutsBefore, Share: .3})},
		{name: "graph hangs", env: []string{resendSoon}, faults: graph(simulator.GraphFault{Kind: simulator.GraphHangs, Share: .3})},
	}
	for _, status := range choose([]int{502}, []int{408, 500, 502, 503, 504}) {
		all = append(all, behindGateway(status, resendSoon))
	}
	return all
}

func graphTroubles() []scenario {
	all := []scenario{
		{name: "graph refuses one person", faults: refusing(131056, many/4)},
		{name: "graph refuses some", faults: refusing(131000, many/4)},
		{name: "graph refuses for good", persons: len(givenUpCodes), each: 1, quiet: true, stay: true,
			disturb: refuseEach(givenUpCodes, 1), lost: len(givenUpCodes)},
		{name: "graph out of reach", env: []string{nobody}, disturb: bringGraphBack, stay: true},
		{name: "graph cuts after acting", faults: graph(simulator.GraphFault{Kind: simulator.GraphCutsAfter, Share: .5})},
		{name: "graph is slow", stay: true, faults: graph(simulator.GraphFault{Slow: simulator.Range{Max: time.Second}})},
		behindGateway(http.StatusTooManyRequests, ""),
	}
	for _, code := range choose([]int{130429}, waitAllCodes) {
		all = append(all, scenario{name: fmt.Sprint("graph answers everybody ", code), faults: refusingAll(code)})
	}
	if long {
		all = append(all,
			scenario{name: "graph refuses one person thrice", persons: 1, each: 1, quiet: true, stay: true, disturb: refuseEach([]int{131056}, 3)},
			scenario{name: "graph refuses twice", persons: len(retriedCodes), each: 1, quiet: true, stay: true, disturb: refuseEach(retriedCodes, 2)},
			scenario{name: "graph refuses thrice", persons: len(retriedCodes), each: 1, quiet: true, stay: true,
				disturb: refuseEach(retriedCodes, 3), lost: len(retriedCodes)})
	}
	return all
}

func geminiTroubles() []scenario {
	some := func(kind simulator.GeminiFaultKind) simulator.Faults {
		return simulator.Faults{Gemini: simulator.GeminiFault{Kind: kind, Share: .7}}
	}
	return []scenario{
		{name: "gemini 429", faults: some(simulator.GeminiTooMany)},
		{name: "gemini 500", faults: some(simulator.GeminiBreaks)},
		{name: "gemini 503", faults: some(simulator.GeminiUnavailable)},
		{name: "gemini hangs", faults: some(simulator.GeminiHangs), env: []string{"GEMINI_TIMEOUT=2s"}},
		{name: "gemini empty", faults: some(simulator.GeminiEmpty)},
		{name: "gemini truncated", faults: some(simulator.GeminiTruncates)},
		{name: "gemini blocks", each: 1, stay: true, apologies: true,
			faults: simulator.Faults{Gemini: simulator.GeminiFault{Kind: simulator.GeminiBlocks, Share: 1}}},
	}
}

func webhookTroubles() []scenario {
	var all []scenario
	for name, faults := range map[string]simulator.WebhookFaults{
		"webhooks multiplied":              {Copies: 5},
		"webhooks multiplied and shuffled": {Copies: 5, Shuffle: 500 * time.Millisecond},
		"statuses late":                    {StatusDelay: simulator.Range{Max: 2 * time.Second}},
		"statuses before the answer":       {StatusFirst: true},
		"statuses without our id":          {NoCallback: true, Copies: 3},
		"clock ten years ahead":            {Clock: 10 * 365 * 24 * time.Hour},
		"clock ten years behind":           {Clock: -10 * 365 * 24 * time.Hour},
	} {
		all = append(all, scenario{name: name, stay: true, faults: simulator.Faults{Webhooks: faults}})
	}
	return all
}

func graph(f simulator.GraphFault) simulator.Faults { return simulator.Faults{Graph: f} }

// refusing is for the next sends, whosever they are.
func refusing(code, times int) simulator.Faults {
	return graph(simulator.GraphFault{Kind: simulator.GraphRefuses, Code: code, Next: times})
}

// refusingAll is for each send, as long as it lasts.
func refusingAll(code int) simulator.Faults {
	return graph(simulator.GraphFault{Kind: simulator.GraphRefuses, Code: code, Share: 1})
}

// behindGateway is something before the Graph API that answers in its place,
// in words that are not its own.
func behindGateway(status int, env string) scenario {
	var closed atomic.Bool
	closed.Store(true)
	s := scenario{name: fmt.Sprint("gateway answers ", status), stay: true}
	if env != "" {
		s.env = []string{env}
	}
	s.front = func(graph http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if closed.Load() && strings.HasSuffix(r.URL.Path, "/messages") {
				http.Error(w, "<html>try again later</html>", status)
				return
			}
			graph.ServeHTTP(w, r)
		})
	}
	s.disturb = func(t *testing.T, r *faultRun) {
		r.await(t.Context(), writing/2+faultsLast)
		closed.Store(false)
	}
	return s
}
