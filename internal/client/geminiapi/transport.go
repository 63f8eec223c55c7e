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

// maxBody is the maximum size of a response. The longest completion of today's
// models is far smaller.
const maxBody = 8 << 20

// emptyArray is the body of a stream without chunks.
const emptyArray = "[]"

// transport is the http.RoundTripper of the SDK's HTTP client. It works around
// defects of generative-ai-go v0.20.1.
//
// It adds the API key to each request and removes a member that newer models
// reject.
//
// It reads each response into the [streamedResponse] of the request's context
// and gives the SDK an empty stream instead, because the SDK fails on parts of
// unknown types, does not distinguish thoughts from text, and takes an error
// within a stream for its end. The response is read whole: callers need no
// streaming, and only the end of a stream shows whether it is complete.
//
// It returns a *[failure] for any other response. So the SDK sees no 503, which
// it would retry without limit, and no redirect, which http.Client would follow
// with the key.
type transport struct {
	base http.RoundTripper
	key  sensitive.Secret
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(original *http.Request) (*http.Response, error) {
	ctx := original.Context()
	request, err := t.rewrite(original)
	if err != nil {
		return nil, err
	}
	response, err := t.base.RoundTrip(request)
	if err != nil {
		return nil, transportFailure(ctx, unreachable, err)
	}
	responseBody := response.Body
	defer func() { _ = responseBody.Close() }()
	body, err := io.ReadAll(io.LimitReader(responseBody, maxBody+1))
	if response.StatusCode != http.StatusOK {
		return nil, t.redactKey(statusFailure(response, body)) // the status counts, even if the body is incomplete
	}
	if err != nil {
		return nil, transportFailure(ctx, truncated, err)
	}
	if len(body) > maxBody {
		return nil, &failure{outcome: malformed, detail: fmt.Sprintf("the body is over %d bytes", maxBody)}
	}
	if err := responseFrom(ctx).readBody(body); err != nil {
		return nil, t.redactKey(err)
	}
	response.Body = io.NopCloser(strings.NewReader(emptyArray))
	response.ContentLength = int64(len(emptyArray))
	return response, nil
}

// rewrite returns a copy of the SDK's request with the key and without
// candidateCount.
func (t *transport) rewrite(original *http.Request) (*http.Request, error) {
	defer func() { _ = original.Body.Close() }()
	body, err := io.ReadAll(original.Body)
	if err != nil {
		return nil, err
	}
	body = removeCandidateCount(body)
	request := original.Clone(original.Context())
	request.Header.Set("X-Goog-Api-Key", t.key.Reveal())
	request.ContentLength = int64(len(body))
	// With GetBody, http.Transport can send the request again over another
	// connection if the server closed the idle one that was chosen first.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	request.Body, err = request.GetBody()
	return request, err
}

// redactKey converts err into a *failure and removes the API key from its text.
// The API quotes the key in its message that the key is suspended.
func (t *transport) redactKey(err error) error {
	f := failureOf(err)
	f.detail = strings.ReplaceAll(f.detail, t.key.Reveal(), "[key]")
	return f
}

// transportFailure translates an error of the base transport. The outcome is
// canceled or timedOut if ctx ended, and otherwise the given one.
func transportFailure(ctx context.Context, otherwise outcome, err error) error {
	if ctx.Err() != nil {
		return failureOf(ctx.Err())
	}
	return &failure{outcome: otherwise, cause: err}
}

// statusFailure translates a response with a status other than 200. The body
// may be incomplete, or not from the API.
func statusFailure(response *http.Response, body []byte) error {
	e := errorFromBody(body)
	e.Code = response.StatusCode
	f := e.failure()
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		f.retryAfter = max(f.retryAfter, time.Duration(seconds)*time.Second)
	}
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
