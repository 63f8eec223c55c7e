package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"aisha/internal/handler/guard"
)

// deadlineRecorder records the deadlines that a handler sets.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	reads, writes []time.Time
}

func (d *deadlineRecorder) SetReadDeadline(at time.Time) error {
	d.reads = append(d.reads, at)
	return nil
}

func (d *deadlineRecorder) SetWriteDeadline(at time.Time) error {
	d.writes = append(d.writes, at)
	return nil
}

func TestLongBody(t *testing.T) {
	t.Parallel()
	recorder := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
	start := time.Now()
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "body" {
			t.Errorf("got the body %q, error %v, want %q", body, err, "body")
		}
	})
	body := io.NopCloser(iotest.OneByteReader(strings.NewReader("body")))
	guard.LongBody(next).ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", body))

	if len(recorder.reads) != 5 || len(recorder.writes) != 5 {
		t.Fatalf("got %d read and %d write deadlines, want one at the start and one for each byte", len(recorder.reads), len(recorder.writes))
	}
	for i, read := range recorder.reads {
		if after := read.Sub(start); after < 30*time.Second || after > 35*time.Second {
			t.Errorf("read deadline %d is after %v, want 30s", i, after)
		}
		if after := recorder.writes[i].Sub(read); after != 30*time.Second {
			t.Errorf("write deadline %d is %v after the read deadline, want 30s", i, after)
		}
	}
}
