package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// try posts like post does, where the connection may break.
func (r running) try(t *testing.T, path, body string, headers ...string) (status int, answer []byte, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

func (r running) trySend(t *testing.T, text string) (status int, answer []byte, err error) {
	t.Helper()
	return r.try(t, "/v25.0/"+testNumber+"/messages",
		`{"messaging_product":"whatsapp","to":"254712345678","text":{"body":"`+text+`"},"biz_opaque_callback_data":"part-1"}`,
		"Authorization", "Bearer "+testToken)
}

func TestGraphFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault        GraphFault
		status, code int // a status of zero: the connection breaks
		delivered    int
	}{
		"refuses":        {GraphFault{Kind: GraphRefuses, Code: 131056, Share: 1}, http.StatusTooManyRequests, 131056, 0},
		"refuses 190":    {GraphFault{Kind: GraphRefuses, Code: 190, Share: 1}, http.StatusUnauthorized, 190, 0},
		"another code":   {GraphFault{Kind: GraphRefuses, Code: 131021, Share: 1}, http.StatusBadRequest, 131021, 0},
		"cuts before":    {GraphFault{Kind: GraphCutsBefore, Share: 1}, 0, 0, 0},
		"cuts after":     {GraphFault{Kind: GraphCutsAfter, Share: 1}, 0, 0, 1},
		"token":          {GraphFault{Kind: GraphToken}, http.StatusUnauthorized, 190, 0},
		"a share of 0":   {GraphFault{Kind: GraphCutsBefore}, http.StatusOK, 0, 1},
		"slow, no fault": {GraphFault{Slow: Range{Max: time.Millisecond}}, http.StatusOK, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			r.SetFaults(Faults{Graph: tt.fault})
			status, answer, err := r.trySend(t, "hi")
			var body struct{ Error struct{ Code int } }
			_ = json.Unmarshal(answer, &body)
			if status != tt.status || body.Error.Code != tt.code || (err != nil) != (tt.status == 0) {
				t.Errorf("got %d %s, %v; want %d with code %d", status, answer, err, tt.status, tt.code)
			}
			if got := r.Ledger().Counts.Outbound; got != tt.delivered {
				t.Errorf("%d messages were delivered, want %d", got, tt.delivered)
			}
			r.SetFaults(Faults{})
			if status, answer, err := r.trySend(t, "again"); status != http.StatusOK {
				t.Errorf("afterwards: %d %s, %v", status, answer, err)
			}
		})
	}
}

func TestFaultOfTheNextCallsEndsWithThem(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.SetFaults(Faults{
		Graph:  GraphFault{Kind: GraphRefuses, Code: 131000, Next: 2, Share: 1},
		Gemini: GeminiFault{Kind: GeminiBreaks, Next: 2, Share: 1},
	})
	var sends, prompts []int
	for range 4 {
		status, _, _ := r.trySend(t, "hi")
		sends = append(sends, status)
		status, _ = r.gemini(t, wholePath, conversation3("hi"))
		prompts = append(prompts, status)
	}
	if want := []int{500, 500, 200, 200}; !slices.Equal(sends, want) || !slices.Equal(prompts, want) {
		t.Errorf("the sends got %v and the prompts %v, want %v", sends, prompts, want)
	}
}

// The same seed makes the same calls go wrong.
func TestFaultOfAShareFollowsTheSeed(t *testing.T) {
	t.Parallel()
	outcome := func() (statuses []int) {
		s := New(Options{Seed: 7})
		defer s.Close()
		s.SetFaults(Faults{Gemini: GeminiFault{Kind: GeminiBreaks, Share: .5}})
		for range 40 {
			statuses = append(statuses, len(s.drawGemini()))
		}
		return statuses
	}
	first := outcome()
	if hit := 40 - strings.Count(fmt.Sprint(first), "0"); hit < 10 || hit > 30 {
		t.Errorf("a share of a half is %d of 40", hit)
	}
	if second := outcome(); !slices.Equal(first, second) {
		t.Errorf("%v and then %v", first, second)
	}
}

func TestHangingCallIsCutWhenTheFaultIsLifted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults Faults
		call   func(running) error
	}{
		"graph": {Faults{Graph: GraphFault{Kind: GraphHangs, Next: 1}}, func(r running) error {
			_, _, err := r.trySend(t, "hi")
			return err
		}},
		"gemini": {Faults{Gemini: GeminiFault{Kind: GeminiHangs, Next: 1}}, func(r running) error {
			_, _, err := r.try(t, streamPath, conversation3("hi"), "X-Goog-Api-Key", testKey)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			next := r.events(t)
			r.SetFaults(tt.faults)
			ended := make(chan error, 1)
			go func() { ended <- tt.call(r) }()
			// The page is told when the call has met its fault.
			next(eventFaults, func(data []byte) bool { return !bytes.Contains(data, []byte(`"next":1`)) })
			r.SetFaults(Faults{})
			select {
			case err := <-ended:
				if err == nil {
					t.Error("it was answered")
				}
			case <-time.After(patience):
				t.Fatal("it hangs on")
			}
			if l := r.Ledger(); l.Counts.Outbound+l.Counts.ModelCalls > 0 {
				t.Errorf("it acted: %+v", l.Counts)
			}
		})
	}
}

func TestGeminiFaults(t *testing.T) {
	t.Parallel()
	for kind, tt := range map[GeminiFaultKind]struct {
		status int
		cut    bool
		want   string // in the body, without white space
	}{
		GeminiTooMany:     {http.StatusTooManyRequests, false, `"retryDelay":"1s"`},
		GeminiBreaks:      {http.StatusInternalServerError, false, `"status":"INTERNAL"`},
		GeminiUnavailable: {http.StatusServiceUnavailable, false, `"status":"UNAVAILABLE"`},
		GeminiBlocks:      {http.StatusOK, false, `"blockReason":1`},
		GeminiEmpty:       {http.StatusOK, false, `"content":{"role":"model"}`},
		GeminiTruncates:   {http.StatusOK, true, `"text":"`},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			r.SetFaults(Faults{Gemini: GeminiFault{Kind: kind, Share: 1}})
			status, body, err := r.try(t, streamPath+intEnums, conversation3("hi"), "X-Goog-Api-Key", testKey)
			if status != tt.status || (err != nil) != tt.cut || !bytes.HasPrefix(body, []byte("[")) ||
				json.Valid(body) == tt.cut || !bytes.Contains(body, []byte(tt.want)) {
				t.Errorf("got %d %s, %v; want %d with %s", status, body, err, tt.status, tt.want)
			}
		})
	}
}

func TestWebhookFaultCopies(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.SetFaults(Faults{Webhooks: WebhookFaults{Copies: 5}})
	const messages = 30
	for n := range messages {
		r.Say(Person{Phone: fmt.Sprint(254712000000 + n)}, "hi")
	}
	l := r.wait(t, quiet)
	times, most := map[any]int{}, 0
	for _, hook := range r.service.received() {
		id := hook.items["messages"][0]["id"]
		times[id]++
		most = max(most, times[id])
	}
	if len(times) != messages || most < 2 || most > 5 || l.Counts.Acknowledged != messages {
		t.Errorf("%d messages came, the most frequent one %d times, and %d are acknowledged", len(times), most, l.Counts.Acknowledged)
	}
}

func TestWebhookFaultShuffle(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.SetFaults(Faults{Webhooks: WebhookFaults{Shuffle: 100 * time.Millisecond}})
	var said, came []string
	for n := range 30 {
		said = append(said, r.Say(wanjiru, strconv.Itoa(n)))
	}
	r.wait(t, quiet)
	for _, hook := range r.service.received() {
		came = append(came, hook.items["messages"][0]["id"].(string))
	}
	if slices.Equal(said, came) {
		t.Error("they came in order")
	}
	slices.Sort(said)
	slices.Sort(came)
	if !slices.Equal(said, came) {
		t.Errorf("%d were said and %d came", len(said), len(came))
	}
}

func TestWebhookFaultsOfStatuses(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	const years = 10 * 365 * 24 * time.Hour
	r.Say(wanjiru, "hi")
	r.wait(t, quiet)
	r.SetFaults(Faults{Webhooks: WebhookFaults{
		Clock: -years, NoCallback: true, StatusFirst: true, StatusDelay: Range{10 * time.Millisecond, 20 * time.Millisecond},
	}})
	_, _, _ = r.trySend(t, "answer")
	if first := r.service.statuses(); len(first) == 0 || first[0]["status"] != "sent" {
		t.Errorf("when the answer came, the statuses were %v", first)
	}
	r.wait(t, quiet)
	for _, status := range r.service.statuses() {
		told, _ := status["timestamp"].(string)
		at, _ := strconv.ParseInt(told, 10, 64)
		if _, ours := status["biz_opaque_callback_data"]; ours || time.Since(time.Unix(at, 0)) < years {
			t.Errorf("a status is %v", status)
		}
	}
}

func TestPageSetsFaultsAndSeesThem(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	next := r.events(t)
	for body, want := range map[string]int{
		`{"graph":{"kind":"cut-after","share":0.5,"slow":{"min":0,"max":1000000}},"webhooks":{"copies":3}}`: http.StatusOK,
		`{"graph":{"kind":"explode"}}`:              http.StatusUnprocessableEntity,
		`{"gemini":{"kind":"explode"}}`:             http.StatusUnprocessableEntity,
		`{"gemini":{"share":1.5}}`:                  http.StatusUnprocessableEntity,
		`{"webhooks":{"copies":1000}}`:              http.StatusUnprocessableEntity,
		`{"graph":{"slow":{"max":-1}}}`:             http.StatusUnprocessableEntity,
		`{"webhooks":{"shuffle":9000000000000000}}`: http.StatusUnprocessableEntity,
		`{"graph":{"slow":{"max":"long"}}`:          http.StatusBadRequest,
	} {
		if got, answer := r.post(t, "/api/faults", body); got != want {
			t.Errorf("%s: got %d %s, want %d", body, got, answer, want)
		}
	}
	next(eventFaults, func(data []byte) bool { return bytes.Contains(data, []byte(`"cut-after"`)) })
	if got, _ := r.store.currentFaults(); got.Graph.Share != .5 || got.Webhooks.Copies != 3 {
		t.Errorf("the faults are %+v", got)
	}
}
