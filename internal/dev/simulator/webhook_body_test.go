package simulator

import "testing"

func TestEscapeJSON(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`{"a":"plain"}`: `{"a":"plain"}`,
		`{"a":"ä"}`:     `{"a":"\u00e4"}`,
		`{"a":"😀"}`:     `{"a":"\ud83d\ude00"}`,
		`{"a":"b/c"}`:   `{"a":"b\/c"}`,
		`{"a":"\\/"}`:   `{"a":"\\\/"}`,
	} {
		if got := string(escapeJSON([]byte(given))); got != want {
			t.Errorf("escapeJSON(%s) = %s, want %s", given, got, want)
		}
	}
}
