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

// addOperatorRoutes adds all routes of the operator API.
func addOperatorRoutes(r chi.Router, o Options, failures *guard.AddressLimit) {
	routes := newOperatorRoutes(r, o, failures)

	routes.get("/operator/unhandled-items", operator.ReadUnhandled, listUnhandledItems(o.WhatsApp))
	routes.get("/operator/unhandled-items/{id}", operator.ReadUnhandled, getUnhandledItem(o.WhatsApp), guard.Concurrency(maxWholeItems))

	routes.get("/operator/operations/{id}", operator.ReadList, getOperation(o.Operations))
	routes.get("/operator/operations/{id}/progress", operator.ReadList, getProgress(o.Operations))
	routes.change(http.MethodDelete, "/operator/operations/{id}", operator.WriteList, cancelOperation(o.Operations))

	routes.stream("/operator/waiting-list/export", operator.ExportList, exportList(o.Exports, o.ReferralCode), guard.Concurrency(maxExports))

	routes.get("/operator/audit", operator.ReadAudit, listAudit(o.Audit))
}
