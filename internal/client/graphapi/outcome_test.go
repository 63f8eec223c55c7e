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

// listen runs serve for every connection to a listener of its own.
func listen(t *testing.T, serve func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				serve(conn)
				_ = conn.Close()
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// take reads a whole request off the connection.
func take(conn net.Conn) {
	if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		_, _ = io.Copy(io.Discard, request.Body)
	}
}

// answers writes the text after the request has been read.
func answers(text string) func(net.Conn) {
	return func(conn net.Conn) {
		take(conn)
		_, _ = io.WriteString(conn, text)
	}
}

func TestWhatLeavesTheOutcomeUnknownIsUncertain(t *testing.T) {
	t.Parallel()
	ok := func(body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	for name, serve := range map[string]func(net.Conn){
		"cut before it is read":  func(net.Conn) {},
		"cut after it was read":  take,
		"cut in the head":        answers("HTTP/1.1 200 OK\r\nContent-Le"),
		"cut in the body":        answers("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + taken[:40]),
		"cut in a chunk":         answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n" + taken[:20]),
		"no HTTP":                answers("SSH-2.0-OpenSSH_9.2\r\n"),
		"empty body":             answers(ok("")),
		"a page":                 answers(ok("<html>Welcome</html>")),
		"no message":             answers(ok(`{"messages":[]}`)),
		"a message without id":   answers(ok(`{"messages":[{"id":""}]}`)),
		"an id that is none":     answers(ok(`{"messages":[{"id":"a\u0000b"}]}`)),
		"messages of odd type":   answers(ok(`{"messages":"wamid.OUT"}`)),
		"null":                   answers(ok(`null`)),
		"success and no more":    answers(ok(`{"success":true}`)),
		"over the bound":         answers(ok(`{"messages":[{"id":"` + strings.Repeat("x", maxAnswer) + `"}]}`)),
		"502 of a gateway":       answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"),
		"503 without a body":     answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
		"504 with another error": answers("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 17\r\n\r\n{\"error\":\"slow.\"}"),
		"500 of a gateway":       answers("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 31\r\n\r\n{\"error\":{\"message\":\"timeout\"}}"),
		"408":                    answers("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
		"a head without end":     answers("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 128<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wamid, err := client(listen(t, serve)).Send(t.Context(), message())
			if !isUncertain(err) || wamid != "" {
				t.Fatalf("got %q, %v", wamid, err)
			}
			mustBePrivate(t, err)
		})
	}
}

func mustBePrivate(t *testing.T, err error) {
	t.Helper()
	for _, private := range []string{token, phone, userID, words, "Bearer", "1234567890"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("%q is in the error: %v", private, err)
		}
	}
}

func TestASlowAnswerWithinTheTimeIsTaken(t *testing.T) {
	t.Parallel()
	url := listen(t, func(conn net.Conn) {
		take(conn)
		for _, b := range []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(taken), taken)) {
			_, _ = conn.Write([]byte{b})
		}
	})
	if wamid, err := client(url).Send(t.Context(), message()); wamid != "wamid.OUT" || err != nil {
		t.Errorf("got %q, %v", wamid, err)
	}
}

func TestAnAPIThatHangsIsUncertainWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{"before the answer": "", "in the head": "HTTP/1.1 200", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(listen(t, func(conn net.Conn) {
				take(conn)
				_, _ = io.WriteString(conn, head)
				_, _ = conn.Read(make([]byte, 1)) // until the client goes away
			}))
			c.options.Timeout = 50 * time.Millisecond
			_, err := c.Send(t.Context(), message())
			if !isUncertain(err) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestACallerWhoLeavesAfterItWasSentLeavesItUncertain(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	c := client(listen(t, func(conn net.Conn) {
		take(conn)
		leave()
		_, _ = conn.Read(make([]byte, 1))
	}))
	if _, err := c.Send(ctx, message()); !isUncertain(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWhereNothingWasSentEverybodyWaits(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	breaksOff := strings.Replace(listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }), "http:", "https:", 1)
	silent := strings.Replace(listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }), "http:", "https:", 1)

	for name, test := range map[string]struct {
		url     string
		timeout time.Duration
		gone    bool // the caller leaves before anything begins
	}{
		"refused":                  {"http://" + closed.Addr().String(), time.Minute, false},
		"no such host":             {"http://graph.invalid", time.Minute, false},
		"certificate not trusted":  {untrusted.URL, time.Minute, false},
		"handshake broken off":     {breaksOff, time.Minute, false},
		"handshake without an end": {silent, 50 * time.Millisecond, false},
		"the caller had left":      {"http://127.0.0.1:1", time.Minute, true},
		"no time at all":           {"http://127.0.0.1:1", time.Nanosecond, false},
		"a scheme nobody speaks":   {"gopher://127.0.0.1:1", time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(test.url)
			c.options.Timeout = test.timeout
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			if test.gone {
				leave()
			}
			_, err := c.Send(ctx, message())
			if r := refusal(t, err); r.Reaction != whatsapp.WaitAll || r.Code != 0 || r.HTTPStatus != 0 || !strings.HasPrefix(r.Detail, "not sent: ") {
				t.Errorf("got %+v", r)
			}
			mustBePrivate(t, err)
		})
	}
}

func TestATokenThatFitsNoHeaderIsNotPrinted(t *testing.T) {
	t.Parallel()
	c := client("http://127.0.0.1:1")
	c.options.Token = sensitive.NewSecret(token + "\n")
	_, err := c.Send(t.Context(), message())
	if r := refusal(t, err); r.Reaction != whatsapp.WaitAll {
		t.Errorf("got %+v", r)
	}
	mustBePrivate(t, err)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := client(server.URL).Send(t.Context(), message())
	if r := refusal(t, err); r.Reaction != whatsapp.Stop || calls.Load() != 1 {
		t.Errorf("got %+v after %d calls", r, calls.Load())
	}
}

// Connections are closed between the messages, at times just as one is sent.
func TestAStaleConnectionNeverSendsTwice(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, taken)
	})
	c := client(server.URL)
	for range 20 {
		if _, err := c.Send(t.Context(), message()); err != nil && !isUncertain(err) {
			t.Fatal(err)
		}
		server.CloseClientConnections()
	}
	if calls.Load() > 20 {
		t.Errorf("20 messages were sent %d times", calls.Load())
	}
}

// The second answer on a connection is cut: net/http must not send again.
func TestACutOnAReusedConnectionIsNotRepeated(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	c := client(listen(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for {
			request, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			if requests.Add(1) > 1 {
				return
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(taken), taken)
		}
	}))
	if _, err := c.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), message()); !isUncertain(err) || requests.Load() != 2 {
		t.Errorf("got %v after %d requests", err, requests.Load())
	}
}

// Over HTTP/2, too, what reached the API and got no answer is uncertain.
func TestHTTP2KnowsWhatWasSent(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("got HTTP/%d", r.ProtoMajor)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, taken)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	c := client(server.URL)
	c.http.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()

	if _, err := c.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), message()); !isUncertain(err) || calls.Load() != 2 {
		t.Errorf("got %v after %d calls", err, calls.Load())
	}
}

func TestAHugeAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	written := make(chan int64, 1)
	c := client(serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n, _ := io.Copy(w, io.LimitReader(endless{}, 1<<30))
		written <- n
	}).URL)
	if _, err := c.Send(t.Context(), message()); !isUncertain(err) {
		t.Errorf("got %v", err)
	}
	if n := <-written; n >= 1<<30 {
		t.Error("a gigabyte was read")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil }

func TestMarkReadTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	err := says(t, 400, `{"error":{"code":131009,"message":"no such message"}}`).MarkRead(t.Context(), "1", "wamid.IN")
	if r := refusal(t, err); r.Code != 131009 {
		t.Errorf("got %+v", r)
	}
	if err := says(t, 200, `{"success":true}`).MarkRead(t.Context(), "1", "wamid.IN"); err != nil {
		t.Error(err)
	}
}
