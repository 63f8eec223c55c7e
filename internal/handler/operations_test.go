package handler_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/resource"
	"aisha/internal/service/operation"
)

// operationFunc implements handler.Operations with one result for all methods.
type operationFunc func(id int64) (operation.Operation, error)

func (f operationFunc) Get(_ context.Context, id int64) resource.Resource[json.RawMessage] {
	op, err := f(id)
	if err == nil && op.State != operation.Succeeded {
		return resource.Loading[json.RawMessage](operation.Location(id))
	}
	return resource.From(op.Result, err)
}

func (f operationFunc) Progress(_ context.Context, id int64) resource.Resource[operation.Operation] {
	return resource.From(f(id))
}

func (f operationFunc) Cancel(_ context.Context, id int64) resource.Resource[operation.Operation] {
	return resource.From(f(id))
}

func operationAPI(f operationFunc) http.Handler {
	return newAPI(allowToken, func(o *handler.Options) { o.Operations = f })
}

func deleteRequest(path string) *http.Request {
	return httptest.NewRequest(http.MethodDelete, path, http.NoBody)
}

func TestGetOperation(t *testing.T) {
	t.Parallel()
	t.Run("loading", func(t *testing.T) {
		t.Parallel()
		api := operationAPI(func(int64) (operation.Operation, error) { return operation.Operation{State: operation.Running}, nil })
		got := call(t, api, withToken(get("/operator/operations/7")))
		if got.status != http.StatusAccepted || got.body != `{"status":"loading","data":null}` ||
			got.header.Get("Location") != "/operator/operations/7" || got.header.Get("Retry-After") != "1" {
			t.Errorf("got %d %s %v, want 202, loading, Location and Retry-After", got.status, got.body, got.header)
		}
	})
	t.Run("succeeded", func(t *testing.T) {
		t.Parallel()
		api := operationAPI(func(int64) (operation.Operation, error) {
			return operation.Operation{State: operation.Succeeded, Result: json.RawMessage(`{"n": 1}`)}, nil
		})
		got := call(t, api, withToken(get("/operator/operations/7")))
		if want := `{"status":"success","data":{"n":1}}`; got.status != http.StatusOK || got.body != want {
			t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
		}
	})
	for name, tt := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"cancelled":   {fault.New(fault.Conflict, "the operation was cancelled"), http.StatusConflict, "conflict"},
		"failed":      {fault.InvalidField("f", fault.FieldTooLong, "m"), http.StatusUnprocessableEntity, "invalid"},
		"malformed":   {fault.New(fault.Malformed, "m"), http.StatusBadRequest, "malformed"},
		"not_found":   {fault.New(fault.NotFound, "m"), http.StatusNotFound, "not_found"},
		"unavailable": {fault.New(fault.Unavailable, "m"), http.StatusServiceUnavailable, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := operationAPI(func(int64) (operation.Operation, error) { return operation.Operation{}, tt.err })
			wantFailure(t, call(t, api, withToken(get("/operator/operations/7"))), tt.status, tt.code)
		})
	}
}

func TestGetProgress(t *testing.T) {
	t.Parallel()
	total, at := int64(10), time.Date(2026, 11, 27, 12, 0, 0, 0, time.FixedZone("EAT", 3*60*60))
	for name, tt := range map[string]struct {
		op   operation.Operation
		want string
	}{
		"queued":    {operation.Operation{State: operation.Queued}, `{"state":"queued","done":0,"total":null,"started_at":null}`},
		"running":   {operation.Operation{State: operation.Running, Done: 3, Total: &total, StartedAt: &at}, `{"state":"running","done":3,"total":10,"started_at":"2026-11-27T09:00:00Z"}`},
		"cancelled": {operation.Operation{State: operation.Cancelled, Done: 3}, `{"state":"cancelled","done":3,"total":null,"started_at":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := operationAPI(func(int64) (operation.Operation, error) { return tt.op, nil })
			for _, r := range []*http.Request{get("/operator/operations/7/progress"), deleteRequest("/operator/operations/7")} {
				got := call(t, api, withToken(r))
				if want := `{"status":"success","data":` + tt.want + `}`; got.status != http.StatusOK || got.body != want {
					t.Errorf("%s: got %d %s, want 200 %s", r.Method, got.status, got.body, want)
				}
			}
		})
	}
}

func TestOperations_unknownID(t *testing.T) {
	t.Parallel()
	api := operationAPI(func(int64) (operation.Operation, error) {
		t.Error("the service was called, want the id refused before")
		return operation.Operation{}, nil
	})
	for _, id := range []string{"0", "-1", "x", "99999999999999999999", "1.5"} {
		for _, r := range []*http.Request{
			get("/operator/operations/" + id), get("/operator/operations/" + id + "/progress"), deleteRequest("/operator/operations/" + id),
		} {
			wantFailure(t, call(t, api, withToken(r)), http.StatusNotFound, "not_found")
		}
	}
}
