package handler

import (
	"net/http"

	"aisha/internal/handler/wire"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// applyTransition handles POST /operator/waiting-list/{id}/transitions. newCode returns
// the referral code of an entry.
func applyTransition(service Transitions, newCode func(id int64) string) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := entryID(r)
		if err != nil {
			return wire.Response{}, err
		}
		in, err := wire.Decode(r, readTransition)
		if err != nil {
			return wire.Response{}, err
		}
		entry, err := service.Apply(r.Context(), id, in).Get()
		if err != nil {
			return wire.Response{}, err
		}
		return entryResponse(newDetailsBody(waitlist.Details{Entry: entry}, nil, newCode), entry.Version), nil
	}
}

func readTransition(m *wire.Members) waitlist.Transition {
	m.RejectUnknown("to", "reason", "notify")
	in := waitlist.Transition{To: waitlist.Status(m.String("to"))}
	if reason := wire.OptionalOrNull(m, "reason", m.String); reason != nil {
		in.Reason = sensitive.NewText(*reason)
	}
	if notify := wire.OptionalOrNull(m, "notify", m.Bool); notify != nil {
		in.Notify = *notify
	}
	return in
}
