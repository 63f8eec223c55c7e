package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func TestExchange_Curl(t *testing.T) {
	t.Parallel()
	t.Run("webhook_is_accepted_by_the_service", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("curl"); err != nil {
			t.Log("curl is not installed, so the command is NOT run")
			return
		}
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, `it's "quoted" and $HOME and äö 😀`)
		r.waitFor(t, idle)
		command := r.detail(t, r.exchanges()[0].ID).Curl
		if output, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("run %s: %v\n%s", command, err, output)
		}
		hooks := r.service.received()
		if len(hooks) != 2 || !bytes.Equal(hooks[0].body, hooks[1].body) ||
			hooks[0].header.Get("X-Hub-Signature-256") != hooks[1].header.Get("X-Hub-Signature-256") {
			t.Errorf("service got %d webhooks, want the same one twice", len(hooks))
		}
	})
	t.Run("secrets_are_variables", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.answer(t, "an answer")
		r.postGemini(t, streamPath+intEnums, promptAfterTwoTurns("a question"))
		if err := r.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.waitFor(t, idle)
		found := map[string]bool{}
		for _, x := range r.exchanges() {
			curl := r.detail(t, x.ID).Curl
			for _, variable := range []string{"$WHATSAPP_TOKEN", "$GEMINI_API_KEY", "$WEBHOOK_VERIFY_TOKEN"} {
				found[variable] = found[variable] || strings.Contains(curl, variable+`"`)
			}
			if x.Kind == kindGemini && !strings.Contains(curl, "enum-encoding") {
				t.Errorf("command is %s, want the query of the call", curl)
			}
		}
		if !found["$WHATSAPP_TOKEN"] || !found["$GEMINI_API_KEY"] || !found["$WEBHOOK_VERIFY_TOKEN"] {
			t.Errorf("commands have the variables %v, want all three", found)
		}
	})
	t.Run("incomplete_request_has_none", func(t *testing.T) {
		t.Parallel()
		x := exchange{Method: http.MethodPost, URL: "http://localhost/x", truncated: true}
		if got := x.curl(); got != "" {
			t.Errorf("curl() = %q, want an empty string", got)
		}
	})
}

// detail returns what the page loads for an exchange.
func (r fixture) detail(t *testing.T, id int64) exchangeDetail {
	t.Helper()
	body, err := io.ReadAll(r.get(t, fmt.Sprintf("/api/traffic/%d", id)).Body)
	if err != nil {
		t.Fatal(err)
	}
	return decode[exchangeDetail](t, body)
}
