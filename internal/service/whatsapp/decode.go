package whatsapp

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"aisha/internal/sensitive"
)

// Decode takes a webhook's body apart. Each message and each status stands
// alone: one that is broken or of no use to us is kept as it came and costs
// the others nothing. Decode never fails; what it cannot read at all it keeps.
func Decode(body []byte) Batch {
	var batch Batch
	var envelope struct {
		Entry []json.RawMessage `json:"entry"`
	}
	if err := readJSON(body, &envelope); err != nil || len(envelope.Entry) == 0 {
		batch.keep("", "not a webhook of the documented shape", body)
		return batch
	}
	for _, raw := range envelope.Entry {
		var entry struct {
			Changes []json.RawMessage `json:"changes"`
		}
		if err := readJSON(raw, &entry); err != nil || len(entry.Changes) == 0 {
			batch.keep("", "an entry without changes", raw)
			continue
		}
		for _, change := range entry.Changes {
			batch.decodeChange(change)
		}
	}
	return batch
}

// readJSON decodes what it can. A member of another type than documented is
// left empty; only what is not JSON at all is an error.
func readJSON(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var oddType *json.UnmarshalTypeError
	if errors.As(err, &oddType) {
		return nil
	}
	return err
}

func (b *Batch) keep(field, reason string, raw []byte) {
	b.Kept = append(b.Kept, Kept{Field: field, Reason: reason, Raw: raw})
}

// value is the part of a change that we read.
type value struct {
	Metadata struct {
		PhoneNumberID scalar `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []json.RawMessage `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Statuses []json.RawMessage `json:"statuses"`
}

func (b *Batch) decodeChange(raw []byte) {
	var change struct {
		Field scalar          `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if err := readJSON(raw, &change); err != nil {
		b.keep("", "a change that cannot be read", raw)
		return
	}
	field := change.Field.text()
	if field != "messages" {
		b.keep(field, "an event that needs no answer", raw)
		return
	}
	var v value
	if err := readJSON(change.Value, &v); err != nil || len(v.Messages)+len(v.Statuses) == 0 {
		b.keep(field, "neither messages nor statuses", raw)
		return
	}
	contacts := decodeContacts(v.Contacts)
	for _, message := range v.Messages {
		b.decodeMessage(message, v.Metadata.PhoneNumberID.text(), contacts)
	}
	for _, status := range v.Statuses {
		b.decodeStatus(status)
	}
}

// contact is who a message's sender is, as the webhook describes them.
type contact struct {
	WaID    scalar `json:"wa_id"`
	UserID  scalar `json:"user_id"`
	Profile struct {
		Name scalar `json:"name"`
	} `json:"profile"`
}

func decodeContacts(raws []json.RawMessage) []contact {
	contacts := make([]contact, 0, len(raws))
	for _, raw := range raws {
		var c contact
		if err := readJSON(raw, &c); err == nil {
			contacts = append(contacts, c)
		}
	}
	return contacts
}

// inbound is the part of a message that we read. Where the words stand
// depends on the type.
type inbound struct {
	From       scalar `json:"from"`
	FromUserID scalar `json:"from_user_id"`
	GroupID    scalar `json:"group_id"`
	ID         scalar `json:"id"`
	Timestamp  scalar `json:"timestamp"`
	Type       scalar `json:"type"`

	Text struct {
		Body scalar `json:"body"`
	} `json:"text"`
	Button struct {
		Text scalar `json:"text"`
	} `json:"button"`
	Interactive struct {
		ButtonReply struct {
			Title scalar `json:"title"`
		} `json:"button_reply"`
		ListReply struct {
			Title scalar `json:"title"`
		} `json:"list_reply"`
	} `json:"interactive"`
}

// answered are the types that a person sends and waits for an answer to. All
// others (reactions, system messages, edits, types of the future) get none.
func answered(kind string) bool {
	switch kind {
	case "text", "button", "interactive",
		"image", "audio", "voice", "video", "document", "sticker",
		"location", "contacts", "order", "unsupported":
		return true
	}
	return false
}

func (b *Batch) decodeMessage(raw []byte, phoneNumberID string, contacts []contact) {
	var in inbound
	if err := readJSON(raw, &in); err != nil {
		b.keep("messages", "a message that cannot be read", raw)
		return
	}
	message := Message{
		WAMID:         in.ID.text(),
		PhoneNumberID: phoneNumberID,
		Sender:        identify(in, contacts),
		Kind:          in.Type.text(),
		Text:          sensitive.NewText(in.words()),
		SentAt:        in.Timestamp.time(),
	}
	switch {
	case message.WAMID == "" || message.Sender == Identity{} || phoneNumberID == "":
		b.keep("messages", "a message without id, sender or receiver", raw)
	case in.GroupID != "":
		b.keep("messages", "a message of a group", raw)
	case !answered(message.Kind):
		b.keep("messages", "a message of a type that needs no answer", raw)
	default:
		b.Messages = append(b.Messages, message)
	}
}

func (in inbound) words() string {
	switch in.Type {
	case "text":
		return in.Text.Body.text()
	case "button":
		return in.Button.Text.text()
	case "interactive":
		return in.Interactive.ButtonReply.Title.text() + in.Interactive.ListReply.Title.text()
	}
	return ""
}

// userIDShape is a business-scoped user id: a country and alphanumerics. Meta
// puts one where a number is expected when it withholds the number.
var userIDShape = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9.]{1,140}$`)

// phoneShape is a wa_id: digits alone.
var phoneShape = regexp.MustCompile(`^[0-9]{5,20}$`)

// identify finds out who sent a message. A number in one webhook and only a
// user id in the next are both usual.
func identify(in inbound, contacts []contact) Identity {
	var who Identity
	learn := func(id string) {
		switch {
		case who.UserID == "" && userIDShape.MatchString(id):
			who.UserID = id
		case who.Phone.IsZero() && phoneShape.MatchString(id):
			who.Phone = sensitive.NewPhone(id)
		}
	}
	learn(in.FromUserID.text())
	learn(in.From.text())

	for _, c := range contacts {
		same := c.UserID != "" && c.UserID.text() == who.UserID || c.WaID != "" && c.WaID.text() == who.Phone.Reveal()
		alone := len(contacts) == 1 && in.GroupID == ""
		if !same && !alone {
			continue
		}
		learn(c.UserID.text())
		learn(c.WaID.text())
		who.Name = sensitive.NewText(shorten(c.Profile.Name.text(), 200))
		break
	}
	if who.UserID == "" && who.Phone.IsZero() {
		return Identity{}
	}
	return who
}

// outbound is the part of a status that we read.
type outbound struct {
	ID        scalar `json:"id"`
	Status    scalar `json:"status"`
	Timestamp scalar `json:"timestamp"`
	Callback  scalar `json:"biz_opaque_callback_data"`
	Errors    []struct {
		Code scalar `json:"code"`
	} `json:"errors"`
}

func (b *Batch) decodeStatus(raw []byte) {
	var in outbound
	if err := readJSON(raw, &in); err != nil {
		b.keep("messages", "a status that cannot be read", raw)
		return
	}
	delivery, known := deliveryOf(in.Status.text())
	if !known || in.ID == "" {
		b.keep("messages", "a status of a kind that we do not know", raw)
		return
	}
	status := Status{WAMID: in.ID.text(), Callback: in.Callback.text(), Delivery: delivery, At: in.Timestamp.time()}
	if delivery == Failed && len(in.Errors) > 0 {
		status.ErrorCode = in.Errors[0].Code.int()
	}
	b.Statuses = append(b.Statuses, status)
}

func deliveryOf(status string) (Delivery, bool) {
	switch status {
	case "sent":
		return Sent, true
	case "delivered":
		return Delivered, true
	case "read", "played":
		return Read, true
	case "failed":
		return Failed, true
	}
	return "", false
}

// shorten cuts text to at most n bytes without breaking a character.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// clean makes text storable: PostgreSQL's text knows no NUL.
func clean(text string) string {
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}

// sane reports whether a time is one that a webhook of our days can carry.
func sane(t time.Time) bool {
	return t.Year() >= 2009 && t.Before(time.Now().Add(24*time.Hour))
}
