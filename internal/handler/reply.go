package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"aisha/internal/resource"
)

// reply is what a handler has to say when nothing went wrong.
type reply struct {
	status      int
	header      http.Header // headers of its own; nil for none
	contentType string      // of a body that is bytes
	body        any         // nil for none; bytes are sent as they are, all else as JSON
}

// ok is a success with a JSON body.
func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// envelope is the JSON form of a resource.
type envelope struct {
	Status string `json:"status"`
	Data   any    `json:"data"`
}

// pollAfter is how long a caller should wait before asking again for work
// that goes on, in seconds.
const pollAfter = 1

// show turns a resource into the answer that documents its state. While the
// work goes on, location is where its result will be.
func show[T any](r resource.Resource[T], location string) (reply, error) {
	value, err := r.Get()
	if errors.Is(err, resource.ErrLoading) {
		return reply{
			status: http.StatusAccepted,
			header: http.Header{"Location": {location}, "Retry-After": {strconv.Itoa(pollAfter)}},
			body:   envelope{Status: "loading"},
		}, nil
	}
	if err != nil {
		return reply{}, err
	}
	return ok(envelope{Status: "success", Data: value}), nil
}

// serve makes an http.Handler of a function that cannot write. The headers of
// its reply are sent with a failure too.
func serve(handle func(*http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := handle(r)
		if err != nil {
			failed := refuse(r.Context(), err)
			maps.Copy(failed.header, answer.header)
			answer = failed
		}
		write(w, r, answer)
	}
}

// write is the only function that writes bodies. It encodes before it sends
// the status, so that a body that cannot be encoded is a clean failure.
func write(w http.ResponseWriter, r *http.Request, answer reply) {
	body, contentType, err := encode(answer)
	if err != nil {
		answer = refuse(r.Context(), err)
		body, contentType, _ = encode(answer) // a failure's body is plain strings
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	maps.Copy(header, answer.header)
	if body != nil {
		header.Set("Content-Type", contentType)
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(body) // a caller who hung up misses nothing that we could still do
}

func encode(answer reply) (body []byte, contentType string, err error) {
	switch content := answer.body.(type) {
	case nil:
		return nil, "", nil
	case []byte:
		return content, answer.contentType, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // the answers of a model are full of < and &
	if err := encoder.Encode(answer.body); err != nil {
		return nil, "", err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), "application/json; charset=utf-8", nil
}
