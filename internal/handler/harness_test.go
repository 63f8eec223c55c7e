package handler_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aisha/api"
	"aisha/internal/handler"
	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/audit"
	"aisha/internal/service/gemini"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	m.Run()
}

// The services are fakes whose methods call functions.
type (
	joinFunc     func(context.Context, waitlist.SignUp) (waitlist.Added, error)
	askFunc      func(context.Context, string) (gemini.Completion, error)
	fakeWhatsApp struct {
		receive   func(ctx context.Context, signature string, body []byte) (whatsapp.Receipt, error)
		subscribe func(whatsapp.Subscription) (string, error)
		unhandled func(page.Request) (page.Page[whatsapp.UnhandledItem], error)
		sending   whatsapp.SendingStatus // empty: open
		item      func(id int64) (whatsapp.UnhandledItem, error)
	}
)

func (f joinFunc) Join(ctx context.Context, in waitlist.SignUp) resource.Resource[waitlist.Added] {
	return resource.From(f(ctx, in))
}

func (f askFunc) Ask(ctx context.Context, prompt string) resource.Resource[gemini.Completion] {
	return resource.From(f(ctx, prompt))
}

func (f fakeWhatsApp) Receive(ctx context.Context, header string, readBody func() ([]byte, error)) resource.Resource[whatsapp.Receipt] {
	var body []byte
	if _, ok := webhook.ParseSignature(header); ok {
		var err error
		if body, err = readBody(); err != nil {
			return resource.Failure[whatsapp.Receipt](err)
		}
	}
	return resource.From(f.receive(ctx, header, body))
}

func (f fakeWhatsApp) Subscribe(in whatsapp.Subscription) resource.Resource[string] {
	return resource.From(f.subscribe(in))
}

func (f fakeWhatsApp) UnhandledItems(_ context.Context, request page.Request) resource.Resource[page.Page[whatsapp.UnhandledItem]] {
	return resource.From(f.unhandled(request))
}

func (f fakeWhatsApp) UnhandledItem(_ context.Context, id int64) resource.Resource[whatsapp.UnhandledItem] {
	return resource.From(f.item(id))
}

func (f fakeWhatsApp) SendingState(context.Context) resource.Resource[whatsapp.SendingStatus] {
	return resource.Success(cmp.Or(f.sending, whatsapp.SendingOpen))
}

// fakeOperations has one operation, which goes on.
type fakeOperations struct{}

func (fakeOperations) Get(_ context.Context, id int64) resource.Resource[json.RawMessage] {
	return resource.Loading[json.RawMessage](operation.Location(id))
}

func (fakeOperations) Progress(_ context.Context, id int64) resource.Resource[operation.Operation] {
	return resource.Success(operation.Operation{ID: id, State: operation.Running})
}

func (fakeOperations) Cancel(_ context.Context, id int64) resource.Resource[operation.Operation] {
	return resource.Success(operation.Operation{ID: id, State: operation.Cancelled})
}

// auditFunc implements handler.Audit.
type auditFunc func(audit.Filter, page.Request) (page.Page[audit.Entry], error)

func (f auditFunc) List(_ context.Context, filter audit.Filter, request page.Request) resource.Resource[page.Page[audit.Entry]] {
	return resource.From(f(filter, request))
}

// fakeActions runs changes without a transaction and remembers the attempts.
type fakeActions struct {
	mu       sync.Mutex
	attempts []operator.Attempt
}

func (f *fakeActions) Run(ctx context.Context, attempt operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
	f.mu.Lock()
	f.attempts = append(f.attempts, attempt)
	f.mu.Unlock()
	return act(ctx), nil
}

// joinFailing and askFailing return services that fail with err.
func joinFailing(err error) joinFunc {
	return func(context.Context, waitlist.SignUp) (waitlist.Added, error) { return waitlist.Added{}, err }
}

func askFailing(err error) askFunc {
	return func(context.Context, string) (gemini.Completion, error) { return gemini.Completion{}, err }
}

// workingOptions returns options with services that succeed, changed by change.
func workingOptions(change ...func(*handler.Options)) handler.Options {
	metrics := prometheus.NewRegistry()
	o := handler.Options{
		Waitlist: joinFunc(func(context.Context, waitlist.SignUp) (waitlist.Added, error) { return waitlist.Added{ID: 1}, nil }),
		Gemini: askFunc(func(context.Context, string) (gemini.Completion, error) {
			return gemini.Completion{
				Text: sensitive.NewText("1 < 2 & that's it"), Model: "gemini-test", FinishReason: "STOP",
				PromptTokens: 5, ResponseTokens: 7,
			}, nil
		}),
		WhatsApp: fakeWhatsApp{
			receive: func(context.Context, string, []byte) (whatsapp.Receipt, error) {
				return whatsapp.Receipt{Messages: 2, Statuses: 1}, nil
			},
			subscribe: func(in whatsapp.Subscription) (string, error) { return in.Challenge, nil },
			unhandled: func(page.Request) (page.Page[whatsapp.UnhandledItem], error) {
				return page.Page[whatsapp.UnhandledItem]{}, nil
			},
		},
		Exports:      waitlist.NewExporter(&fakeExports{}),
		ReferralCode: func(int64) string { return "" },
		Operations:   fakeOperations{},
		Imports:      &fakeImports{},
		Audit: auditFunc(func(audit.Filter, page.Request) (page.Page[audit.Entry], error) {
			return page.Page[audit.Entry]{}, nil
		}),
		Actions: &fakeActions{},
		Ready:   func(context.Context) error { return nil },
		Started: func() bool { return true },
		Credentials: func() handler.Credentials {
			return handler.Credentials{Gemini: handler.CredentialOK, WhatsApp: handler.CredentialUnchecked}
		},
		Metrics:    promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}),
		Registerer: metrics,
		Log:        slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

func newAPI(change ...func(*handler.Options)) http.Handler {
	return handler.New(workingOptions(change...))
}

// logTo returns a buffer and an option that makes the API log into it.
func logTo(level slog.Level) (*syncBuffer, func(*handler.Options)) {
	out := &syncBuffer{}
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
	return out, func(o *handler.Options) { o.Log = log }
}

type syncBuffer struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.Write(p)
}

// lines returns the log lines so far.
func (b *syncBuffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []map[string]any
	decoder := json.NewDecoder(bytes.NewReader(b.out.Bytes()))
	for decoder.More() {
		line := map[string]any{}
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	return all
}

// post returns a POST request with a JSON body.
func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

// response is what a client received.
type response struct {
	status int
	header http.Header
	body   string
}

// checks selects what is validated against the API's description.
type checks int

const (
	responseOnly checks = iota
	requestAndResponse
)

// call sends the request and validates the response against the API's
// description. If the response is a success, it validates the request too.
func call(t *testing.T, api http.Handler, r *http.Request) response {
	t.Helper()
	return callAndCheck(t, api, r, requestAndResponse)
}

// callUndescribed is call for requests that succeed although the description
// does not allow them. The API accepts more than it documents.
func callUndescribed(t *testing.T, api http.Handler, r *http.Request) response {
	t.Helper()
	return callAndCheck(t, api, r, responseOnly)
}

// callUnchecked is call without any validation.
func callUnchecked(api http.Handler, r *http.Request) response {
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, r)
	return response{recorder.Code, recorder.Result().Header, recorder.Body.String()}
}

func callAndCheck(t *testing.T, api http.Handler, r *http.Request, what checks) response {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	got := callUnchecked(api, r)

	unread := r.Clone(context.Background())
	unread.Body = io.NopCloser(bytes.NewReader(body))
	checkResponse(t, unread, got, what)
	return got
}

// checkResponse validates a response against the API's description. The response
// to an unknown route must be a failure in the general form.
func checkResponse(t *testing.T, r *http.Request, got response, what checks) {
	t.Helper()
	doc, router := description(t)
	route, params, err := router.FindRoute(r)
	if err != nil {
		if r.Method != http.MethodHead && r.Method != http.MethodOptions && !strings.HasPrefix(r.URL.Path, "/docs/") {
			checkFailure(t, doc, got)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if what == requestAndResponse && got.status < 300 {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s %s: the description does not allow this request: %v", r.Method, r.URL, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: got.status, Header: got.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	out.SetBodyBytes([]byte(got.body))
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s %s: the description does not allow this response: %v\n%s", r.Method, r.URL, err, got.body)
	}
}

func checkFailure(t *testing.T, doc *openapi3.T, got response) {
	t.Helper()
	var body any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Errorf("status %d, and the body is not JSON: %q", got.status, got.body)
		return
	}
	if err := doc.Components.Schemas["Failure"].Value.VisitJSON(body); err != nil {
		t.Errorf("the body does not have the form of a failure: %v\n%s", err, got.body)
	}
}

// wantFailure checks the status and the code of a failure, and the headers that
// every response has.
func wantFailure(t *testing.T, got response, status int, code string) {
	t.Helper()
	var body struct{ Code string }
	_ = json.Unmarshal([]byte(got.body), &body)
	if got.status != status || body.Code != code {
		t.Errorf("got %d %q, want %d %q: %s", got.status, body.Code, status, code, got.body)
	}
	if got.header.Get("X-Request-Id") == "" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got the headers %v, want X-Request-Id and X-Content-Type-Options: nosniff", got.header)
	}
}

// fieldsOf returns the field names in the details of a failure.
func fieldsOf(t *testing.T, got response) []string {
	t.Helper()
	var body struct{ Details []struct{ Field string } }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, detail := range body.Details {
		names = append(names, detail.Field)
	}
	return names
}

// parsedDescription is the API's description and its routes.
type parsedDescription struct {
	doc    *openapi3.T
	router routers.Router
}

var readDescription = sync.OnceValues(func() (parsedDescription, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.YAML())
	if err != nil {
		return parsedDescription{}, err
	}
	router, err := gorillamux.NewRouter(doc)
	return parsedDescription{doc, router}, err
})

func description(t *testing.T) (*openapi3.T, routers.Router) {
	t.Helper()
	d, err := readDescription()
	if err != nil {
		t.Fatal(err)
	}
	return d.doc, d.router
}
