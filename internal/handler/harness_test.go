package handler_test

import (
	"bytes"
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
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	m.Run()
}

// The services, as functions.
type (
	joinFunc func(context.Context, waitlist.SignUp) (waitlist.Entry, error)
	askFunc  func(context.Context, string) (gemini.Answer, error)
	webhook  struct {
		receive   func(ctx context.Context, signature string, body []byte) (whatsapp.Receipt, error)
		subscribe func(whatsapp.Subscription) (string, error)
		kept      func(before int64) ([]whatsapp.KeptItem, error)
		closed    []whatsapp.Gate
	}
)

func (f joinFunc) Join(ctx context.Context, in waitlist.SignUp) resource.Resource[waitlist.Entry] {
	return resource.From(f(ctx, in))
}

func (f askFunc) Ask(ctx context.Context, prompt string) resource.Resource[gemini.Answer] {
	return resource.From(f(ctx, prompt))
}

func (f webhook) Receive(ctx context.Context, signature string, body []byte) resource.Resource[whatsapp.Receipt] {
	return resource.From(f.receive(ctx, signature, body))
}

func (f webhook) Subscribe(in whatsapp.Subscription) resource.Resource[string] {
	return resource.From(f.subscribe(in))
}

func (f webhook) Kept(_ context.Context, before int64) resource.Resource[[]whatsapp.KeptItem] {
	return resource.From(f.kept(before))
}

func (f webhook) Sending(context.Context) resource.Resource[whatsapp.SendingState] {
	return resource.Success(whatsapp.SendingState{Closed: f.closed})
}

// joinFailing and askFailing are services that fail with err.
func joinFailing(err error) joinFunc {
	return func(context.Context, waitlist.SignUp) (waitlist.Entry, error) { return waitlist.Entry{}, err }
}

func askFailing(err error) askFunc {
	return func(context.Context, string) (gemini.Answer, error) { return gemini.Answer{}, err }
}

// working are options of an API in which all works; change them as a test needs.
func working(change ...func(*handler.Options)) handler.Options {
	metrics := prometheus.NewRegistry()
	o := handler.Options{
		Waitlist: joinFunc(func(context.Context, waitlist.SignUp) (waitlist.Entry, error) { return waitlist.Entry{ID: 1}, nil }),
		Gemini: askFunc(func(context.Context, string) (gemini.Answer, error) {
			return gemini.Answer{
				Text: sensitive.NewText("1 < 2 & that's it"), Model: "gemini-test", FinishReason: "STOP",
				PromptTokens: 5, ResponseTokens: 7,
			}, nil
		}),
		WhatsApp: webhook{
			receive: func(context.Context, string, []byte) (whatsapp.Receipt, error) {
				return whatsapp.Receipt{Messages: 2, Statuses: 1}, nil
			},
			subscribe: func(in whatsapp.Subscription) (string, error) { return in.Challenge, nil },
			kept:      func(int64) ([]whatsapp.KeptItem, error) { return nil, nil },
		},
		Ready:      func(context.Context) error { return nil },
		Metrics:    promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}),
		Registerer: metrics,
		Log:        slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

func newAPI(change ...func(*handler.Options)) http.Handler { return handler.New(working(change...)) }

// logged makes the options log into what it returns.
func logged(level slog.Level) (*syncBuffer, func(*handler.Options)) {
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

// lines are the log's lines so far.
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

// post is a POST of JSON.
func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

// answer is what a caller got.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends the request and checks the answer against the API's description,
// and the request too if it was answered with success.
func call(t *testing.T, api http.Handler, r *http.Request) answer {
	t.Helper()
	return send(t, api, r, true)
}

// callUndescribed is call for requests that succeed although the description
// does not speak of them: we take more than we ask for.
func callUndescribed(t *testing.T, api http.Handler, r *http.Request) answer {
	t.Helper()
	return send(t, api, r, false)
}

func send(t *testing.T, api http.Handler, r *http.Request, checkRequest bool) answer {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, r)
	got := answer{recorder.Code, recorder.Result().Header, recorder.Body.String()}

	again := r.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	checkAnswer(t, again, got, checkRequest)
	return got
}

// checkAnswer holds an exchange against the API's description. Where it knows no
// such route, the answer must be a failure in the general form.
func checkAnswer(t *testing.T, r *http.Request, got answer, checkRequest bool) {
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
	if checkRequest && got.status < 300 {
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
		t.Errorf("%s %s: the description does not allow this answer: %v\n%s", r.Method, r.URL, err, got.body)
	}
}

func checkFailure(t *testing.T, doc *openapi3.T, got answer) {
	t.Helper()
	var body any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Errorf("status %d, and the body is not JSON: %q", got.status, got.body)
		return
	}
	if err := doc.Components.Schemas["Failure"].Value.VisitJSON(body); err != nil {
		t.Errorf("the body is no failure: %v\n%s", err, got.body)
	}
}

// wantFailure checks status and code.
func wantFailure(t *testing.T, got answer, status int, code string) {
	t.Helper()
	var body struct{ Code string }
	_ = json.Unmarshal([]byte(got.body), &body)
	if got.status != status || body.Code != code {
		t.Errorf("got %d %q, want %d %q: %s", got.status, body.Code, status, code, got.body)
	}
	if got.header.Get("X-Request-Id") == "" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a failure without its headers: %v", got.header)
	}
}

// described is the API's description and its routes.
type described struct {
	doc    *openapi3.T
	router routers.Router
}

var readDescription = sync.OnceValues(func() (described, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.YAML())
	if err != nil {
		return described{}, err
	}
	router, err := gorillamux.NewRouter(doc)
	return described{doc, router}, err
})

func description(t *testing.T) (*openapi3.T, routers.Router) {
	t.Helper()
	d, err := readDescription()
	if err != nil {
		t.Fatal(err)
	}
	return d.doc, d.router
}
