package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// request is one POST of a client. Its generator reuses the body for the next
// request.
type request struct {
	path, signature string
	body            []byte
}

// generator returns the next request of a client.
type generator func() request

// newSignUps returns sign-ups, mostly with new numbers. All numbers have the form
// of a Safaricom number.
func newSignUps(int) generator {
	var body []byte
	return func() request {
		body = fmt.Appendf(body[:0], `{"username":"John Doe","phone_number":"07%08d"}`, 10_000_000+rand.IntN(20_000_000))
		return request{path: "/waiting-list/", body: body}
	}
}

// newWebhooks returns webhooks with a text message from one of so many people.
func newWebhooks(people int) generator {
	builder := newWebhookBuilder()
	return func() request { return builder.textMessage(rand.IntN(people)) }
}

// phoneNumberIDs is the number of our phone numbers that people write to. It is
// high enough that the send limit of a single number is not reached.
const phoneNumberIDs = 8

// webhookBuilder builds signed webhooks as Meta sends them. It reuses its buffers.
type webhookBuilder struct {
	body []byte
	mac  hash.Hash
}

func newWebhookBuilder() *webhookBuilder {
	return &webhookBuilder{mac: hmac.New(sha256.New, []byte(appSecret))}
}

// textMessage returns a webhook with one text message from the person.
func (w *webhookBuilder) textMessage(person int) request {
	phone := phoneOf(person)
	w.body = fmt.Appendf(w.body[:0], `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{`+
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"254700000000","phone_number_id":"123456789%d"},`+
		`"contacts":[{"profile":{"name":"Wanjiru"},"wa_id":"%s","user_id":"KE.%d"}],`+
		`"messages":[{"from":"%s","from_user_id":"KE.%d","id":"wamid.%016x","timestamp":"%d","type":"text",`+
		`"text":{"body":"Habari, I would like to know more"}}]}}]}]}`,
		person%phoneNumberIDs, phone, person, phone, person, rand.Uint64(), time.Now().Unix())
	return w.sign()
}

// sign returns the request with the body.
func (w *webhookBuilder) sign() request {
	w.mac.Reset()
	w.mac.Write(w.body)
	return request{path: "/webhook/whatsapp", signature: "sha256=" + hex.EncodeToString(w.mac.Sum(nil)), body: w.body}
}

// maxPeople is the number of different phone numbers that phoneOf can return.
const maxPeople = 10_000_000

// phoneOf returns the wa_id of a person.
func phoneOf(person int) string { return fmt.Sprintf("25471%07d", person) }

// personPicker picks people whose rows are far apart in every table. It picks
// each person once before it repeats one. It is safe for concurrent use.
type personPicker struct {
	people int
	picked atomic.Int64
}

func newPersonPicker(people int) *personPicker {
	p := &personPicker{people: people}
	p.picked.Store(rand.Int64N(int64(people)))
	return p
}

func (p *personPicker) next() int {
	const prime = 7_368_787
	return int(p.picked.Add(1) * prime % int64(p.people))
}
