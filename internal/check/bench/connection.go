package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// connection speaks as much HTTP/1.1 as it takes to post and to read the whole
// answer, and on the stand-in's side to answer. net/http would use more of the
// processor than the service does, and both are on the same one.
type connection struct {
	net.Conn
	in   *bufio.Reader
	head []byte
}

// dial connects; everything must be over by the deadline.
func dial(address string, deadline time.Time) (*connection, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second) //nolint:noctx // the service is ours and local
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn, in: bufio.NewReader(conn)}, conn.SetDeadline(deadline)
}

// post sends the request and fails unless it is answered with a 200.
func (c *connection) post(r request) error {
	message := append(c.head[:0], "POST "...)
	message = append(message, r.path...)
	message = append(message, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "...)
	message = strconv.AppendInt(message, int64(len(r.body)), 10)
	if r.signature != "" {
		message = append(message, "\r\nX-Hub-Signature-256: "...)
		message = append(message, r.signature...)
	}
	message = append(message, "\r\n\r\n"...)
	message = append(message, r.body...)
	c.head = message
	if _, err := c.Write(message); err != nil {
		return err
	}
	status, body, err := c.readAnswer()
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", r.path, err)
	}
	if status != "200" {
		return fmt.Errorf("%s answered %s: %s", r.path, status, body)
	}
	return nil
}

// answer sends a 200 with a body of JSON.
func (c *connection) answer(body string) error {
	message := append(c.head[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	message = strconv.AppendInt(message, int64(len(body)), 10)
	message = append(message, "\r\n\r\n"...)
	message = append(message, body...)
	c.head = message
	_, err := c.Write(message)
	return err
}

func (c *connection) readAnswer() (status string, body []byte, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", nil, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return "", nil, fmt.Errorf("not an HTTP answer: %q", line)
	}
	status = string(line[9:12])
	length, err := c.readHeaders()
	if err != nil {
		return "", nil, err
	}
	if status == "200" && length <= c.in.Size() {
		_, err = c.in.Discard(length) // read to its end, and not copied
		return status, nil, err
	}
	body = make([]byte, length)
	_, err = io.ReadFull(c.in, body)
	return status, body, err
}

// readHeaders returns the length of the body that follows.
func (c *connection) readHeaders() (int, error) {
	const name = "content-length:"
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		switch {
		case len(line) <= 2 && length < 0:
			return 0, fmt.Errorf("no Content-Length")
		case len(line) <= 2:
			return length, nil
		case len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
}
