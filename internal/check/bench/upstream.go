package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// fakeUpstream replaces Gemini and the Graph API. It responds at once unless
// modelDelay is set, and reports when an answer is sent to a person. It implements
// only the calls that the service makes, because it shares the CPU with the
// service. It posts no status webhooks; "webhooks" is measured separately.
type fakeUpstream struct {
	address    string
	modelDelay atomic.Int64 // in nanoseconds

	mu      sync.Mutex                // guards waiting
	waiting map[string]chan time.Time // by phone number
}

func startFakeUpstream(ctx context.Context) (*fakeUpstream, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the fake upstream: %w", err)
	}
	s := &fakeUpstream{address: listener.Addr().String(), waiting: make(map[string]chan time.Time)}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(&connection{Conn: conn, in: bufio.NewReader(conn)})
		}
	}()
	return s, nil
}

// notifyOnSend returns a channel that receives the time of the next message to
// the phone number.
func (s *fakeUpstream) notifyOnSend(phone string) <-chan time.Time {
	sent := make(chan time.Time, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[phone] = sent
	return sent
}

// serve responds to requests until the service closes the connection.
func (s *fakeUpstream) serve(c *connection) {
	defer func() { _ = c.Close() }()
	var body []byte
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return
		}
		forModel := bytes.Contains(line, []byte(":streamGenerateContent"))
		length, err := c.readHeaders()
		if err != nil {
			return
		}
		body = append(body[:0], make([]byte, length)...)
		if _, err := io.ReadFull(c.in, body); err != nil {
			return
		}
		var response string
		if forModel {
			time.Sleep(time.Duration(s.modelDelay.Load()))
			response = modelResponse
		} else {
			response = s.graphResponse(body)
		}
		if err := c.respond(response); err != nil {
			return
		}
	}
}

const (
	modelResponse = `[{"candidates":[{"content":{"role":"model","parts":[{"text":"**Karibu!** The waiting list is open. ` +
		`Send us your name, and we will write to you as soon as your place is ready. Is there anything else that you would like to know?"}]},` +
		`"finishReason":1,"index":0}],"usageMetadata":{"promptTokenCount":120,"candidatesTokenCount":34,"totalTokenCount":154}}]`
	graphSuccess = `{"success":true}`
)

// graphResponse accepts every message and every read receipt.
func (s *fakeUpstream) graphResponse(body []byte) string {
	_, to, isMessage := bytes.Cut(body, []byte(`"to":"`))
	if !isMessage {
		return graphSuccess // the request is a read receipt
	}
	to, _, _ = bytes.Cut(to, []byte(`"`))
	s.recordSend(string(to))
	return fmt.Sprintf(`{"messaging_product":"whatsapp","contacts":[{"input":"%s","wa_id":"%s"}],`+
		`"messages":[{"id":"wamid.%016x","message_status":"accepted"}]}`, to, to, rand.Uint64())
}

func (s *fakeUpstream) recordSend(to string) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if sent, found := s.waiting[to]; found {
		delete(s.waiting, to)
		sent <- now
	}
}
