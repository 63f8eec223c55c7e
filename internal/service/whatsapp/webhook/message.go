package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// messageJSON holds the members of a message that are read. The type decides
// which member has the content.
type messageJSON struct {
	From       scalar `json:"from"`
	FromUserID scalar `json:"from_user_id"`
	GroupID    scalar `json:"group_id"`
	ID         scalar `json:"id"`
	Timestamp  scalar `json:"timestamp"`
	Type       scalar `json:"type"`
	Context    struct {
		ID      scalar `json:"id"`
		Product struct {
			ID scalar `json:"product_retailer_id"`
		} `json:"referred_product"`
	} `json:"context"`
	Referral struct {
		Headline scalar `json:"headline"`
		Body     scalar `json:"body"`
	} `json:"referral"`

	Text struct {
		Body scalar `json:"body"`
	} `json:"text"`
	Image    fileJSON `json:"image"`
	Audio    fileJSON `json:"audio"`
	Voice    fileJSON `json:"voice"`
	Video    fileJSON `json:"video"`
	Document fileJSON `json:"document"`
	Sticker  fileJSON `json:"sticker"`

	Location struct {
		Latitude  scalar `json:"latitude"`
		Longitude scalar `json:"longitude"`
		Name      scalar `json:"name"`
		Address   scalar `json:"address"`
	} `json:"location"`
	Contacts []contactCardJSON `json:"contacts"`
	Button   struct {
		Text scalar `json:"text"`
	} `json:"button"`
	Interactive interactiveJSON `json:"interactive"`
	Order       struct {
		Text  scalar `json:"text"`
		Items []struct {
			Product  scalar `json:"product_retailer_id"`
			Quantity scalar `json:"quantity"`
			Price    scalar `json:"item_price"`
			Currency scalar `json:"currency"`
		} `json:"product_items"`
	} `json:"order"`

	System struct {
		Type           scalar `json:"type"`
		WaID           scalar `json:"wa_id"`
		NewWaID        scalar `json:"new_wa_id"`
		UserID         scalar `json:"user_id"`
		PreviousUserID scalar `json:"previous_user_id"`
	} `json:"system"`
	Errors []struct {
		Code scalar `json:"code"`
	} `json:"errors"`
	Edit   editJSON `json:"edit"`
	Revoke struct {
		Original scalar `json:"original_message_id"`
	} `json:"revoke"`
}

// addMessage sorts a message into the batch by its type. An edit or a revocation
// is taken at any time: it only affects a message that was taken itself.
func (d *decoder) addMessage(raw []byte, in messageJSON, phoneNumberID string, contacts directory) {
	switch {
	case in.GroupID != "":
		d.addUnhandled("messages", "a message of a group", raw)
	case in.Type == "edit" && in.Edit.Original != "":
		editedAt := d.sentAt(in.Timestamp)
		if d.wrongTime(editedAt) != "" {
			editedAt = time.Time{}
		}
		d.batch.Edits = append(d.batch.Edits, Edit{
			WAMID:         in.Edit.Original.text(),
			PhoneNumberID: phoneNumberID,
			Sender:        contacts.identify(in.FromUserID, in.From),
			Text:          cleanText(in.Edit.text()),
			EditedAt:      editedAt,
		})
	case in.Type == "revoke" && in.Revoke.Original != "":
		d.batch.Revokes = append(d.batch.Revokes, Revoke{
			WAMID:  in.Revoke.Original.text(),
			Sender: contacts.identify(in.FromUserID, in.From),
		})
	case in.Type == "system":
		d.addIdentityChange(raw, in)
	case !needsAnswer(in.Type.text()):
		d.addUnhandled("messages", "a message of a type that needs no answer", raw)
	case in.Interactive.Type == "call_permission_reply":
		d.addUnhandled("messages", "a response to a call permission request", raw)
	default:
		d.addPersonMessage(raw, in, phoneNumberID, contacts.identify(in.FromUserID, in.From))
	}
}

// needsAnswer reports whether a person who sends this type expects an answer.
// Reactions, system messages and types that do not exist yet do not.
func needsAnswer(messageType string) bool {
	switch messageType {
	case "text", "button", "interactive", "location", "contacts", "order",
		"image", "audio", "voice", "video", "document", "sticker",
		"unsupported", "unknown":
		return true
	}
	return false
}

func (d *decoder) addPersonMessage(raw []byte, in messageJSON, phoneNumberID string, sender Identity) {
	if !in.ID.isID() || phoneNumberID == "" || sender.isEmpty() {
		d.addUnhandled("messages", "a message without id, sender or receiver", raw)
		return
	}
	sentAt := d.sentAt(in.Timestamp)
	if wrongTime := d.wrongTime(sentAt); wrongTime != "" {
		d.addUnhandled("messages", "a message "+wrongTime, raw)
		return
	}
	d.batch.Messages = append(d.batch.Messages, Message{
		WAMID:         in.ID.text(),
		PhoneNumberID: phoneNumberID,
		Sender:        sender,
		Type:          in.kind(),
		Text:          cleanText(in.text()),
		Media:         in.media(),
		QuotedWAMID:   in.Context.ID.text(),
		SentAt:        sentAt,
		SentHour:      sentHour(in.Timestamp),
		Raw:           raw,
	})
}

// kind returns Meta's name of the type, or TypeUnavailable.
func (in messageJSON) kind() string {
	const contentUnavailable = 131060
	for _, e := range in.Errors {
		if (in.Type == "unsupported" || in.Type == "unknown") && e.Code.int() == contentUnavailable {
			return TypeUnavailable
		}
	}
	return in.Type.text()
}

// editJSON has the message as it is after the edit.
type editJSON struct {
	Original scalar          `json:"original_message_id"`
	Message  json.RawMessage `json:"message"`
}

func (e editJSON) text() string {
	var changed messageJSON
	if len(e.Message) == 0 || unmarshal(e.Message, &changed) != nil {
		return ""
	}
	return changed.text()
}

type fileJSON struct {
	ID       scalar `json:"id"`
	MIMEType scalar `json:"mime_type"`
	SHA256   scalar `json:"sha256"`
	Caption  scalar `json:"caption"`
	Filename scalar `json:"filename"`
}

type contactCardJSON struct {
	Name struct {
		Formatted scalar `json:"formatted_name"`
		First     scalar `json:"first_name"`
	} `json:"name"`
	Phones []struct {
		Phone scalar `json:"phone"`
		WaID  scalar `json:"wa_id"`
	} `json:"phones"`
	Emails []struct {
		Email scalar `json:"email"`
	} `json:"emails"`
}

type interactiveJSON struct {
	Type   scalar `json:"type"`
	Button struct {
		ID    scalar `json:"id"`
		Title scalar `json:"title"`
	} `json:"button_reply"`
	List struct {
		Title       scalar `json:"title"`
		Description scalar `json:"description"`
	} `json:"list_reply"`
	Form struct {
		Body     scalar `json:"body"`
		Response scalar `json:"response_json"` // JSON in a string, not always an object
	} `json:"nfm_reply"`
}

// media returns the attached file, if any.
func (in messageJSON) media() Media {
	f := in.file()
	return Media{
		ID:       f.ID.text(),
		MIMEType: f.MIMEType.text(),
		SHA256:   f.SHA256.text(),
		Filename: cleanName(f.Filename),
	}
}

func (in messageJSON) file() fileJSON {
	switch in.Type {
	case "image":
		return in.Image
	case "audio":
		return in.Audio
	case "voice":
		return in.Voice
	case "video":
		return in.Video
	case "document":
		return in.Document
	case "sticker":
		return in.Sticker
	}
	return fileJSON{}
}

// The beginnings of the notes in a text, which are lines of their own.
const (
	productNote       = "(about the product "
	advertisementNote = "(came from the advertisement “"
)

// text describes the whole message in words, for the model.
func (in messageJSON) text() string {
	lines := []string{in.content()}
	if product := in.Context.Product.ID.text(); product != "" {
		lines = append(lines, productNote+product+")")
	}
	if ad := joinNonEmpty(": ", in.Referral.Headline.text(), in.Referral.Body.text()); ad != "" {
		lines = append(lines, advertisementNote+ad+"”)")
	}
	return joinNonEmpty("\n", lines...)
}

// WithoutNotes returns the text of a [Message] without the notes about the product
// or the advertisement that it refers to. Commands are read from this text: a message
// that an advertisement has filled in with "Join" is the command to join.
func WithoutNotes(text string) string {
	for _, note := range []string{productNote, advertisementNote} {
		text, _, _ = strings.Cut(text, "\n"+note)
	}
	return text
}

func (in messageJSON) content() string {
	switch in.Type {
	case "text":
		return in.Text.Body.text()
	case "button":
		return in.Button.Text.text()
	case "interactive":
		return in.Interactive.text()
	case "location":
		place := joinNonEmpty(", ", in.Location.Name.text(), in.Location.Address.text())
		point := joinNonEmpty(", ", in.Location.Latitude.text(), in.Location.Longitude.text())
		return "My location: " + joinNonEmpty(" ", place, "("+point+")")
	case "contacts":
		return contactCards(in.Contacts)
	case "order":
		return in.order()
	}
	return in.file().Caption.text()
}

func (i interactiveJSON) text() string {
	switch i.Type {
	case "button_reply":
		return i.Button.Title.text()
	case "list_reply":
		return joinNonEmpty(": ", i.List.Title.text(), i.List.Description.text())
	case "nfm_reply":
		return joinNonEmpty("\n", i.Form.Body.text(), formFields(i.Form.Response.text()))
	}
	return ""
}

// formFields returns one line per field of a submitted form, sorted by name. A
// response that is long or not a JSON object is returned as it is.
func formFields(response string) string {
	const longest = 64 << 10 // bytes; maps take up many times as much memory
	var fields map[string]any
	if len(response) > longest || json.Unmarshal([]byte(response), &fields) != nil {
		return response
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "flow_token" {
			lines = append(lines, replaceNUL(fmt.Sprintf("%s: %v", name, fields[name])))
		}
	}
	return strings.Join(lines, "\n")
}

func contactCards(contacts []contactCardJSON) string {
	var lines []string
	for _, c := range contacts {
		about := []string{joinNonEmpty(" ", c.Name.Formatted.text())}
		if c.Name.Formatted == "" {
			about = []string{c.Name.First.text()}
		}
		for _, p := range c.Phones {
			about = append(about, p.Phone.text())
		}
		for _, e := range c.Emails {
			about = append(about, e.Email.text())
		}
		lines = append(lines, "Contact: "+joinNonEmpty(", ", about...))
	}
	return strings.Join(lines, "\n")
}

func (in messageJSON) order() string {
	lines := []string{"My order:"}
	for _, item := range in.Order.Items {
		price := joinNonEmpty(" ", item.Price.text(), item.Currency.text())
		lines = append(lines, joinNonEmpty(" × ", item.Quantity.text(), item.Product.text())+" at "+price)
	}
	return joinNonEmpty("\n", append(lines, in.Order.Text.text())...)
}

// joinNonEmpty joins the parts that are not empty.
func joinNonEmpty(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return part == "" }), separator)
}
