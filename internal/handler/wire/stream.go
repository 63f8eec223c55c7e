package wire

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// streamPiece is how much of a stream is sent at once, in bytes before they are
	// compressed.
	streamPiece = 64 << 10
	// stallLimit is how long a client may take to receive a piece.
	stallLimit = 30 * time.Second
)

var (
	// ErrAborted marks failures of a Stream after its status was sent. The connection
	// is aborted, so that the client does not take what it has for the whole body.
	ErrAborted = errors.New("the response was aborted")
	// ErrNotReceived marks failures to send a Stream because the client disconnected,
	// or received nothing within stallLimit.
	ErrNotReceived = errors.New("the client does not receive the response")
)

// Stream is a body of any length. It is written while it is produced, and takes as
// long as the client receives it: the write timeout of the server does not limit it.
type Stream struct {
	// Write writes the body and returns the value of the trailer. After an error the
	// connection is aborted.
	Write   func(io.Writer) (trailer string, err error)
	Trailer string // name of the header that follows the body
	Gzip    bool   // compress the body; the client must accept it
}

// write sends the response. It panics with http.ErrAbortHandler if the body cannot
// be completed. A response to HEAD has no body, so it calls Write for other methods
// only.
func (s Stream) write(w http.ResponseWriter, r *http.Request, response Response) {
	addHeader(w.Header(), response.Header)
	w.Header().Set("Content-Type", response.ContentType)
	w.Header().Set("Trailer", s.Trailer)
	if s.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(response.Status)
	if r.Method == http.MethodHead {
		return
	}
	trailer, err := s.send(w)
	if err != nil {
		RequestLogOf(r.Context()).Failure = fmt.Errorf("%w: %w", ErrAborted, err)
		panic(http.ErrAbortHandler)
	}
	w.Header().Set(s.Trailer, trailer)
}

func (s Stream) send(w http.ResponseWriter) (trailer string, err error) {
	pieces := newPieceWriter(w, s.Gzip)
	body := bufio.NewWriterSize(pieces, streamPiece)
	if trailer, err = s.Write(body); err != nil {
		return "", err
	}
	if err := body.Flush(); err != nil {
		return "", err
	}
	return trailer, pieces.close()
}

// pieceWriter sends what it is given at once, compressed or not.
type pieceWriter struct {
	controller *http.ResponseController
	out        *bufio.Writer
	gzip       *gzip.Writer // writes to out; nil: not compressed
}

func newPieceWriter(w http.ResponseWriter, compressed bool) *pieceWriter {
	p := &pieceWriter{controller: http.NewResponseController(w), out: bufio.NewWriterSize(w, streamPiece)}
	if compressed {
		// Higher levels take several times as long and save a tenth of the bytes.
		p.gzip, _ = gzip.NewWriterLevel(p.out, gzip.BestSpeed) // fails for an invalid level only
	}
	return p
}

// Write implements io.Writer. Errors: ErrNotReceived.
func (p *pieceWriter) Write(piece []byte) (int, error) {
	err := p.send(func() error {
		if p.gzip == nil {
			_, err := p.out.Write(piece)
			return err
		}
		if _, err := p.gzip.Write(piece); err != nil {
			return err
		}
		return p.gzip.Flush()
	})
	if err != nil {
		return 0, err
	}
	return len(piece), nil
}

// close ends the compressed body. Errors: ErrNotReceived.
func (p *pieceWriter) close() error {
	if p.gzip == nil {
		return nil
	}
	return p.send(p.gzip.Close)
}

// send calls write and sends what it has written. The client has stallLimit to
// receive it.
func (p *pieceWriter) send(write func() error) error {
	// A ResponseWriter of a test supports no deadline.
	err := p.controller.SetWriteDeadline(time.Now().Add(stallLimit))
	if err == nil || errors.Is(err, http.ErrNotSupported) {
		err = write()
	}
	if err == nil {
		err = p.out.Flush()
	}
	if err == nil {
		err = p.controller.Flush()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotReceived, err)
	}
	return nil
}
