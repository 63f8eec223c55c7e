package graphapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// serveTCP runs handle for every connection to a new listener, then closes the
// connection. It returns the listener's http URL.
func serveTCP(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				handle(conn)
				_ = conn.Close()
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// receiveRequest reads one whole request from the connection.
func receiveRequest(conn net.Conn) {
	if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		_, _ = io.Copy(io.Discard, request.Body)
	}
}

// waitForClose blocks until the client closes the connection.
func waitForClose(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }

// respond returns a handler that reads the request and writes the raw response.
func respond(rawResponse string) func(net.Conn) {
	return func(conn net.Conn) {
		receiveRequest(conn)
		_, _ = io.WriteString(conn, rawResponse)
	}
}

// ok returns a raw response with status 200.
func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestClient_Send_UnknownOutcome(t *testing.T) {
	t.Parallel()
	tests := map[string]func(net.Conn){
		"closed_before_request_is_read":      func(net.Conn) {},
		"closed_after_request_is_read":       receiveRequest,
		"closed_within_the_header":           respond("HTTP/1.1 200 OK\r\nContent-Le"),
		"closed_within_the_body":             respond("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + acceptedBody[:40]),
		"closed_within_a_chunk":              respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n" + acceptedBody[:20]),
		"response_is_not_http":               respond("SSH-2.0-OpenSSH_9.2\r\n"),
		"body_is_empty":                      respond(ok("")),
		"body_is_html":                       respond(ok("<html>Welcome</html>")),
		"body_has_no_message":                respond(ok(`{"messages":[]}`)),
		"message_id_is_empty":                respond(ok(`{"messages":[{"id":""}]}`)),
		"message_id_has_a_control_character": respond(ok(`{"messages":[{"id":"a\u0000b"}]}`)),
		"messages_of_unexpected_type":        respond(ok(`{"messages":"wamid.OUT"}`)),
		"body_is_null":                       respond(ok(`null`)),
		"body_has_only_success":              respond(ok(`{"success":true}`)),
		"body_is_too_large":                  respond(ok(`{"messages":[{"id":"` + strings.Repeat("x", maxResponse) + `"}]}`)),
		"header_is_too_large":                respond("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 128<<10)),
		"502_of_a_gateway":                   respond("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"),
		"503_without_a_body":                 respond("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
		"504_with_a_string_error":            respond("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 17\r\n\r\n{\"error\":\"slow.\"}"),
		"500_of_a_gateway":                   respond("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 31\r\n\r\n{\"error\":{\"message\":\"timeout\"}}"),
		"408":                                respond("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
	}
	for name, handle := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wamid, err := newTestClient(serveTCP(t, handle)).Send(t.Context(), newMessage())
			if !isUnknownOutcome(err) || wamid != "" {
				t.Fatalf("Send = %q, %v, want an UnknownOutcome", wamid, err)
			}
			checkNothingPrivate(t, err)
		})
	}
}

func TestClient_Send_SlowResponse(t *testing.T) {
	t.Parallel()
	url := serveTCP(t, func(conn net.Conn) {
		receiveRequest(conn)
		for _, b := range []byte(ok(acceptedBody)) {
			_, _ = conn.Write([]byte{b})
		}
	})
	if wamid, err := newTestClient(url).Send(t.Context(), newMessage()); wamid != "wamid.OUT" || err != nil {
		t.Errorf("Send = %q, %v, want wamid.OUT", wamid, err)
	}
}

func TestClient_Send_Timeout(t *testing.T) {
	t.Parallel()
	for name, beginning := range map[string]string{
		"before_the_response": "",
		"within_the_header":   "HTTP/1.1 200",
		"within_the_body":     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(serveTCP(t, func(conn net.Conn) {
				receiveRequest(conn)
				_, _ = io.WriteString(conn, beginning)
				waitForClose(conn)
			}))
			c.options.Timeout = 50 * time.Millisecond
			_, err := c.Send(t.Context(), newMessage())
			if !isUnknownOutcome(err) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v, want an UnknownOutcome with DeadlineExceeded", err)
			}
		})
	}
}

func TestClient_Send_CancelledAfterRequestWasSent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := newTestClient(serveTCP(t, func(conn net.Conn) {
		receiveRequest(conn)
		cancel()
		waitForClose(conn)
	}))
	if _, err := c.Send(ctx, newMessage()); !isUnknownOutcome(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want an UnknownOutcome with Canceled", err)
	}
}

func TestClient_Send_NothingSent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url       string
		timeout   time.Duration
		cancelled bool // before the call
	}{
		"connection_refused":        {url: closedPort(t), timeout: time.Minute},
		"unknown_host":              {url: "http://graph.invalid", timeout: time.Minute},
		"untrusted_certificate":     {url: untrustedServer(t), timeout: time.Minute},
		"handshake_aborted":         {url: serveTLS(t, waitForClose), timeout: time.Minute},
		"handshake_without_end":     {url: serveTLS(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }), timeout: 50 * time.Millisecond},
		"cancelled_before_the_call": {url: "http://127.0.0.1:1", timeout: time.Minute, cancelled: true},
		"timeout_before_the_call":   {url: "http://127.0.0.1:1", timeout: time.Nanosecond},
		"unsupported_scheme":        {url: "gopher://127.0.0.1:1", timeout: time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(tt.url)
			c.options.Timeout = tt.timeout
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.cancelled {
				cancel()
			}
			_, err := c.Send(ctx, newMessage())
			got := asRefusal(t, err)
			if got.Reaction != whatsapp.HoldNumber || got.Code != 0 || got.HTTPStatus != 0 {
				t.Errorf("refusal = %+v, want reaction HoldNumber without code and status", got)
			}
			if !strings.HasPrefix(got.Detail, "not sent: ") {
				t.Errorf("detail = %q, want it to begin with %q", got.Detail, "not sent: ")
			}
			checkNothingPrivate(t, err)
		})
	}
}

// closedPort returns the URL of a port on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	_ = listener.Close()
	return "http://" + listener.Addr().String()
}

// untrustedServer returns the URL of a server with an unknown certificate.
func untrustedServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// serveTLS is serveTCP with an https URL.
func serveTLS(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	return strings.Replace(serveTCP(t, handle), "http:", "https:", 1)
}

func TestClient_Send_InvalidBaseURL(t *testing.T) {
	t.Parallel()
	_, err := newTestClient("http://%zz").Send(t.Context(), newMessage())
	if refusal := asRefusal(t, err); refusal.Reaction != whatsapp.HoldNumber {
		t.Errorf("refusal = %+v, want reaction HoldNumber", refusal)
	}
}

func TestClient_Send_TokenInvalidInHeader(t *testing.T) {
	t.Parallel()
	c := newTestClient("http://127.0.0.1:1")
	c.options.Token = sensitive.NewSecret(testToken + "\n")
	_, err := c.Send(t.Context(), newMessage())
	if refusal := asRefusal(t, err); refusal.Reaction != whatsapp.HoldNumber {
		t.Errorf("refusal = %+v, want reaction HoldNumber", refusal)
	}
	checkNothingPrivate(t, err)
}

func TestClient_Send_RedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := newTestClient(server.URL).Send(t.Context(), newMessage())
	if refusal := asRefusal(t, err); refusal.Reaction != whatsapp.HoldForOperator {
		t.Errorf("refusal = %+v, want reaction HoldForOperator", refusal)
	}
	if got := calls.Load(); got != 1 {
		t.Errorf("calls = %d, want 1", got)
	}
}

// The server closes its connections between the messages, so that a send can
// begin on a connection that is being closed.
func TestClient_Send_ClosedIdleConnection(t *testing.T) {
	t.Parallel()
	const messages = 20
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, acceptedBody)
	})
	c := newTestClient(server.URL)
	for range messages {
		if _, err := c.Send(t.Context(), newMessage()); err != nil && !isUnknownOutcome(err) {
			t.Fatalf("error = %v, want none or an UnknownOutcome", err)
		}
		server.CloseClientConnections()
	}
	if got := calls.Load(); got > messages {
		t.Errorf("calls = %d, want at most %d", got, messages)
	}
}

// The server closes a reused connection after it read the request: net/http
// must not repeat the request.
func TestClient_Send_ReusedConnectionClosed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := newTestClient(serveTCP(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for {
			request, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			if calls.Add(1) > 1 {
				return
			}
			_, _ = io.WriteString(conn, ok(acceptedBody))
		}
	}))
	checkSecondSendUnknown(t, c, &calls)
}

func TestClient_Send_HTTP2StreamAborted(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("protocol = HTTP/%d, want HTTP/2", r.ProtoMajor)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, acceptedBody)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	c := newTestClient(server.URL)
	c.http.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	checkSecondSendUnknown(t, c, &calls)
}

// checkSecondSendUnknown sends two messages. The first must be accepted and the
// second have an unknown outcome, after one call each.
func checkSecondSendUnknown(t *testing.T, c *Client, calls *atomic.Int32) {
	t.Helper()
	if _, err := c.Send(t.Context(), newMessage()); err != nil {
		t.Fatalf("first send: error = %v, want none", err)
	}
	if _, err := c.Send(t.Context(), newMessage()); !isUnknownOutcome(err) {
		t.Errorf("second send: error = %v, want an UnknownOutcome", err)
	}
	if got := calls.Load(); got != 2 {
		t.Errorf("calls = %d, want 2", got)
	}
}

func TestClient_Send_HugeResponse(t *testing.T) {
	t.Parallel()
	const size = 1 << 30
	written := make(chan int64, 1)
	c := newTestClient(serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n, _ := io.Copy(w, io.LimitReader(endlessReader{}, size))
		written <- n
	}).URL)
	if _, err := c.Send(t.Context(), newMessage()); !isUnknownOutcome(err) {
		t.Errorf("error = %v, want an UnknownOutcome", err)
	}
	if n := <-written; n >= size {
		t.Errorf("server could write all %d bytes, want fewer", n)
	}
}

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte("x"), len(p))), nil
}
