package geminiapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aisha/internal/sensitive"
)

// maxBody bounds an answer. The longest that a model can give is far shorter.
const maxBody = 8 << 20

// emptyStream is the body of an answer without a chunk.
const emptyStream = "[]"

// transport stands between the SDK and the network. Outwards it adds the key
// and takes out what newer models refuse. Inwards it reads the answer into the
// [reply] itself and shows the SDK an empty stream: the SDK fails on parts that
// it does not know, cannot tell a thought from a word of the answer, and takes
// an error within a stream for its end. All else than an answer becomes a
// *[failure], so the SDK sees no status that would make it retry for ever, and
// no redirect that would carry the key to another host.
//
// An answer is read whole: nothing is streamed to callers, and only the end of
// a stream tells whether it was an answer.
type transport struct {
	base http.RoundTripper
	key  sensitive.Secret
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(in *http.Request) (*http.Response, error) {
	out, err := t.outgoing(in)
	if err != nil {
		return nil, err
	}
	response, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, interrupted(in.Context(), unreachable, err)
	}
	source := response.Body
	defer func() { _ = source.Close() }()
	body, err := io.ReadAll(io.LimitReader(source, maxBody+1))
	if response.StatusCode != http.StatusOK {
		return nil, t.withoutKey(statusFailure(response, body)) // as much of the body as came will do
	}
	if err != nil {
		return nil, interrupted(in.Context(), truncated, err)
	}
	if len(body) > maxBody {
		return nil, &failure{reason: unreadable, detail: fmt.Sprintf("the body is over %d bytes", maxBody)}
	}
	if err := replyOf(in.Context()).read(body); err != nil {
		return nil, t.withoutKey(err)
	}
	response.Body = io.NopCloser(strings.NewReader(emptyStream))
	response.ContentLength = int64(len(emptyStream))
	return response, nil
}

// outgoing is the request as it goes over the wire.
func (t *transport) outgoing(in *http.Request) (*http.Request, error) {
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	body = withoutCandidateCount(body)
	out := in.Clone(in.Context())
	out.Header.Set("X-Goog-Api-Key", t.key.Reveal())
	out.ContentLength = int64(len(body))
	// GetBody lets the base transport repeat a request that no server has seen,
	// because the idle connection that was picked for it had just been closed.
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.Body, err = out.GetBody()
	return out, err
}

// withoutKey takes the key out of what the log will show: the API quotes it
// when it has been suspended.
func (t *transport) withoutKey(err error) error {
	f := failureOf(err)
	f.detail = strings.ReplaceAll(f.detail, t.key.Reveal(), "[key]")
	return f
}

// interrupted is an exchange that broke off: because the caller hung up, or
// the time was over, or else for the reason given.
func interrupted(ctx context.Context, otherwise reason, err error) error {
	if ctx.Err() != nil {
		return failureOf(ctx.Err())
	}
	return &failure{reason: otherwise, cause: err}
}

// statusFailure is what a status other than 200 means, together with its body.
func statusFailure(response *http.Response, body []byte) error {
	told := errorIn(body)
	told.Code = response.StatusCode
	f := told.failure()
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		f.retryAfter = max(f.retryAfter, time.Duration(seconds)*time.Second)
	}
	return f
}

// newBaseTransport is made for a thousand callers at once who all ask the same
// host, and finds out about connections that died silently.
func newBaseTransport() *http.Transport {
	const callers = 1000
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConns:        callers,
		MaxIdleConnsPerHost: callers,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}
