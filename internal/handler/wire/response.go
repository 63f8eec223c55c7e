// Package wire reads request bodies and writes all response bodies. It also
// owns the table that maps faults to HTTP statuses.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"aisha/internal/resource"
)

// Response is the response to a request that succeeded.
type Response struct {
	Status      int
	Header      http.Header // additional headers; nil for none
	ContentType string      // of a []byte or Stream body; ignored for others
	Body        any         // nil: no body; []byte: sent unchanged; LongText, Stream: see there; other values: sent as JSON
}

// HandlerFunc handles a request. It returns what to write and writes nothing
// itself. If it returns an error, only the Header of its Response is used.
type HandlerFunc func(*http.Request) (Response, error)

// Handler returns an http.Handler that writes what handle returns: its
// Response, or the failure response for its error.
func Handler(handle HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		response, err := handle(r)
		if err != nil {
			failed := failureResponse(r.Context(), err)
			maps.Copy(failed.Header, response.Header)
			response = failed
		}
		write(w, r, response)
	}
}

// WriteFailure writes the failure response for err. It is for middleware that
// rejects a request; handlers return their error instead.
func WriteFailure(w http.ResponseWriter, r *http.Request, err error) {
	write(w, r, failureResponse(r.Context(), err))
}

// JSON returns a 200 response with body as JSON.
func JSON(body any) Response { return Response{Status: http.StatusOK, Body: body} }

const jsonContentType = "application/json; charset=utf-8"

// pollInterval is the Retry-After of a loading resource, in seconds.
const pollInterval = 1

// resourceBody is the JSON form of a resource.
type resourceBody struct {
	Status string `json:"status"`
	Data   any    `json:"data"`
}

// Success returns the JSON form of a successful resource.
func Success(data any) any { return resourceBody{Status: "success", Data: data} }

// FromResource returns the response for a resource: 200 with the value of a
// success, 202 with a Location header while it is loading, or the error of a
// failure.
func FromResource[T any](r resource.Resource[T]) (Response, error) {
	value, err := r.Get()
	if loading, ok := errors.AsType[*resource.LoadingError](err); ok {
		return Response{
			Status: http.StatusAccepted,
			Header: http.Header{"Location": {loading.Location}, "Retry-After": {strconv.Itoa(pollInterval)}},
			Body:   resourceBody{Status: "loading"},
		}, nil
	}
	if err != nil {
		return Response{}, err
	}
	return JSON(Success(value)), nil
}

// write, and LongText.write and Stream.write, which it calls, are the only functions
// that write a response body. write encodes the body before it sends the status, so
// that an encoding error becomes a complete failure response.
func write(w http.ResponseWriter, r *http.Request, response Response) {
	switch body := response.Body.(type) {
	case LongText:
		body.write(w, r, response)
		return
	case Stream:
		body.write(w, r, response)
		return
	}
	body, contentType, err := encode(response)
	if err != nil {
		response = failureResponse(r.Context(), err)
		body, contentType, _ = encode(response) // cannot fail: it contains only strings
	}
	header := w.Header()
	addHeader(header, response.Header)
	if body != nil {
		header.Set("Content-Type", contentType)
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(response.Status)
	_, _ = w.Write(body) // an error means that the client disconnected
}

// addHeader adds the headers of a response to those that middleware has set.
func addHeader(header, added http.Header) {
	header.Set("Cache-Control", "no-store")
	vary := header.Values("Vary") // CORS sets it
	maps.Copy(header, added)
	if more := added.Values("Vary"); more != nil {
		header["Vary"] = slices.Concat(vary, more)
	}
}

func encode(response Response) (body []byte, contentType string, err error) {
	switch content := response.Body.(type) {
	case nil:
		return nil, "", nil
	case []byte:
		return content, response.ContentType, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // completions contain many < and &
	if err := encoder.Encode(response.Body); err != nil {
		return nil, "", err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), jsonContentType, nil
}
