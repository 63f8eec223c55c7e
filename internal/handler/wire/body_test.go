package wire_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

func TestReadBody(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body          io.Reader
		contentLength int64
		want          string
		kind          fault.Kind // Internal: no error
	}{
		"empty":                         {strings.NewReader(""), 0, "", fault.Internal},
		"at_the_limit":                  {strings.NewReader("12345678"), 8, "12345678", fault.Internal},
		"at_the_limit_without_length":   {strings.NewReader("12345678"), -1, "12345678", fault.Internal},
		"over_the_limit":                {strings.NewReader("123456789"), 9, "", fault.TooLarge},
		"over_the_limit_without_length": {strings.NewReader("123456789"), -1, "", fault.TooLarge},
		"connection_breaks":             {iotest.ErrReader(io.ErrUnexpectedEOF), 8, "", fault.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", tt.body)
			r.ContentLength = tt.contentLength
			got, err := wire.ReadBody(r, 8)
			if string(got) != tt.want || fault.Is(err, tt.kind) != (tt.kind != fault.Internal) || (err != nil) != (tt.kind != fault.Internal) {
				t.Errorf("got %q, %v; want %q and the kind %v (internal: no error)", got, err, tt.want, tt.kind)
			}
		})
	}
	t.Run("does_not_read_a_body_with_a_length_over_the_limit", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(errors.New("read")))
		r.ContentLength = 9
		if _, err := wire.ReadBody(r, 8); !fault.Is(err, fault.TooLarge) {
			t.Errorf("got %v, want too_large", err)
		}
	})
}
