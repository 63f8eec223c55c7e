package handler_test

import (
	"context"
	"net/http"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/service/whatsapp"
)

func TestReadyz_Sending(t *testing.T) {
	t.Parallel()
	for _, sending := range []whatsapp.SendingStatus{whatsapp.SendingOpen, whatsapp.SendingWaiting, whatsapp.SendingStopped} {
		want := string(sending)
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) {
				service := o.WhatsApp.(fakeWhatsApp)
				service.sending = sending
				o.WhatsApp = service
			})
			got := call(t, api, get("/readyz"))
			if body := `{"status":"success","data":{"state":"ready","sending":"` + want + `","credentials":{"gemini":"ok","whatsapp":"unchecked"}}}`; got.status != http.StatusOK || got.body != body {
				t.Errorf("got %d %s, want 200 %s", got.status, got.body, body)
			}
		})
	}
}

func TestReadyz_Credentials(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.Credentials = func() handler.Credentials {
			return handler.Credentials{Gemini: handler.CredentialRejected, WhatsApp: handler.CredentialRejected}
		}
	})
	const body = `{"status":"success","data":{"state":"ready","sending":"open","credentials":{"gemini":"rejected","whatsapp":"rejected"}}}`
	if got := call(t, api, get("/readyz")); got.status != http.StatusOK || got.body != body {
		t.Errorf("got %d %s, want 200 %s: the service stores messages", got.status, got.body, body)
	}
}

func TestReadyz_NotReady(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.Ready = func(context.Context) error { return fault.New(fault.Unavailable, "the service is stopping") }
	})
	wantFailure(t, call(t, api, get("/readyz")), http.StatusServiceUnavailable, "unavailable")
	if got := call(t, api, get("/healthz")); got.status != http.StatusOK {
		t.Errorf("GET /healthz of a process that is not ready: got %d, want 200", got.status)
	}
}
