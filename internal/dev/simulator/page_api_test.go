package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestPageAPI(t *testing.T) {
	t.Parallel()
	t.Run("sends_message_as_added_person", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		status, body := r.post(t, "/api/people", `{"phone":"0799 111-222"}`)
		if status != http.StatusOK {
			t.Fatalf("got status %d: %s", status, body)
		}
		person := decode[struct{ ID string }](t, body).ID
		status, body = r.post(t, "/api/messages", fmt.Sprintf(`{"person":%q,"text":"jambo"}`, person))
		if status != http.StatusAccepted {
			t.Fatalf("got status %d: %s", status, body)
		}
		ledger := r.waitFor(t, idle)
		if in := ledger.Inbound[0]; in.Text != "jambo" || in.Person.Phone != "254799111222" || in.WAMID != decode[struct{ ID string }](t, body).ID {
			t.Errorf("ledger has %+v, want the text jambo of 254799111222", in)
		}
	})
	t.Run("rejects_invalid_requests", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		const person = `{"phone":"254799111222"}`
		tests := []struct {
			name       string
			path, body string
			headers    []string
			want       int
		}{
			{name: "cross_site", path: "/api/people", body: person, headers: []string{"Sec-Fetch-Site", "cross-site"}, want: 403},
			{name: "neighbouring_site", path: "/api/people", body: person, headers: []string{"Sec-Fetch-Site", "same-site"}, want: 403},
			{name: "another_origin", path: "/api/people", body: person, headers: []string{"Origin", "https://evil.example"}, want: 403},
			{name: "form_body", path: "/api/people", body: person, headers: []string{"Content-Type", "text/plain"}, want: 415},
			{name: "not_JSON", path: "/api/people", body: `phone`, want: 400},
			{name: "body_too_large", path: "/api/people", body: `{"name":"` + strings.Repeat("x", maxPageBody) + `"}`, want: 413},
			{name: "invalid_number", path: "/api/people", body: `{"phone":"Wanjiru"}`, want: 422},
			{name: "long_name", path: "/api/people", body: `{"phone":"0712345678","name":"` + strings.Repeat("x", 26) + `"}`, want: 422},
			{name: "unknown_person", path: "/api/messages", body: `{"person":"KE.nobody","text":"x"}`, want: 422},
		}
		for _, test := range tests {
			if status, body := r.post(t, test.path, test.body, test.headers...); status != test.want {
				t.Errorf("%s: got status %d, want %d: %s", test.name, status, test.want, body)
			}
		}
		if status := r.get(t, "/api/events", "Sec-Fetch-Site", "cross-site").StatusCode; status != http.StatusForbidden {
			t.Errorf("cross-site request for events: got status %d, want 403", status)
		}
	})
	t.Run("sets_faults", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		next := r.readEvents(t)
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
			if got, response := r.post(t, "/api/faults", body); got != want {
				t.Errorf("%s: got %d %s, want %d", body, got, response, want)
			}
		}
		next(eventFaults, func(data []byte) bool { return bytes.Contains(data, []byte(`"cut-after"`)) })
		if got, _ := r.store.currentFaults(); got.Graph.Share != .5 || got.Webhooks.MaxCopies != 3 {
			t.Errorf("faults are %+v, want share 0.5 and 3 copies", got)
		}
	})
}
