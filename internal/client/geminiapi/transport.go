package geminiapi

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"aisha/internal/client/upstream"
	"aisha/internal/sensitive"
)

// maxBody is the maximum size of a response. The longest completion of today's
// models is far smaller.
const maxBody = 8 << 20

// emptyArray is the body of a stream without chunks.
const emptyArray = "[]"

// transport is the http.RoundTripper of the SDK's HTTP client. It works around
// defects of generative-ai-go v0.20.1.
//
// It adds the API key and the files to each request, and removes a member that
// newer models reject.
//
// It reads each response into the [call] of the request's context and gives the SDK an empty stream instead, because the SDK fails on parts of
// unknown types, does not distinguish thoughts from text, and takes an error
// within a stream for its end. The response is read whole: callers need no
// streaming, and only the end of a stream shows whether it is complete.
//
// It returns a *[Failure] for any other response. So the SDK sees no 503, which
// it would retry without limit, and no redirect, which http.Client would follow
// with the key.
type transport struct {
	base http.RoundTripper
	key  sensitive.Secret
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(original *http.Request) (*http.Response, error) {
	exchange := callFrom(original.Context())
	request, err := t.rewrite(original, exchange.files)
	if err != nil {
		return nil, err
	}
	response, err := t.base.RoundTrip(request)
	if err != nil {
		return nil, transportFailure(request.Context(), unreachable, exchange.private.MaskError(err))
	}
	responseBody := response.Body
	defer func() { _ = responseBody.Close() }()
	body, err := io.ReadAll(io.LimitReader(responseBody, maxBody+1))
	if response.StatusCode != http.StatusOK {
		return nil, statusFailure(response, body, exchange.private) // the status counts, even if the body is incomplete
	}
	if err != nil {
		return nil, transportFailure(request.Context(), truncated, exchange.private.MaskError(err))
	}
	if len(body) > maxBody {
		return nil, &Failure{outcome: malformed, detail: fmt.Sprintf("the body is over %d bytes", maxBody)}
	}
	if err := exchange.response.readBody(body, exchange.private); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(strings.NewReader(emptyArray))
	response.ContentLength = int64(len(emptyArray))
	return response, nil
}

// rewrite returns a copy of the SDK's request with the key and the files, and
// without candidateCount.
func (t *transport) rewrite(original *http.Request, files [][]byte) (*http.Request, error) {
	defer func() { _ = original.Body.Close() }()
	written, err := io.ReadAll(original.Body)
	if err != nil {
		return nil, err
	}
	body, err := newRequestBody(removeCandidateCount(written), files)
	if err != nil {
		return nil, err
	}
	request := original.Clone(original.Context())
	request.Header.Set("X-Goog-Api-Key", t.key.Reveal())
	request.ContentLength = body.length()
	// With GetBody, http.Transport can send the request again over another
	// connection if the server closed the idle one that was chosen first.
	request.GetBody = func() (io.ReadCloser, error) { return body.open(), nil }
	request.Body = body.open()
	return request, nil
}

// transportFailure translates an error of the base transport. The outcome is
// canceled or timedOut if ctx ended, and otherwise the given one.
func transportFailure(ctx context.Context, otherwise outcome, err error) error {
	if ctx.Err() != nil {
		return failureOf(ctx.Err())
	}
	return &Failure{outcome: otherwise, cause: err}
}

// statusFailure translates a response with a status other than 200. The body
// may be incomplete, or not from the API.
func statusFailure(response *http.Response, body []byte, private upstream.Private) *Failure {
	e := errorFromBody(body)
	e.Code = response.StatusCode
	f := e.failure(private)
	f.retryAfter = max(f.retryAfter, upstream.RetryAfter(response.Header))
	return f
}

// newBaseTransport returns a transport for up to a thousand concurrent requests
// to one host. HTTP/2 pings detect connections that were lost without notice.
func newBaseTransport() *http.Transport {
	const maxConnections = 1000
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConns:        maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}
