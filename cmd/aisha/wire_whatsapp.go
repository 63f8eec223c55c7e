package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"aisha/internal/client/graphapi"
	"aisha/internal/repository/instance"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/queue"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/service/gemini"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
	"aisha/internal/telemetry"
	"aisha/internal/worker"
)

// drainJobs is how long a stop waits for running jobs. A send that began takes
// ten seconds at most.
const drainJobs = 12 * time.Second

// addWhatsApp adds the WhatsApp service and the workers that answer.
func (a *app) addWhatsApp(ctx context.Context, gemini *gemini.Service, waitlist *waitlist.Service, operations *operation.Service) (*whatsapp.Service, error) {
	cfg := a.cfg.WhatsApp
	locks := instance.New(a.pool, uuid.NewString(), whatsappdb.QueueWorkLeft)
	a.add(component{name: "instance locks", stop: locks.Close})

	graph := a.newGraph()
	outbox := whatsappdb.NewOutbox(a.pool)
	a.metrics.MustRegister(telemetry.NewBacklogCollector(outbox.Backlog, a.log))
	service := whatsapp.New(whatsapp.Options{
		AppSecrets:    cfg.AppSecrets,
		VerifyToken:   cfg.VerifyToken,
		PhoneNumberID: cfg.PhoneNumberID,
		Instructions:  cfg.Instructions,
		Apology:       cfg.Apology,
		ReplyWithin:   cfg.ReplyWithin,
		HandoverPause: cfg.HandoverPause,
		Debounce:      cfg.Debounce,
		ResendAfter:   cfg.ResendAfter,
		Observe:       telemetry.NewSendObserver(a.metrics),
		Log:           a.log,

		ObserveModelFailure: telemetry.NewModelFailureObserver(a.metrics),
	}, whatsapp.Deps{
		Inbox:         whatsappdb.NewInbox(a.pool),
		Conversations: whatsappdb.NewConversations(a.pool),
		Outbox:        outbox,
		SendLimiter:   graphapi.NewSendLimiter(cfg.Throughput, locks.Count),
		PersonLocks:   locks,
		Graph:         graph,
		Model:         modelAdapter{gemini},
		Waitlist:      waitlistAdapter{waitlist},
	})
	return service, a.addWorkers(ctx, service, operations, locks)
}

func (a *app) newGraph() *graphapi.Client {
	cfg := a.cfg.WhatsApp
	client := graphapi.New(graphapi.Options{
		Token:   cfg.Token,
		BaseURL: cfg.BaseURL,
		Version: cfg.APIVersion,
		Timeout: graphTimeout(cfg.ResendAfter),
		Log:     a.log,
	})
	if !cfg.Token.IsZero() {
		a.credentials.whatsapp = &credential{
			name:     "WHATSAPP_TOKEN",
			advice:   "create a token with access to WHATSAPP_PHONE_NUMBER_ID in Meta's business settings; until then nothing is sent",
			check:    func(ctx context.Context) error { return client.CheckToken(ctx, cfg.PhoneNumberID) },
			rejected: graphapi.ErrTokenRejected,
		}
	}
	return client
}

// graphTimeout limits one call of the Graph API, which usually takes a tenth of a
// second. It is at most half of the time after which the message is sent again,
// because a send may begin in the first half of it.
func graphTimeout(resendAfter time.Duration) time.Duration {
	return min(10*time.Second, resendAfter/2)
}

// addWorkers adds the workers. If the Graph API or Gemini is not configured, they run
// only operations: messages are stored and wait.
func (a *app) addWorkers(ctx context.Context, service *whatsapp.Service, operations *operation.Service, locks *instance.Locks) error {
	concurrency := a.cfg.WhatsApp.Workers
	if a.cfg.WhatsApp.Token.IsZero() || a.cfg.Gemini.APIKey.IsZero() {
		a.log.WarnContext(ctx, "WhatsApp messages are stored and not answered: the Graph API or Gemini is not configured")
		concurrency = 0
	}
	pool, err := postgres.OpenForQueue(ctx, a.cfg.DatabaseURL)
	if err != nil {
		return err
	}
	a.add(component{name: "queue pool", stop: closePool(pool)})
	workers, err := worker.New(pool, worker.Deps{
		Answerer:   service,
		Operations: operations,
		Instance:   locks,
		Orphans:    queue.NewOrphans(a.pool, locks.Name()),
	}, worker.Options{
		Concurrency:         concurrency,
		ReindexerIndexNames: queue.ReindexerIndexNames(),
		Log:                 a.log,
	})
	if err != nil {
		return err
	}
	a.add(component{
		name:        "workers",
		start:       func(ctx context.Context) error { return workers.Start(context.WithoutCancel(ctx)) }, // ends by Stop
		stop:        workers.Stop,
		stopTimeout: drainJobs,
	})
	return nil
}
