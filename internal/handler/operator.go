package handler

import (
	"math"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
	"aisha/internal/operator"
)

// operatorTimeout limits a request of an operator. Longer work is an operation.
const operatorTimeout = 10 * time.Second

// maxID is the highest id.
const maxID = math.MaxInt64

// operatorRoutes adds routes of the operator API. Each of them authenticates the
// caller and requires a right; one that changes something is one transaction with
// its audit, and accepts an Idempotency-Key.
type operatorRoutes struct {
	router    chi.Router
	unlimited chi.Router // without operatorTimeout
	actions   guard.Actions
}

func newOperatorRoutes(r chi.Router, o Options, failures *guard.AddressLimit) operatorRoutes {
	unlimited := r.With(guard.AuthenticateOperator(o.AdminToken, failures), guard.RejectUntil(o.Started))
	return operatorRoutes{router: unlimited.With(guard.Timeout(operatorTimeout)), unlimited: unlimited, actions: o.Actions}
}

// get adds a route that reads. more wraps the handler further.
func (o operatorRoutes) get(path string, right operator.Right, handle wire.HandlerFunc, more ...guard.Middleware) {
	o.router.With(guard.RequireRight(right)).With(more...).Get(path, wire.Handler(handle))
}

// stream adds a route that reads as long as its client receives: its response is a
// wire.Stream, and the service limits the time of each step. more wraps the handler
// further.
func (o operatorRoutes) stream(path string, right operator.Right, handle wire.HandlerFunc, more ...guard.Middleware) {
	o.unlimited.With(guard.RequireRight(right)).With(more...).Get(path, wire.Handler(handle))
}

// change adds a route that changes something.
func (o operatorRoutes) change(method, path string, right operator.Right, handle wire.HandlerFunc) {
	o.router.With(guard.RequireRight(right), guard.Change(o.actions)).Method(method, path, wire.Handler(handle))
}

// upload adds a route that stores a file before its change: upload is middleware that
// reads the body as long as its client sends. At most limit requests are in progress.
func (o operatorRoutes) upload(path string, right operator.Right, handle wire.HandlerFunc, upload guard.Middleware, limit int) {
	o.unlimited.With(
		guard.RequireRight(right), guard.Concurrency(limit), guard.LongBody, upload, guard.Timeout(operatorTimeout), guard.Change(o.actions),
	).Post(path, wire.Handler(handle))
}

// addOperatorRoutes adds all routes of the operator API.
func addOperatorRoutes(r chi.Router, o Options, failures *guard.AddressLimit) {
	routes := newOperatorRoutes(r, o, failures)

	routes.get("/operator/waiting-list", operator.ReadList, listEntries(o.Entries, o.ReferralCode))
	routes.get("/operator/waiting-list/{id}", operator.ReadList, getEntry(o.Entries, o.ReferralCode))
	routes.change(http.MethodPatch, "/operator/waiting-list/{id}", operator.WriteList, updateEntry(o.Entries, o.ReferralCode))
	routes.change(http.MethodPost, "/operator/waiting-list/{id}/transitions", operator.WriteList, applyTransition(o.Transitions, o.ReferralCode))
	routes.change(http.MethodPost, "/operator/waiting-list/bulk", operator.WriteList, startBulk(o.Transitions))
	routes.stream("/operator/waiting-list/export", operator.ExportList, exportList(o.Exports, o.ReferralCode), guard.Concurrency(maxExports))
	routes.get("/operator/stats/waiting-list", operator.ReadList, getWaitlistStatistics(o.Statistics))

	routes.upload("/operator/imports", operator.ImportList, startImport(o.Imports), uploadImport(o.Imports), maxUploads)
	routes.get("/operator/imports", operator.ReadList, listImports(o.Imports))
	routes.get("/operator/imports/{id}", operator.ReadList, getImport(o.Imports))
	routes.stream("/operator/imports/{id}/report.csv", operator.ReadList, getImportReport(o.Imports), guard.Concurrency(maxReports))

	routes.get("/operator/referrals", operator.ReadList, listReferrals(o.Referrals))
	routes.change(http.MethodPost, "/operator/referrals/{id}/credit", operator.DecideCredit, creditReferral(o.Referrals))
	routes.change(http.MethodPost, "/operator/referrals/{id}/refuse", operator.DecideCredit, refuseReferral(o.Referrals))

	routes.get("/operator/operations/{id}", operator.ReadList, getOperation(o.Operations))
	routes.get("/operator/operations/{id}/progress", operator.ReadList, getProgress(o.Operations))
	routes.change(http.MethodDelete, "/operator/operations/{id}", operator.WriteList, cancelOperation(o.Operations))

	routes.get("/operator/audit", operator.ReadAudit, listAudit(o.Audit))
	routes.get("/operator/unhandled-items", operator.ReadUnhandled, listUnhandledItems(o.WhatsApp))
	routes.get("/operator/unhandled-items/{id}", operator.ReadUnhandled, getUnhandledItem(o.WhatsApp), guard.Concurrency(maxWholeItems))
}
