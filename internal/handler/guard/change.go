package guard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"unicode/utf8"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/operator"
)

// Actions runs a change of an operator in a transaction, and stores its answer for
// requests with an idempotency key.
type Actions interface {
	Run(ctx context.Context, attempt operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error)
}

const (
	idempotencyHeader = "Idempotency-Key"
	replayedHeader    = "Idempotency-Replayed"
	maxIdempotencyKey = 255 // characters
	// maxHashed is how much of a body is hashed, in bytes: more than any route
	// accepts. What a handler has left unread of it is read and dropped.
	maxHashed = 1 << 20
)

// Change makes a route that changes something one transaction: what the handler
// stores, the audit and, if the request has an Idempotency-Key, the response. The
// response is sent after the commit. It must come after AuthenticateOperator.
func Change(actions Actions) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			attempt, err := newAttempt(r)
			if err != nil {
				wire.WriteFailure(w, r, err)
				return
			}
			answer, err := actions.Run(r.Context(), attempt, func(ctx context.Context) operator.Answer {
				recorded := newRecorder()
				next.ServeHTTP(recorded, r.WithContext(ctx))
				return recorded.answer()
			})
			if err != nil {
				wire.WriteFailure(w, r, err)
				return
			}
			send(w, answer)
		})
	}
}

func newAttempt(r *http.Request) (operator.Attempt, error) {
	attempt := operator.Attempt{
		Caller: operator.ActionOf(r.Context()).Caller.Name,
		Path:   r.Method + " " + r.URL.RequestURI(),
	}
	keys := r.Header.Values(idempotencyHeader)
	if len(keys) == 0 {
		return attempt, nil
	}
	attempt.Key = keys[0]
	if len(keys) > 1 || attempt.Key == "" || !utf8.ValidString(attempt.Key) || utf8.RuneCountInString(attempt.Key) > maxIdempotencyKey {
		return attempt, fault.InvalidField(idempotencyHeader, fault.FieldInvalidValue,
			fmt.Sprintf("must be one key of 1 to %d characters", maxIdempotencyKey))
	}
	attempt.HashBody = hashBody(r)
	return attempt, nil
}

// hashBody wraps the body of the request, so that every Read adds to a hash. The
// returned function reads the rest and returns the hash. It does not depend on how
// much of the body the handler reads.
func hashBody(r *http.Request) func() ([]byte, error) {
	body := &hashingBody{ReadCloser: r.Body, hash: sha256.New(), left: maxHashed}
	r.Body = body
	return func() ([]byte, error) {
		if err := wire.DiscardBody(body, body.left); err != nil {
			return nil, err
		}
		return body.hash.Sum(nil), nil
	}
}

type hashingBody struct {
	io.ReadCloser
	hash hash.Hash
	left int64 // how many bytes are still hashed
}

func (b *hashingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	hashed := min(int64(n), b.left)
	_, _ = b.hash.Write(p[:hashed])
	b.left -= hashed
	return n, err
}

// recorder keeps a response until the transaction is committed.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recorder) answer() operator.Answer {
	r.WriteHeader(http.StatusOK)
	return operator.Answer{Status: r.status, Header: r.header, Body: r.body.Bytes()}
}

func send(w http.ResponseWriter, answer operator.Answer) {
	maps.Copy(w.Header(), answer.Header)
	if answer.Replayed {
		w.Header().Del("Connection") // it concerns the connection of the first request
		w.Header().Set(replayedHeader, "true")
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // an error means that the client disconnected
}
