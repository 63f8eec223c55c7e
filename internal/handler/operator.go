package handler

import (
	"net/http"
	"strconv"
	"time"

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
	ReceivedAt time.Time `json:"received_at"`
}

// listUnhandledItems handles GET /operator/kept-items, the public name of unhandled
// items.
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

func newUnhandledItemBodies(items []whatsapp.UnhandledItem) []unhandledItemBody {
	bodies := make([]unhandledItemBody, len(items))
	for i, item := range items {
		bodies[i] = unhandledItemBody{
			ID:         item.ID,
			Field:      item.Field,
			Reason:     item.Reason,
			Raw:        item.Raw.Reveal(),
			ReceivedAt: item.ReceivedAt.UTC(),
		}
	}
	return bodies
}
