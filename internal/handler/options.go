package handler

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"aisha/internal/handler/guard"
	"aisha/internal/page"
	"aisha/internal/ratelimit"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/audit"
	"aisha/internal/service/gemini"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

// Waitlist stores sign-ups. Faults: Invalid, RateLimited, Unavailable.
type Waitlist interface {
	Join(ctx context.Context, in waitlist.SignUp) resource.Resource[waitlist.Added]
}

// Referrals reports on referral codes and referrals. Faults: NotFound, Unavailable;
// Credit and Refuse also return Conflict and Invalid.
type Referrals interface {
	ByCode(ctx context.Context, code string) resource.Resource[waitlist.CodeStatus]
	List(ctx context.Context, filter waitlist.ReferralFilter, request page.Request) resource.Resource[page.Page[waitlist.Referral]]
	Credit(ctx context.Context, id int64, reason sensitive.Text) resource.Resource[waitlist.Referral]
	Refuse(ctx context.Context, id int64, reason sensitive.Text) resource.Resource[waitlist.Referral]
}

// Gemini answers single prompts. Faults: Invalid, Blocked, Upstream,
// UpstreamTimeout, NotConfigured.
type Gemini interface {
	Ask(ctx context.Context, prompt string) resource.Resource[gemini.Completion]
}

// WhatsApp handles webhooks and reports on stored items and on sending. Faults:
// Forbidden, NotConfigured, Unavailable; Subscribe also returns Invalid.
type WhatsApp interface {
	Receive(ctx context.Context, signatureHeader string, readBody func() ([]byte, error)) resource.Resource[whatsapp.Receipt]
	Subscribe(in whatsapp.Subscription) resource.Resource[string]
	UnhandledItems(ctx context.Context, request page.Request) resource.Resource[page.Page[whatsapp.UnhandledItem]]
	UnhandledItem(ctx context.Context, id int64) resource.Resource[whatsapp.UnhandledItem] // also returns NotFound
	SendingState(ctx context.Context) resource.Resource[whatsapp.SendingStatus]
}

// Transitions changes the statuses of entries. Faults: Invalid, Conflict, Unavailable;
// Apply also returns NotFound.
type Transitions interface {
	Apply(ctx context.Context, id int64, in waitlist.Transition) resource.Resource[waitlist.Entry]
	Bulk(ctx context.Context, in waitlist.Bulk) resource.Resource[waitlist.Matches]
}

// Operations reports on long work. Faults: NotFound, Conflict, Unavailable; Get also
// returns those with which an operation failed.
type Operations interface {
	Get(ctx context.Context, id int64) resource.Resource[json.RawMessage]
	Progress(ctx context.Context, id int64) resource.Resource[operation.Operation]
	Cancel(ctx context.Context, id int64) resource.Resource[operation.Operation]
}

// Audit reports who did what. Faults: Unavailable.
type Audit interface {
	List(ctx context.Context, filter audit.Filter, request page.Request) resource.Resource[page.Page[audit.Entry]]
}

// Entries shows and changes the entries of the waiting list. Faults: Unavailable; Get
// and Update also return NotFound, and Update Invalid and Conflict.
type Entries interface {
	List(ctx context.Context, in waitlist.ListRequest) resource.Resource[page.Page[waitlist.Details]]
	Get(ctx context.Context, id int64, expansions []waitlist.Expansion) resource.Resource[waitlist.Details]
	Update(ctx context.Context, id int64, in waitlist.Edit) resource.Resource[waitlist.Entry]
}

// Exports exports the list. Faults: Unavailable.
type Exports interface {
	Export(ctx context.Context, request waitlist.ExportRequest) resource.Resource[waitlist.Export]
}

// Imports imports files of people. Faults: Unavailable; Get also returns NotFound.
type Imports interface {
	// Upload also returns Invalid for an empty file, and the errors of the file.
	Upload(ctx context.Context, settings waitlist.ImportSettings, file io.Reader) resource.Resource[waitlist.Upload]
	Discard(ctx context.Context, upload waitlist.Upload) resource.Resource[struct{}]
	Start(ctx context.Context, upload waitlist.Upload) resource.Resource[waitlist.ImportResult]
	Get(ctx context.Context, id int64) resource.Resource[waitlist.Import]
	List(ctx context.Context, request page.Request) resource.Resource[page.Page[waitlist.Import]]
	Problems(ctx context.Context, id int64, afterLine int) resource.Resource[[]waitlist.ImportProblem]
}

// Statistics counts the entries of the waiting list. Faults: Unavailable.
type Statistics interface {
	Statistics(ctx context.Context, filter waitlist.StatisticsFilter) resource.Resource[waitlist.Statistics]
}

// Options are the dependencies and settings of the API. The services, Ready,
// Started, Credentials and Log are required.
type Options struct {
	Waitlist  Waitlist
	Referrals Referrals
	Gemini    Gemini
	WhatsApp  WhatsApp

	Entries     Entries
	Transitions Transitions
	Exports     Exports
	Imports     Imports
	Statistics  Statistics
	Operations  Operations
	Audit       Audit
	Actions     guard.Actions // runs the changes of operators

	ReferralCode func(id int64) string // returns the referral code of an entry

	Ready func(context.Context) error // returns nil if requests can be served

	Started     func() bool        // reports whether the tables exist, so that routes that need them are served
	Credentials func() Credentials // returns the last verdicts and makes no calls

	Metrics    http.Handler          // serves GET /metrics; nil: there is no such route
	Registerer prometheus.Registerer // registers the request metrics; may be nil
	Log        *slog.Logger

	CORSAllowedOrigins []string           // whose pages may call the API, except POST /gemini; empty: none
	CORSGeminiOrigins  []string           // whose pages may call POST /gemini; empty: none
	SignupRedirectURL  string             // where a browser goes after a sign-up by form; empty: to a built-in page
	APIKeys            []sensitive.Secret // empty: POST /gemini needs no key
	AdminToken         sensitive.Secret   // empty: operator routes are disabled
	RateSignups        ratelimit.Rate     // valid sign-ups from one client address
	RateGemini         ratelimit.Rate
	TrustedProxies     []netip.Prefix // proxies whose X-Forwarded-For is used

	PhoneURL string // page of the simulated phone, which the documentation links to; empty: none
}
