package handler

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"aisha/internal/handler/wire"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

type codeBody struct {
	Position  *int64 `json:"position"`
	Waiting   int64  `json:"waiting"`
	Referrals int64  `json:"referrals"`
}

// getReferralCode handles GET /waiting-list/codes/{code}.
func getReferralCode(service Referrals) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		status, err := service.ByCode(r.Context(), chi.URLParam(r, "code")).Get()
		if err != nil {
			return wire.Response{}, err
		}
		return wire.JSON(wire.Success(codeBody{Position: status.Position, Waiting: status.Waiting, Referrals: status.Referrals})), nil
	}
}

type referralBody struct {
	ID         int64                  `json:"id"`
	ReferrerID int64                  `json:"referrer_id"`
	State      waitlist.ReferralState `json:"state"`
	Reason     *string                `json:"reason"`
	CreatedAt  time.Time              `json:"created_at"`
	DecidedAt  *time.Time             `json:"decided_at"`
}

// listReferrals handles GET /operator/referrals.
func listReferrals(service Referrals) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		q := parseQuery(r)
		filter := waitlist.ReferralFilter{
			State:      waitlist.ReferralState(q.oneOf("state", "", referralStates()...)),
			ReferrerID: q.integer("referrer", 0, maxID),
		}
		request := parsePage(q, 1)
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		return pageResponse(r, service.List(r.Context(), filter, request), newReferralBody)
	}
}

func referralStates() []string {
	var names []string
	for _, state := range waitlist.ReferralStates() {
		names = append(names, string(state))
	}
	return names
}

// creditReferral handles POST /operator/referrals/{id}/credit.
func creditReferral(service Referrals) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) { return decideReferral(r, service.Credit) }
}

// refuseReferral handles POST /operator/referrals/{id}/refuse.
func refuseReferral(service Referrals) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) { return decideReferral(r, service.Refuse) }
}

func decideReferral(
	r *http.Request,
	decide func(ctx context.Context, id int64, reason sensitive.Text) resource.Resource[waitlist.Referral],
) (wire.Response, error) {
	id, err := parseID(chi.URLParam(r, "id"), "there is no referral with this id")
	if err != nil {
		return wire.Response{}, err
	}
	reason, err := decodeReason(r)
	if err != nil {
		return wire.Response{}, err
	}
	return wire.FromResource(resource.Map(decide(r.Context(), id, reason), newReferralBody))
}

// decodeReason reads the member reason of a body that may be empty.
func decodeReason(r *http.Request) (sensitive.Text, error) {
	if r.ContentLength == 0 {
		return sensitive.Text{}, nil
	}
	return wire.Decode(r, func(m *wire.Members) sensitive.Text {
		m.RejectUnknown("reason")
		return sensitive.NewText(stringOrEmpty(m, "reason"))
	})
}

func newReferralBody(r waitlist.Referral) referralBody {
	return referralBody{
		ID:         r.ID,
		ReferrerID: r.ReferrerID,
		State:      r.State,
		Reason:     reveal(r.Reason),
		CreatedAt:  r.CreatedAt.UTC(),
		DecidedAt:  utc(r.DecidedAt),
	}
}
