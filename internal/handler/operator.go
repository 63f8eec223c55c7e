package handler

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

type unhandledItemBody struct {
	ID         int64     `json:"id"`
	Field      string    `json:"field"`
	Reason     string    `json:"reason"`
	Raw        string    `json:"raw"`
	Truncated  bool      `json:"truncated"` // raw is only the beginning
	ReceivedAt time.Time `json:"received_at"`
}

// listUnhandledItems handles GET /operator/kept-items, the public name of unhandled
// items. Large items are truncated.
func listUnhandledItems(service WhatsApp) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		before, err := parseBefore(r.URL.Query().Get("before"))
		if err != nil {
			return wire.Response{}, err
		}
		items := service.UnhandledItems(r.Context(), before)
		return wire.FromResource(resource.Map(items, newUnhandledItemBodies))
	}
}

// parseBefore parses the id before which the page starts. It returns 0, the
// first page, for an empty parameter.
func parseBefore(parameter string) (int64, error) {
	if parameter == "" {
		return 0, nil
	}
	before, err := strconv.ParseInt(parameter, 10, 64)
	if err != nil || before < 1 {
		return 0, fault.InvalidField("before", fault.FieldInvalidValue, "must be the id of an item")
	}
	return before, nil
}

// getUnhandledItem handles GET /operator/kept-items/{id}. The item can be as large
// as a whole webhook, so its text is encoded while it is sent.
func getUnhandledItem(service WhatsApp) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
		if err != nil || id < 1 {
			return wire.Response{}, fault.New(fault.NotFound, "there is no unhandled item with this id")
		}
		item, err := service.UnhandledItem(r.Context(), id).Get()
		if err != nil {
			return wire.Response{}, err
		}
		return wire.JSON(wire.LongText{
			Text: item.Raw.Reveal(),
			Form: func(raw string) any {
				body := newUnhandledItemBody(item)
				body.Raw = raw
				return wire.Success(body)
			},
		}), nil
	}
}

func newUnhandledItemBodies(items []whatsapp.UnhandledItem) []unhandledItemBody {
	bodies := make([]unhandledItemBody, len(items))
	for i, item := range items {
		bodies[i] = newUnhandledItemBody(item)
	}
	return bodies
}

func newUnhandledItemBody(item whatsapp.UnhandledItem) unhandledItemBody {
	return unhandledItemBody{
		ID:         item.ID,
		Field:      item.Field,
		Reason:     item.Reason,
		Raw:        item.Raw.Reveal(),
		Truncated:  item.Truncated,
		ReceivedAt: item.ReceivedAt.UTC(),
	}
}
