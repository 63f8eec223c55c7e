package wire_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"aisha/internal/handler/wire"
)

type longBody struct {
	Field string `json:"field"`
	Raw   string `json:"raw"`
	After int    `json:"after"`
}

func longText(text string) wire.HandlerFunc {
	return func(*http.Request) (wire.Response, error) {
		return wire.JSON(wire.LongText{
			Text: text,
			Form: func(member string) any { return longBody{Field: "raw", Raw: member, After: 1} },
		}), nil
	}
}

func TestLongText(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":                "",
		"short":                `a "b" <c> \ é`,
		"control_characters":   strings.Repeat("\x01", 50_000),
		"long_characters":      "a" + strings.Repeat("€", 20_000),
		"longest_characters":   "abc" + strings.Repeat("👩", 20_000),
		"replacement":          strings.Repeat("\uFFFD", 20_000),
		"ends_with_a_piece":    strings.Repeat("a", 32<<10),
		"quotation_marks_only": strings.Repeat(`"`, 40_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			wire.Handler(longText(text))(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
			var got longBody
			if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
				t.Fatalf("parse the body: %v", err)
			}
			if want := (longBody{Field: "raw", Raw: text, After: 1}); got != want {
				t.Errorf("got %d bytes and %+.60v, want %d bytes", len(got.Raw), got, len(text))
			}
			if recorder.Code != http.StatusOK || recorder.Header().Get("Content-Type") != "application/json; charset=utf-8" ||
				recorder.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got %d with the headers %v, want 200, JSON and no-store", recorder.Code, recorder.Header())
			}
		})
	}
}

func TestLongText_FormWithoutText(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	wire.Handler(func(*http.Request) (wire.Response, error) {
		return wire.JSON(wire.LongText{Text: "a", Form: func(string) any { return longBody{} }}), nil
	})(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	if recorder.Code != http.StatusInternalServerError {
		t.Errorf("got %d, want 500", recorder.Code)
	}
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// 4 MiB of control characters are 24 MiB of JSON, which must not be built at once.
// The heap that is measured contains some garbage.
func TestLongText_Memory(t *testing.T) {
	text := strings.Repeat("\x01", 4<<20)
	handle := wire.Handler(longText(text))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	stop, peak := make(chan struct{}), make(chan uint64)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		highest := uint64(0)
		for {
			select {
			case <-stop:
				peak <- highest
				return
			default:
				var now runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&now)
				highest = max(highest, now.HeapAlloc)
			}
		}
	}()
	handle(discard{http.Header{}}, r)
	close(stop)
	if grown := int64(<-peak) - int64(before.HeapAlloc); grown > 12<<20 {
		t.Errorf("the live heap grew by %d KiB, want at most 12288", grown>>10)
	}
	runtime.KeepAlive(text)
}
