// Package simulator replaces Meta's Graph API, its webhooks and Gemini during
// development and in tests, and serves a simulated phone as a web page.
//
// It decides which calls fail, when a webhook is delivered and how often, and
// which text the model produces. The service calls it over HTTP with the same
// clients that call the real APIs. All state is in memory. The simulator knows
// only the webhook URL of the service.
//
// A test uses it as an object: [Simulator.Say] sends a message as a person, and
// [Simulator.Ledger] lists everything that was sent and called.
package simulator

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options are the settings on which the simulator and the service must agree,
// and the pace of the simulator.
type Options struct {
	WebhookURL  string // where the service takes webhooks; SetWebhookURL can change it
	AppSecret   string // signs the webhooks
	VerifyToken string // Verify sends it
	AccessToken string // each call of the Graph API must carry it
	GeminiKey   string // each call of Gemini must carry it

	PhoneNumberID string // Meta's id of the only number of the business
	DisplayNumber string // the same number with its digits

	Timing Timing
	Seed   uint64       // seeds the random source; zero picks a random seed, see Simulator.Seed
	Log    *slog.Logger // nil discards all logs
}

// Simulator simulates Meta and Gemini. Create one with [New].
type Simulator struct {
	options Options
	log     *slog.Logger
	store   *store
	random  *randomSource
	client  *http.Client
	handler http.Handler

	// slots limits the webhooks in flight. A thousand messages at once must not
	// open a thousand connections to the service.
	slots chan struct{}

	ctx    context.Context //nolint:containedctx // lives from New to Close: deliveries outlive the calls that start them
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu         sync.Mutex // guards the fields below
	closed     bool
	webhookURL string
}

const (
	webhooksInFlight = 64
	webhookTimeout   = 10 * time.Second
)

// New starts a simulator. It runs until Close.
func New(o Options) *Simulator {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Simulator{
		options:    o,
		log:        o.Log,
		store:      newStore(time.Now),
		random:     newRandomSource(o.Seed),
		client:     newWebhookClient(),
		slots:      make(chan struct{}, webhooksInFlight),
		ctx:        ctx,
		cancel:     cancel,
		webhookURL: o.WebhookURL,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, p := range examplePeople() {
		s.store.addPerson(p)
	}
	s.handler = s.routes()
	return s
}

// newWebhookClient returns a client with its own connections, so that Close can
// end them. It follows no redirects, because Meta does not.
func newWebhookClient() *http.Client {
	return &http.Client{
		Timeout:   webhookTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: webhooksInFlight, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Handler serves the Graph API, the Gemini API and the page with the phone.
func (s *Simulator) Handler() http.Handler { return s.handler }

// SetWebhookURL changes where webhooks are posted. Webhooks that are being
// retried use the new URL too.
func (s *Simulator) SetWebhookURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhookURL = url
}

func (s *Simulator) currentWebhookURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.webhookURL
}

// Close stops all deliveries, ends the event streams of the pages and waits for
// the deliveries to return. A second call does nothing.
func (s *Simulator) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()

	s.cancel()
	s.work.Wait()
	s.client.CloseIdleConnections()
}

// spawn runs work in the background until Close. It does nothing after Close.
func (s *Simulator) spawn(work func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.store.addPending(+1)
	s.work.Go(func() {
		defer s.store.addPending(-1)
		work(s.ctx)
	})
}
