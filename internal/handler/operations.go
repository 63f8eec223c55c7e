package handler

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/service/operation"
)

type progressBody struct {
	State     operation.State `json:"state"`
	Done      int64           `json:"done"`
	Total     *int64          `json:"total"`
	StartedAt *time.Time      `json:"started_at"`
}

func operationID(r *http.Request) (int64, error) {
	return parseID(chi.URLParam(r, "id"), "there is no operation with this id")
}

// getOperation handles GET /operator/operations/{id}.
func getOperation(service Operations) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := operationID(r)
		if err != nil {
			return wire.Response{}, err
		}
		return wire.FromResource(service.Get(r.Context(), id))
	}
}

// getProgress handles GET /operator/operations/{id}/progress.
func getProgress(service Operations) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := operationID(r)
		if err != nil {
			return wire.Response{}, err
		}
		return wire.FromResource(resource.Map(service.Progress(r.Context(), id), newProgressBody))
	}
}

// cancelOperation handles DELETE /operator/operations/{id}.
func cancelOperation(service Operations) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := operationID(r)
		if err != nil {
			return wire.Response{}, err
		}
		return wire.FromResource(resource.Map(service.Cancel(r.Context(), id), newProgressBody))
	}
}

func newProgressBody(op operation.Operation) progressBody {
	body := progressBody{State: op.State, Done: op.Done, Total: op.Total}
	if op.StartedAt != nil {
		at := op.StartedAt.UTC()
		body.StartedAt = &at
	}
	return body
}
