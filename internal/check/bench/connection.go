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

// connection implements the part of HTTP/1.1 that the load generator and the
// fake upstream need. The load generator and the service share the CPU, and
// net/http would use more CPU time than the service itself.
type connection struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

// dial opens a connection. All reads and writes fail after the deadline.
func dial(address string, deadline time.Time) (*connection, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second) //nolint:noctx // the service is ours and local
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn, in: bufio.NewReader(conn)}, conn.SetDeadline(deadline)
}

// post sends the request and returns an error unless the response status is 200.
func (c *connection) post(r request) error {
	message := append(c.out[:0], "POST "...)
	message = append(message, r.path...)
	message = append(message, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "...)
	message = strconv.AppendInt(message, int64(len(r.body)), 10)
	if r.signature != "" {
		message = append(message, "\r\nX-Hub-Signature-256: "...)
		message = append(message, r.signature...)
	}
	message = append(message, "\r\n\r\n"...)
	message = append(message, r.body...)
	c.out = message
	if _, err := c.Write(message); err != nil {
		return err
	}
	status, body, err := c.readResponse()
	if err != nil {
		return fmt.Errorf("read the response of %s: %w", r.path, err)
	}
	if status != "200" {
		return fmt.Errorf("%s returned status %s: %s", r.path, status, body)
	}
	return nil
}

// respond sends a 200 response with a JSON body.
func (c *connection) respond(body string) error {
	message := append(c.out[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	message = strconv.AppendInt(message, int64(len(body)), 10)
	message = append(message, "\r\n\r\n"...)
	message = append(message, body...)
	c.out = message
	_, err := c.Write(message)
	return err
}

func (c *connection) readResponse() (status string, body []byte, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", nil, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return "", nil, fmt.Errorf("not an HTTP response: %q", line)
	}
	status = string(line[9:12])
	length, err := c.readHeaders()
	if err != nil {
		return "", nil, err
	}
	if status == "200" && length <= c.in.Size() {
		_, err = c.in.Discard(length) // skip the body without copying it
		return status, nil, err
	}
	body = make([]byte, length)
	_, err = io.ReadFull(c.in, body)
	return status, body, err
}

// readHeaders reads up to the end of the headers and returns the body length
// from Content-Length. It fails without a Content-Length.
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
