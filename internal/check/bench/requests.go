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

// request is what a client posts. Its bytes are the generator's until the
// next request.
type request struct {
	path, signature string
	body            []byte
}

// generator makes one client's requests, one after the other.
type generator func() request

// signUps are mostly of new numbers, all of the form that Safaricom gives out.
func signUps(int) generator {
	var body []byte
	return func() request {
		body = fmt.Appendf(body[:0], `{"username":"John Doe","phone_number":"07%08d"}`, 10_000_000+rand.IntN(20_000_000))
		return request{path: "/waiting-list/", body: body}
	}
}

// webhooks are texts from that many persons.
func webhooks(people int) generator {
	pen := newPen()
	return func() request { return pen.write(rand.IntN(people)) }
}

// numbers is how many numbers of ours the persons write to, so that the limit
// for one number does not bind.
const numbers = 8

// pen writes texts of persons as Meta sends them.
type pen struct {
	body []byte
	mac  hash.Hash
}

func newPen() *pen { return &pen{mac: hmac.New(sha256.New, []byte(appSecret))} }

func (p *pen) write(person int) request {
	phone := phoneOf(person)
	p.body = fmt.Appendf(p.body[:0], `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{`+
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"254700000000","phone_number_id":"123456789%d"},`+
		`"contacts":[{"profile":{"name":"Wanjiru"},"wa_id":"%s","user_id":"KE.%d"}],`+
		`"messages":[{"from":"%s","from_user_id":"KE.%d","id":"wamid.%016x","timestamp":"%d","type":"text",`+
		`"text":{"body":"Habari, I would like to know more"}}]}}]}]}`,
		person%numbers, phone, person, phone, person, rand.Uint64(), time.Now().Unix())
	p.mac.Reset()
	p.mac.Write(p.body)
	return request{path: "/webhook/whatsapp", signature: "sha256=" + hex.EncodeToString(p.mac.Sum(nil)), body: p.body}
}

// maxPeople is how many persons phoneOf can tell apart.
const maxPeople = 10_000_000

// phoneOf is a person's number as Meta writes it.
func phoneOf(person int) string { return fmt.Sprintf("25471%07d", person) }

// crowd draws persons who are far apart in every table, and none twice before
// it has drawn all.
type crowd struct {
	people int
	drawn  atomic.Int64
}

func newCrowd(people int) *crowd {
	c := &crowd{people: people}
	c.drawn.Store(rand.Int64N(int64(people)))
	return c
}

func (c *crowd) draw() int {
	const prime = 7_368_787
	return int(c.drawn.Add(1) * prime % int64(c.people))
}
