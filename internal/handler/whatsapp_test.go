package handler_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/service/whatsapp"
)

// signed adds a signature with a valid format.
func signed(r *http.Request) *http.Request {
	r.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0a", 32))
	return r
}

func TestVerifySubscription(t *testing.T) {
	t.Parallel()
	var subscription whatsapp.Subscription
	api := newAPI(func(o *handler.Options) {
		o.WhatsApp = fakeWhatsApp{subscribe: func(in whatsapp.Subscription) (string, error) {
			subscription = in
			return "", fault.New(fault.Forbidden, "the verify token is wrong")
		}}
	})
	got := call(t, api, get("/webhook/whatsapp?hub.mode=subscribe&hub.challenge=a%20b&hub.verify_token=t%26t"))
	wantFailure(t, got, http.StatusForbidden, "forbidden")
	if want := (whatsapp.Subscription{Mode: "subscribe", VerifyToken: "t&t", Challenge: "a b"}); subscription != want {
		t.Errorf("the service got %q, want %q", subscription, want)
	}
}

func TestReceiveWebhook_PassesRawBody(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"escaped": `{"a":"\u00e4\/"}`, "not_json": "hello", "binary": "\x00\xff\xfe", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gotSignature, gotBody string
			api := newAPI(func(o *handler.Options) {
				o.WhatsApp = fakeWhatsApp{receive: func(_ context.Context, signature string, body []byte) (whatsapp.Receipt, error) {
					gotSignature, gotBody = signature, string(body)
					return whatsapp.Receipt{Unhandled: 1}, nil
				}}
			})
			r := signed(post("/webhook/whatsapp", body))
			r.Header.Del("Content-Type")
			got := callUndescribed(t, api, r)
			if got.status != http.StatusOK || gotBody != body || !strings.HasPrefix(gotSignature, "sha256=0a") {
				t.Errorf("got status %d, signature %q and body %q; want 200, sha256=0a… and %q", got.status, gotSignature, gotBody, body)
			}
		})
	}
}

func TestReceiveWebhook_MalformedSignature(t *testing.T) {
	t.Parallel()
	for name, signature := range map[string]string{
		"missing":         "",
		"empty_digest":    "sha256=",
		"sha1":            "sha1=" + strings.Repeat("0a", 20),
		"not_hexadecimal": "sha256=" + strings.Repeat("0g", 32),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) {
				o.WhatsApp = fakeWhatsApp{receive: func(_ context.Context, got string, body []byte) (whatsapp.Receipt, error) {
					if got != signature || body != nil {
						t.Errorf("the service got signature %q and a body of %d bytes, want %q and no body", got, len(body), signature)
					}
					return whatsapp.Receipt{}, fault.New(fault.Forbidden, "no")
				}}
			})
			r := post("/webhook/whatsapp", strings.Repeat(" ", 5<<20))
			r.Header.Set("X-Hub-Signature-256", signature)
			wantFailure(t, call(t, api, r), http.StatusForbidden, "forbidden")
		})
	}
}
