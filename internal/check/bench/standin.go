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

// standIn answers in place of Gemini and of the Graph API, at once unless told
// otherwise, and knows when it was asked to send to whom. It speaks no more of
// the two protocols than what the service asks for, because it shares the
// processor with what is measured. It posts no statuses: in life each answer
// has some more webhooks as its consequence, which have a row of their own.
type standIn struct {
	address  string
	thinking atomic.Int64 // how long the model takes, in nanoseconds

	mu       sync.Mutex // guards what follows
	expected map[string]chan time.Time
}

func startStandIn(ctx context.Context) (*standIn, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the stand-in: %w", err)
	}
	s := &standIn{address: listener.Addr().String(), expected: make(map[string]chan time.Time)}
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

// expect returns what will tell the moment of the next message to the number.
func (s *standIn) expect(phone string) <-chan time.Time {
	sent := make(chan time.Time, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected[phone] = sent
	return sent
}

// serve answers requests until the service closes the connection.
func (s *standIn) serve(c *connection) {
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
		if err := c.answer(s.reply(forModel, body)); err != nil {
			return
		}
	}
}

const (
	modelReply = `[{"candidates":[{"content":{"role":"model","parts":[{"text":"**Karibu!** The waiting list is open. ` +
		`Send us your name, and we will write to you as soon as your place is ready. Is there anything else that you would like to know?"}]},` +
		`"finishReason":1,"index":0}],"usageMetadata":{"promptTokenCount":120,"candidatesTokenCount":34,"totalTokenCount":154}}]`
	graphSuccess = `{"success":true}`
)

func (s *standIn) reply(forModel bool, body []byte) string {
	if forModel {
		time.Sleep(time.Duration(s.thinking.Load()))
		return modelReply
	}
	_, to, isMessage := bytes.Cut(body, []byte(`"to":"`))
	if !isMessage {
		return graphSuccess // to the receipt that a message was read
	}
	to, _, _ = bytes.Cut(to, []byte(`"`))
	s.noteSent(string(to))
	return fmt.Sprintf(`{"messaging_product":"whatsapp","contacts":[{"input":"%s","wa_id":"%s"}],`+
		`"messages":[{"id":"wamid.%016x","message_status":"accepted"}]}`, to, to, rand.Uint64())
}

func (s *standIn) noteSent(to string) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if sent, found := s.expected[to]; found {
		delete(s.expected, to)
		sent <- now
	}
}
