package handler

import (
	"net/http"
	"strconv"
	"time"

	"aisha/internal/fault"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// requireOperator lets nobody pass who does not have the operator's token.
// Without a token there is no operator.
func requireOperator(token sensitive.Secret) middlewareFunc {
	if !token.IsZero() {
		return requireKey([]sensitive.Secret{token})
	}
	off := serve(func(*http.Request) (reply, error) {
		return reply{}, fault.New(fault.NotConfigured, "operator routes are not configured: ADMIN_TOKEN is not set")
	})
	return func(http.Handler) http.Handler { return off }
}

type keptItem struct {
	ID         int64     `json:"id"`
	Field      string    `json:"field"`
	Reason     string    `json:"reason"`
	Raw        string    `json:"raw"`
	ReceivedAt time.Time `json:"received_at"`
}

// listKept answers GET /operator/kept-items.
func listKept(service WhatsApp) func(*http.Request) (reply, error) {
	return func(r *http.Request) (reply, error) {
		var before int64
		if given := r.URL.Query().Get("before"); given != "" {
			var err error
			if before, err = strconv.ParseInt(given, 10, 64); err != nil || before < 1 {
				return reply{}, fault.InvalidField("before", "must be the id of an item")
			}
		}
		listed := service.Kept(r.Context(), before)
		return show(resource.Map(listed, func(items []whatsapp.KeptItem) []keptItem {
			shown := make([]keptItem, len(items))
			for i, item := range items {
				shown[i] = keptItem{item.ID, item.Field, item.Reason, item.Raw.Reveal(), item.ReceivedAt.UTC()}
			}
			return shown
		}), r.URL.Path)
	}
}
