// Package simulator is a stand-in for the Graph API, its webhooks and Gemini,
// with a phone to look at in a browser.
//
// It decides how the other side of the wire behaves: what is refused, when a
// webhook comes and comes again, what the model says. It is spoken to over real
// HTTP by the same clients that speak to the real ones, and leaves to the
// service everything that the service is for. It keeps its state in memory and
// knows nothing of the service but the address of its webhook.
//
// A test holds it as an object: [Simulator.Say] is a person who writes,
// [Simulator.Ledger] is what really happened.
package simulator

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options is what the simulator and the service must agree on, and its pace.
type Options struct {
	WebhookURL  string // where the service takes webhooks; may be set later
	AppSecret   string // signs the webhooks
	VerifyToken string // is sent by Verify
	AccessToken string // must come with each call of the Graph API
	GeminiKey   string // must come with each call of the model

	PhoneNumberID string // the only number of the business, as Meta names it
	DisplayNumber string // the same number, as people know it

	Timing Timing
	Seed   uint64       // of all chance; zero: any, see Simulator.Seed
	Log    *slog.Logger // nil: nothing is logged
}

// Simulator is the other side of the wire. Make one with [New].
type Simulator struct {
	options Options
	log     *slog.Logger
	store   *store
	chance  *chance
	client  *http.Client
	handler http.Handler

	// slots bounds the webhooks in flight, so that a thousand messages at once
	// are a busy hour for the service and not a thousand connections.
	slots chan struct{}

	ctx    context.Context //nolint:containedctx // the life of the simulator, from New to Close; work outlives the calls that cause it
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu         sync.Mutex // guards what follows
	closed     bool
	webhookURL string
}

const (
	webhooksInFlight = 64
	webhookTimeout   = 10 * time.Second
)

// New starts a simulator, which runs until Close.
func New(o Options) *Simulator {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Simulator{
		options:    o,
		log:        o.Log,
		store:      newStore(time.Now),
		chance:     newChance(o.Seed),
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
		s.store.meet(p)
	}
	s.handler = s.routes()
	return s
}

// newWebhookClient keeps its own connections, so that Close can end them, and
// follows no redirects, as Meta does not.
func newWebhookClient() *http.Client {
	return &http.Client{
		Timeout:   webhookTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: webhooksInFlight, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Handler serves the Graph API, the Gemini API and the phone.
func (s *Simulator) Handler() http.Handler { return s.handler }

// SetWebhookURL changes where webhooks go, also those that are being retried.
func (s *Simulator) SetWebhookURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhookURL = url
}

func (s *Simulator) webhookAddress() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.webhookURL
}

// Close stops all deliveries, ends the streams of the phone and waits for the
// deliveries to return. Calling it twice does no harm.
func (s *Simulator) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()

	s.cancel()
	s.work.Wait()
	s.client.CloseIdleConnections()
}

// spawn runs work that outlives the call which caused it. After Close it does
// nothing.
func (s *Simulator) spawn(work func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.store.pending(+1)
	s.work.Go(func() {
		defer s.store.pending(-1)
		work(s.ctx)
	})
}
