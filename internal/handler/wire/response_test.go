package wire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/resource"
)

// serve returns the response that Handler writes for the results of a handler.
func serve(response wire.Response, err error) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler := wire.Handler(func(*http.Request) (wire.Response, error) { return response, err })
	handler(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	return recorder
}

func TestHandler(t *testing.T) {
	t.Parallel()
	notAllowed := fault.New(fault.MethodNotAllowed, "use GET")
	for name, tt := range map[string]struct {
		response    wire.Response
		err         error
		status      int
		contentType string
		body        string
	}{
		"json":         {wire.JSON(map[string]string{"a": "<&>"}), nil, 200, "application/json; charset=utf-8", `{"a":"<&>"}`},
		"bytes":        {wire.Response{Status: 200, ContentType: "text/css", Body: []byte("a{}")}, nil, 200, "text/css", "a{}"},
		"without_body": {wire.Response{Status: 304}, nil, 304, "", ""},
		"failure": {
			wire.Response{}, notAllowed, 405, "application/json; charset=utf-8",
			`{"status":"failure","data":null,"error":"use GET","code":"method_not_allowed"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := serve(tt.response, tt.err)
			if got.Code != tt.status || got.Header().Get("Content-Type") != tt.contentType || got.Body.String() != tt.body {
				t.Errorf("got %d %q %s, want %d %q %s",
					got.Code, got.Header().Get("Content-Type"), got.Body, tt.status, tt.contentType, tt.body)
			}
		})
	}
	t.Run("headers_of_a_failure", func(t *testing.T) {
		t.Parallel()
		got := serve(wire.Response{Header: http.Header{"Allow": {"GET"}}}, notAllowed)
		if allow := got.Header().Get("Allow"); allow != "GET" {
			t.Errorf("Allow is %q, want GET", allow)
		}
	})
	t.Run("body_that_cannot_be_encoded", func(t *testing.T) {
		t.Parallel()
		got := serve(wire.JSON(func() {}), nil)
		if got.Code != http.StatusInternalServerError || !strings.Contains(got.Body.String(), `"code":"internal"`) {
			t.Errorf("got %d %s, want 500 with the code internal", got.Code, got.Body)
		}
	})
}

func TestFromResource(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		resource   resource.Resource[int]
		status     int
		body       string
		location   string
		retryAfter string
	}{
		"success": {resource.Success(7), 200, `{"status":"success","data":7}`, "", ""},
		"loading": {resource.Loading[int]("/somewhere/7"), 202, `{"status":"loading","data":null}`, "/somewhere/7", "1"},
		"failure": {
			resource.Failure[int](fault.New(fault.Conflict, "no")), 409,
			`{"status":"failure","data":null,"error":"no","code":"conflict"}`, "", "",
		},
		"failure_with_an_error_of_loading": {
			resource.Failure[int](errors.Join(resource.ErrLoading)), 500,
			`{"status":"failure","data":null,"error":"something went wrong on our side","code":"internal"}`, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := serve(wire.FromResource(tt.resource))
			if got.Code != tt.status || got.Body.String() != tt.body {
				t.Errorf("got %d %s, want %d %s", got.Code, got.Body, tt.status, tt.body)
			}
			header := got.Header()
			if header.Get("Location") != tt.location || header.Get("Retry-After") != tt.retryAfter {
				t.Errorf("Location is %q and Retry-After %q, want %q and %q",
					header.Get("Location"), header.Get("Retry-After"), tt.location, tt.retryAfter)
			}
		})
	}
}
