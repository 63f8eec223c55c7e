package handler

import (
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// entryBody is the JSON form of an entry. Its members are those of the contract, in
// their order.
type entryBody struct {
	ID           int64           `json:"id"`
	Username     string          `json:"username"`
	PhoneNumber  string          `json:"phone_number"`
	Status       waitlist.Status `json:"status"`
	Source       *string         `json:"source"`
	VerifiedAt   *time.Time      `json:"verified_at"`
	CreatedAt    time.Time       `json:"created_at"`
	InvitedAt    *time.Time      `json:"invited_at"`
	JoinedAt     *time.Time      `json:"joined_at"`
	RemovedAt    *time.Time      `json:"removed_at"`
	ReferralCode string          `json:"referral_code"`
	ReferrerID   *int64          `json:"referrer_id"`
	Note         *string         `json:"note"`
}

func newEntryBody(e waitlist.Entry) entryBody {
	return entryBody{
		ID:          e.ID,
		Username:    e.Username.Reveal(),
		PhoneNumber: e.PhoneNumber.Reveal(),
		Status:      e.Status,
		Source:      e.Source,
		VerifiedAt:  utc(e.VerifiedAt),
		CreatedAt:   e.CreatedAt.UTC(),
		InvitedAt:   utc(e.InvitedAt),
		JoinedAt:    utc(e.JoinedAt),
		RemovedAt:   utc(e.RemovedAt),
		ReferrerID:  e.ReferrerID,
		Note:        reveal(e.Note),
	}
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	u := at.UTC()
	return &u
}

func reveal(text *sensitive.Text) *string {
	if text == nil {
		return nil
	}
	revealed := text.Reveal()
	return &revealed
}
