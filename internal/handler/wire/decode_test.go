package wire_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aisha/internal/handler/wire"
)

// FuzzDecode checks that Decode accepts only bodies in which encoding/json
// finds the same strings, and rejects all others with a 4xx status.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":"y"}`, `{"a":"\u0000","b":""}`, `{"A":"x","b":"y"}`, `{"a":"x","a":1,"b":"y"}`, `{"a":null}`, `[]`, `null`, "",
		` {"a":"x","b":"y"} {}`, "{\"a\":\"\xff\",\"b\":\"\"}", `{"a":"\ud800","b":"y"}`, `{"a":[[[[]]]]}`, "\ufeff{}", `{"a":1e999}`,
		`{"\u0061":"x","b":"\ud83d\ude00\/\b\f\n\r\t\"\\"}`, `{"a":"x","b":"y","a":"\ud83d\ufffd\uDE00"}`, `{"a":"\uD83Dx","b":"\uDE00\uD83D"}`,
		`{"a":"\ud800\ufffd","b":""}`, `{"a":"\\ufffd\ud800","b":""}`, `{"a":"\\ud800","b":"\ufffd"}`,
	} {
		f.Add("application/json", seed)
	}
	f.Add(`application/x+json; charset="utf-8"`, `{}`)
	f.Add(";;;", `{}`)
	f.Add("application/json; charset=UTF8", "\ufeff\ufeff{}")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		type pair struct{ a, b string }
		got, err := wire.Decode(r, func(m *wire.Members) pair { return pair{m.String("a"), m.String("b")} })
		if err != nil {
			if status := wire.StatusOf(err); status < 400 || status >= 500 {
				t.Fatalf("got status %d for %q as %q, want 4xx: %v", status, body, contentType, err)
			}
			return
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &want); err != nil {
			t.Fatalf("accepted %q, which is not JSON: %v", body, err)
		}
		if want["a"] != got.a || want["b"] != got.b {
			t.Fatalf("decoded %q as %v, want %v", body, got, want)
		}
	})
}
