package handler

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"aisha/internal/handler/wire"
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

// listUnhandledItems handles GET /operator/unhandled-items. Large items are
// truncated.
func listUnhandledItems(service WhatsApp) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		q := parseQuery(r)
		request := parsePage(q, 1)
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		return pageResponse(r, service.UnhandledItems(r.Context(), request), newUnhandledItemBody)
	}
}

// getUnhandledItem handles GET /operator/unhandled-items/{id}. The item can be as
// large as a whole webhook, so its text is encoded while it is sent.
func getUnhandledItem(service WhatsApp) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := parseID(chi.URLParam(r, "id"), "there is no unhandled item with this id")
		if err != nil {
			return wire.Response{}, err
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
