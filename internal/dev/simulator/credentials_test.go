package simulator

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestCredentialRoutes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, &fakeService{})
	for name, tt := range map[string]struct {
		path, header, value string
		status              int
		body                string
	}{
		"right_token": {"/v25.0/" + f.options.PhoneNumberID + "?fields=id", "Authorization", "Bearer " + f.options.AccessToken, 200, `{"id":"` + f.options.PhoneNumberID},
		"wrong_token": {"/v25.0/" + f.options.PhoneNumberID + "?fields=id", "Authorization", "Bearer x", 401, `"code":190`},
		"right_key":   {"/v1beta/models/gemini-x", "X-Goog-Api-Key", f.options.GeminiKey, 200, `{"name":"models/gemini-x"`},
		"wrong_key":   {"/v1beta/models/gemini-x", "X-Goog-Api-Key", "x", 400, "API_KEY_INVALID"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(tt.header, tt.value)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
			t.Errorf("%s: got %d %s, want %d with %s", name, response.StatusCode, body, tt.status, tt.body)
		}
	}
}
