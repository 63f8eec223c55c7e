package handler

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/resource"
)

func TestLoadingSaysWhereAndWhenToLook(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	serve(func(*http.Request) (reply, error) { return show(resource.Loading[int](), "/somewhere/7") })(
		recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	header := recorder.Result().Header
	if recorder.Code != http.StatusAccepted || recorder.Body.String() != `{"status":"loading","data":null}` ||
		header.Get("Location") != "/somewhere/7" || header.Get("Retry-After") != "1" {
		t.Errorf("got %d %v %s", recorder.Code, header, recorder.Body)
	}
}

func TestBodyThatCannotBeEncodedIsACleanFailure(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	serve(func(*http.Request) (reply, error) { return ok(func() {}), nil })(
		recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	if recorder.Code != http.StatusInternalServerError || !strings.Contains(recorder.Body.String(), `"code":"internal"`) {
		t.Errorf("got %d %s", recorder.Code, recorder.Body)
	}
}

// FuzzDecode checks that decode takes just what encoding/json takes for an
// object with these strings, and refuses all else with a fault of the caller's.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":"y"}`, `{"a":"\u0000","b":""}`, `{"A":"x","b":"y"}`, `{"a":"x","a":1,"b":"y"}`, `{"a":null}`, `[]`, `null`, "",
		` {"a":"x","b":"y"} {}`, "{\"a\":\"\xff\",\"b\":\"\"}", `{"a":"\ud800","b":"y"}`, `{"a":[[[[]]]]}`, "\ufeff{}", `{"a":1e999}`,
		`{"\u0061":"x","b":"\ud83d\ude00\/\b\f\n\r\t\"\\"}`, `{"a":"x","b":"y","a":"\ud83d\ufffd\uDE00"}`, `{"a":"\uD83Dx","b":"\uDE00\uD83D"}`, `{"a":"\ud800\ufffd","b":""}`, `{"a":"\\ufffd\ud800","b":""}`, `{"a":"\\ud800","b":"\ufffd"}`,
	} {
		f.Add("application/json", seed)
	}
	f.Add(`application/x+json; charset="utf-8"`, `{}`)
	f.Add(";;;", `{}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		type pair struct{ a, b string }
		got, err := decode(r, func(m *members) pair { return pair{m.text("a"), m.text("b")} })
		if err != nil {
			if code := status(fault.Of(err).Kind); code < 400 || code >= 500 {
				t.Fatalf("status %d for %q as %q: %v", code, body, contentType, err)
			}
			return
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("took %q, which is not JSON: %v", body, err)
		}
		if want["a"] != got.a || want["b"] != got.b {
			t.Fatalf("took %q for %v", body, got)
		}
	})
}
