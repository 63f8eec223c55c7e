package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/iotest"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// tracked returns a request with a body of size bytes that counts against the
// budget, and the function that ends the request.
func tracked(budget *wire.BodyBudget, size, contentLength int64) (*http.Request, func()) {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(make([]byte, size)))
	r.ContentLength = contentLength
	return r, budget.Track(r)
}

func TestBodyBudget(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size    int64
		chunked bool
		want    int // bodies that fit at the same time, of the first 2,000
	}{
		"largest_bodies":        {size: 4 * mib, want: 8}, // 8 times 64 KiB do not count
		"largest_chunked":       {size: 4 * mib, chunked: true, want: 8},
		"one_byte_above_64_KiB": {size: 64*kib + 1, want: 32 * mib / (60 * kib)},
		"small_bodies":          {size: 64 * kib, want: 32 * mib / (60 * kib)},
		"ordinary_bodies":       {size: 4 * kib, want: 2000},
		"ordinary_chunked":      {size: 4 * kib, chunked: true, want: 2000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			budget := &wire.BodyBudget{}
			read := func() (func(), error) {
				length := tt.size
				if tt.chunked {
					length = -1
				}
				r, release := tracked(budget, tt.size, length)
				_, err := wire.ReadBody(r, 4*mib)
				return release, err
			}
			var releases []func()
			var err error
			for len(releases) < 2000 && err == nil {
				var release func()
				release, err = read()
				releases = append(releases, release)
			}
			got := len(releases)
			if err != nil {
				got--
				if !fault.Is(err, fault.Unavailable) || !errors.Is(err, wire.ErrBodyBudget) {
					t.Errorf("got %v, want unavailable because of the budget", err)
				}
			}
			if got != tt.want {
				t.Errorf("%d bodies fit, want %d", got, tt.want)
			}
			for _, release := range releases {
				release()
			}
			release, err := read()
			if err != nil {
				t.Errorf("after the requests ended: got %v, want no error", err)
			}
			release()
		})
	}
}

func TestBodyBudget_LargeBodiesDoNotBlockSmallOnes(t *testing.T) {
	t.Parallel()
	budget := &wire.BodyBudget{}
	for range 8 {
		r, _ := tracked(budget, 4*mib, 4*mib)
		if _, err := wire.ReadBody(r, 4*mib); err != nil {
			t.Fatalf("large body: got %v, want no error", err)
		}
	}
	r, _ := tracked(budget, 64*kib, 64*kib)
	if _, err := wire.ReadBody(r, 4*mib); err != nil {
		t.Errorf("small body: got %v, want no error", err)
	}
}

// A body that is announced and does not arrive takes nothing from the others.
func TestBodyBudget_AnnouncedBytesDoNotCount(t *testing.T) {
	t.Parallel()
	budget := &wire.BodyBudget{}
	for range 100 {
		r, _ := tracked(budget, 1, 4*mib)
		if _, err := wire.ReadBody(r, 4*mib); errors.Is(err, wire.ErrBodyBudget) {
			t.Fatalf("announced body: got %v, want another error", err)
		}
	}
	r, _ := tracked(budget, 4*mib, 4*mib)
	if _, err := wire.ReadBody(r, 4*mib); err != nil {
		t.Errorf("body that arrives: got %v, want no error", err)
	}
}

// A body is rejected when its next bytes do not fit, and not at its end.
func TestBodyBudget_RejectsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	budget := &wire.BodyBudget{}
	for range 8 {
		r, _ := tracked(budget, 4*mib, 4*mib)
		if _, err := wire.ReadBody(r, 4*mib); err != nil {
			t.Fatalf("first bodies: got %v, want no error", err)
		}
	}
	unsent := io.MultiReader(bytes.NewReader(make([]byte, 2*mib)), iotest.ErrReader(errors.New("read")))
	r := httptest.NewRequest(http.MethodPost, "/", unsent)
	r.ContentLength = 4 * mib
	budget.Track(r)
	if _, err := wire.ReadBody(r, 4*mib); !errors.Is(err, wire.ErrBodyBudget) {
		t.Errorf("got %v, want the error of the budget", err)
	}
}

func TestBodyBudget_RequestWithoutBody(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	release := (&wire.BodyBudget{}).Track(r)
	release()
	if r.Body != http.NoBody {
		t.Errorf("got the body %T, want http.NoBody", r.Body)
	}
}

// The memory of a body must follow the bytes that have arrived.
func TestReadBody_AllocatesWhatArrives(t *testing.T) {
	for name, tt := range map[string]struct {
		announced int64
		arrives   int64
		most      uint64 // allocated bytes
	}{
		"announced_and_never_sent": {announced: 4 * mib, arrives: 0, most: 32 * kib},
		"stops_after_64_KiB":       {announced: 4 * mib, arrives: 64 * kib, most: 256 * kib},
		"all_arrives":              {announced: 4 * mib, arrives: 4 * mib, most: 10 * mib},
		"one_byte_is_missing":      {announced: 4 * mib, arrives: 4*mib - 1, most: 10 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			body := io.LimitReader(zeros{}, tt.arrives)
			r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(body))
			r.ContentLength = tt.announced
			if got := allocated(func() { _, _ = wire.ReadBody(r, 4*mib) }); got > tt.most {
				t.Errorf("allocated %d KiB, want at most %d KiB", got/kib, tt.most/kib)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// allocated returns the bytes that f allocates. Allocations of other goroutines
// count too, so the calling test must not run in parallel with others.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
