package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func (r fixture) sendText(t *testing.T, text string) (status int, answer []byte, err error) {
	t.Helper()
	return r.postWithError(t, "/v25.0/"+testNumber+"/messages",
		`{"messaging_product":"whatsapp","to":"254712345678","text":{"body":"`+text+`"},"biz_opaque_callback_data":"part-1"}`,
		"Authorization", "Bearer "+testToken)
}

func TestGraphFault(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault        GraphFault
		status, code int // status 0 means that the connection breaks
		delivered    int
	}{
		"returns_error":             {fault: GraphFault{Kind: GraphReturnsError, Code: 131056, Share: 1}, status: http.StatusTooManyRequests, code: 131056},
		"returns_error_190":         {fault: GraphFault{Kind: GraphReturnsError, Code: 190, Share: 1}, status: http.StatusUnauthorized, code: 190},
		"returns_undocumented_code": {fault: GraphFault{Kind: GraphReturnsError, Code: 131021, Share: 1}, status: http.StatusBadRequest, code: 131021},
		"drops_request":             {fault: GraphFault{Kind: GraphDropsRequest, Share: 1}},
		"drops_response":            {fault: GraphFault{Kind: GraphDropsResponse, Share: 1}, delivered: 1},
		"rejects_token":             {fault: GraphFault{Kind: GraphRejectsToken}, status: http.StatusUnauthorized, code: 190},
		"share_0":                   {fault: GraphFault{Kind: GraphDropsRequest}, status: http.StatusOK, delivered: 1},
		"delays_without_failure":    {fault: GraphFault{Delay: Range{Max: time.Millisecond}}, status: http.StatusOK, delivered: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t, &fakeService{})
			r.SetFaults(Faults{Graph: tt.fault})
			status, body, err := r.sendText(t, "hi")
			var response struct{ Error struct{ Code int } }
			_ = json.Unmarshal(body, &response)
			if status != tt.status || response.Error.Code != tt.code || (err != nil) != (tt.status == 0) {
				t.Errorf("got %d %s, %v; want %d with code %d", status, body, err, tt.status, tt.code)
			}
			if got := r.Ledger().Counts.Outbound; got != tt.delivered {
				t.Errorf("%d messages were delivered, want %d", got, tt.delivered)
			}
			r.SetFaults(Faults{})
			if status, body, err := r.sendText(t, "again"); status != http.StatusOK {
				t.Errorf("after the fault ended: got %d %s, %v; want 200", status, body, err)
			}
		})
	}
}

func TestGeminiFault(t *testing.T) {
	t.Parallel()
	for kind, tt := range map[GeminiFaultKind]struct {
		status int
		broken bool   // the connection breaks
		want   string // part of the body
	}{
		GeminiRateLimited:   {status: http.StatusTooManyRequests, want: `"retryDelay":"1s"`},
		GeminiInternalError: {status: http.StatusInternalServerError, want: `"status":"INTERNAL"`},
		GeminiUnavailable:   {status: http.StatusServiceUnavailable, want: `"status":"UNAVAILABLE"`},
		GeminiBlocked:       {status: http.StatusOK, want: `"blockReason":1`},
		GeminiEmpty:         {status: http.StatusOK, want: `"content":{"role":"model"}`},
		GeminiTruncated:     {status: http.StatusOK, broken: true, want: `"text":"`},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newFixture(t, &fakeService{})
			r.SetFaults(Faults{Gemini: GeminiFault{Kind: kind, Share: 1}})
			status, body, err := r.postWithError(t, streamPath+intEnums, promptAfterTwoTurns("hi"), "X-Goog-Api-Key", testKey)
			if status != tt.status || (err != nil) != tt.broken || !bytes.HasPrefix(body, []byte("[")) ||
				json.Valid(body) == tt.broken || !bytes.Contains(body, []byte(tt.want)) {
				t.Errorf("got %d %s, %v; want %d with %s", status, body, err, tt.status, tt.want)
			}
		})
	}
}

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	t.Run("copies", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.SetFaults(Faults{Webhooks: WebhookFaults{MaxCopies: 5}})
		const messages = 30
		for n := range messages {
			r.Say(Person{Phone: fmt.Sprint(254712000000 + n)}, "hi")
		}
		l := r.waitFor(t, idle)
		times, most := map[any]int{}, 0
		for _, hook := range r.service.received() {
			id := hook.items["messages"][0]["id"]
			times[id]++
			most = max(most, times[id])
		}
		if len(times) != messages || most < 2 || most > 5 || l.Counts.Acknowledged != messages {
			t.Errorf("%d messages arrived, one of them %d times, %d were acknowledged; want %d, 2 to 5 times, all acknowledged", len(times), most, l.Counts.Acknowledged, messages)
		}
	})
	t.Run("shuffle", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.SetFaults(Faults{Webhooks: WebhookFaults{ShuffleWithin: 100 * time.Millisecond}})
		var sent, arrived []string
		for n := range 30 {
			sent = append(sent, r.Say(wanjiru, strconv.Itoa(n)))
		}
		r.waitFor(t, idle)
		for _, hook := range r.service.received() {
			arrived = append(arrived, hook.items["messages"][0]["id"].(string))
		}
		if slices.Equal(sent, arrived) {
			t.Error("the webhooks arrived in order, want them shuffled")
		}
		slices.Sort(sent)
		slices.Sort(arrived)
		if !slices.Equal(sent, arrived) {
			t.Errorf("%d of %d sent messages arrived, want exactly those that were sent", len(arrived), len(sent))
		}
	})
	t.Run("statuses", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		const years = 10 * 365 * 24 * time.Hour
		r.Say(wanjiru, "hi")
		r.waitFor(t, idle)
		r.SetFaults(Faults{Webhooks: WebhookFaults{
			ClockOffset: -years, OmitCallbackData: true, StatusBeforeResponse: true, StatusDelay: Range{10 * time.Millisecond, 20 * time.Millisecond},
		}})
		_, _, _ = r.sendText(t, "answer")
		if first := r.service.statuses(); len(first) == 0 || first[0]["status"] != "sent" {
			t.Errorf("statuses before the response are %v, want \"sent\" first", first)
		}
		r.waitFor(t, idle)
		for _, status := range r.service.statuses() {
			timestamp, _ := status["timestamp"].(string)
			at, _ := strconv.ParseInt(timestamp, 10, 64)
			if _, found := status["biz_opaque_callback_data"]; found || time.Since(time.Unix(at, 0)) < years {
				t.Errorf("status is %v, want no callback data and a timestamp of ten years ago", status)
			}
		}
	})
}

func TestSimulator_SetFaults(t *testing.T) {
	t.Parallel()
	t.Run("fault_ends_after_the_next_calls", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.SetFaults(Faults{
			Graph:  GraphFault{Kind: GraphReturnsError, Code: 131000, Next: 2, Share: 1},
			Gemini: GeminiFault{Kind: GeminiInternalError, Next: 2, Share: 1},
		})
		var sends, prompts []int
		for range 4 {
			status, _, _ := r.sendText(t, "hi")
			sends = append(sends, status)
			status, _ = r.postGemini(t, wholePath, promptAfterTwoTurns("hi"))
			prompts = append(prompts, status)
		}
		if want := []int{500, 500, 200, 200}; !slices.Equal(sends, want) || !slices.Equal(prompts, want) {
			t.Errorf("sends got statuses %v and prompts %v, want %v", sends, prompts, want)
		}
	})
	t.Run("same_seed_fails_the_same_calls", func(t *testing.T) {
		t.Parallel()
		failures := func() (lengths []int) { // lengths of the fault names; 0 means no fault
			s := New(Options{Seed: 7})
			defer s.Close()
			s.SetFaults(Faults{Gemini: GeminiFault{Kind: GeminiInternalError, Share: .5}})
			for range 40 {
				lengths = append(lengths, len(s.nextGeminiFault()))
			}
			return lengths
		}
		first := failures()
		if hit := 40 - strings.Count(fmt.Sprint(first), "0"); hit < 10 || hit > 30 {
			t.Errorf("%d of 40 prompts failed, want 10 to 30", hit)
		}
		if second := failures(); !slices.Equal(first, second) {
			t.Errorf("second run failed %v, want the same as the first run %v", second, first)
		}
	})
	t.Run("hanging_call_is_dropped_when_fault_is_cleared", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			faults Faults
			call   func(fixture) error
		}{
			"graph": {Faults{Graph: GraphFault{Kind: GraphHangs, Next: 1}}, func(r fixture) error {
				_, _, err := r.sendText(t, "hi")
				return err
			}},
			"gemini": {Faults{Gemini: GeminiFault{Kind: GeminiHangs, Next: 1}}, func(r fixture) error {
				_, _, err := r.postWithError(t, streamPath, promptAfterTwoTurns("hi"), "X-Goog-Api-Key", testKey)
				return err
			}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newFixture(t, &fakeService{})
				next := r.readEvents(t)
				r.SetFaults(tt.faults)
				ended := make(chan error, 1)
				go func() { ended <- tt.call(r) }()
				// The page gets this event when the call has reached its fault.
				next(eventFaults, func(data []byte) bool { return !bytes.Contains(data, []byte(`"next":1`)) })
				r.SetFaults(Faults{})
				select {
				case err := <-ended:
					if err == nil {
						t.Error("the call succeeded, want a broken connection")
					}
				case <-time.After(testTimeout):
					t.Fatal("the call still hangs after the fault was cleared")
				}
				if l := r.Ledger(); l.Counts.Outbound+l.Counts.ModelCalls > 0 {
					t.Errorf("counts are %+v, want no message and no model call", l.Counts)
				}
			})
		}
	})
}
