package geminiapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestClient_CheckKey(t *testing.T) {
	t.Parallel()
	badKey := `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}`
	target := newFakeAPI(t, respondOK(`{"name":"models/first"}`))
	const accepted, rejected, unknown = "accepted", "rejected", "unknown"
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"description":        {respondOK(`{"name":"models/first","inputTokenLimit":1048576}`), accepted},
		"400_invalid_key":    {respond(400, errorObject(400, "INVALID_ARGUMENT", "API key not valid.", badKey)), rejected},
		"401":                {respond(401, errorObject(401, "UNAUTHENTICATED", "who")), rejected},
		"403_suspended_key":  {respond(403, errorObject(403, "PERMISSION_DENIED", "api_key:"+testKey+" is suspended")), rejected},
		"400_other":          {respond(400, errorObject(400, "FAILED_PRECONDITION", "User location is not supported")), unknown},
		"404_no_such_route":  {http.NotFound, unknown},
		"429":                {respond(429, errorObject(429, "RESOURCE_EXHAUSTED", "slow down")), unknown},
		"503_html_page":      {respond(503, "<html>"), unknown},
		"200_html_page":      {respondOK("<html>sign in</html>"), unknown},
		"200_cut_off":        {respondOK(`{"name":"mod`), unknown},
		"redirect":           {http.RedirectHandler(target.URL, http.StatusTemporaryRedirect).ServeHTTP, unknown},
		"cut_before_respond": {cutBeforeResponse, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, test.handler)
			client := newTestClient(t, api.URL+"/", nil)

			err := client.CheckKey(t.Context())

			got := unknown
			switch {
			case err == nil:
				got = accepted
			case errors.Is(err, ErrKeyRejected):
				got = rejected
			}
			if got != test.want {
				t.Errorf("the key is %s (%v), want %s", got, err, test.want)
			}
			request := api.requests()[0]
			if request.path != "/v1beta/models/first" || request.query != "" || request.key != testKey {
				t.Errorf("path %q, query %q, key %q; want /v1beta/models/first, no query and the key in the header",
					request.path, request.query, request.key)
			}
			checkNothingLeaked(t, client.log, err)
		})
	}
	if n := len(target.requests()); n != 0 {
		t.Errorf("the target of the redirect received %d requests, want none", n)
	}
}

func TestClient_CheckKey_timeout(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(hang))
	t.Cleanup(server.Close)
	client := newTestClient(t, server.URL, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	if err := client.CheckKey(t.Context()); err == nil || errors.Is(err, ErrKeyRejected) {
		t.Errorf("error = %v, want one that is not ErrKeyRejected", err)
	}
}
