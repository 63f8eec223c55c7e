package handler

import (
	"encoding/json"
	"net/http"
	"time"

	"aisha/internal/handler/wire"
	"aisha/internal/service/audit"
)

type auditBody struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor"`
	Action    string          `json:"action"`
	Subject   string          `json:"subject"`
	SubjectID *int64          `json:"subject_id"`
	RequestID string          `json:"request_id"`
	Details   json.RawMessage `json:"details"`
}

// listAudit handles GET /operator/audit.
func listAudit(service Audit) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		q := parseQuery(r)
		filter := audit.Filter{
			Actor:     q.text("actor"),
			Action:    q.text("action"),
			Subject:   q.text("subject"),
			SubjectID: q.integer("subject_id", 0, maxID),
			From:      q.time("from"),
			To:        q.time("to"),
		}
		request := parsePage(q, 1)
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		return pageResponse(r, service.List(r.Context(), filter, request), newAuditBody)
	}
}

func newAuditBody(e audit.Entry) auditBody {
	return auditBody{
		ID: e.ID, At: e.At.UTC(), Actor: e.Actor, Action: e.Action,
		Subject: e.Subject, SubjectID: e.SubjectID, RequestID: e.RequestID, Details: e.Details,
	}
}
