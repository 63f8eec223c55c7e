package operatordb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/page"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/audit"
)

// AuditLog reads the audit. It implements audit.Store.
type AuditLog struct{ reads *pgxpool.Pool }

// NewAuditLog returns an AuditLog. reads is a pool for lists.
func NewAuditLog(reads *pgxpool.Pool) *AuditLog { return &AuditLog{reads: reads} }

const auditFilter = `
	FROM audit
	WHERE (@actor = '' OR actor = @actor)
	  AND (@action = '' OR action = @action)
	  AND (@subject = '' OR subject = @subject)
	  AND (@subject_id::bigint = 0 OR subject_id = @subject_id)
	  AND (@from::timestamptz IS NULL OR at >= @from)
	  AND (@to::timestamptz IS NULL OR at < @to)`

// List implements audit.Store.
func (a *AuditLog) List(ctx context.Context, filter audit.Filter, request page.Request) (page.Page[audit.Entry], error) {
	args := pgx.NamedArgs{
		"actor": filter.Actor, "action": filter.Action, "subject": filter.Subject, "subject_id": filter.SubjectID,
		"from": filter.From, "to": filter.To, "limit": request.Limit + 1, "before": nil,
		"count_limit": page.CountLimit + 1,
	}
	if request.After != nil {
		args["before"] = request.After[0]
	}
	rows, err := a.reads.Query(ctx, `
		SELECT id, at, actor, action, subject, subject_id, request_id, details`+auditFilter+`
		  AND (@before::bigint IS NULL OR id < @before)
		ORDER BY id DESC
		LIMIT @limit`, args)
	if err != nil {
		return page.Page[audit.Entry]{}, fmt.Errorf("list the audit: %w", postgres.Translate(err))
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[audit.Entry])
	if err != nil {
		return page.Page[audit.Entry]{}, fmt.Errorf("list the audit: %w", postgres.Translate(err))
	}
	p := page.New(entries, request.Limit, func(e audit.Entry) []int64 { return []int64{e.ID} })
	if request.Count {
		var n int
		err = a.reads.QueryRow(ctx, `SELECT count(*) FROM (SELECT`+auditFilter+` LIMIT @count_limit) AS matching`, args).Scan(&n)
		p.Count = page.NewCount(n)
	}
	return p, postgres.Translate(err)
}
