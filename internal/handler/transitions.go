package handler

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// applyTransition handles POST /operator/waiting-list/{id}/transitions.
func applyTransition(service Transitions) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := parseID(chi.URLParam(r, "id"), "there is no entry with this id")
		if err != nil {
			return wire.Response{}, err
		}
		in, err := wire.Decode(r, readTransition)
		if err != nil {
			return wire.Response{}, err
		}
		return wire.FromResource(resource.Map(service.Apply(r.Context(), id, in), newEntryBody))
	}
}

func readTransition(m *wire.Members) waitlist.Transition {
	m.RejectUnknown("to", "reason", "notify")
	in := waitlist.Transition{To: waitlist.Status(m.String("to"))}
	if reason := wire.Optional(m, "reason", m.String); reason != nil {
		in.Reason = sensitive.NewText(*reason)
	}
	if notify := wire.Optional(m, "notify", m.Bool); notify != nil {
		in.Notify = *notify
	}
	return in
}
