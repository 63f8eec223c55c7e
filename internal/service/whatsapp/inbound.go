package whatsapp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aisha/internal/sensitive"
)

// inbound is the part of a message that we read. Where its content stands
// depends on its type.
type inbound struct {
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
	Image    file `json:"image"`
	Audio    file `json:"audio"`
	Voice    file `json:"voice"`
	Video    file `json:"video"`
	Document file `json:"document"`
	Sticker  file `json:"sticker"`

	Location struct {
		Latitude  scalar `json:"latitude"`
		Longitude scalar `json:"longitude"`
		Name      scalar `json:"name"`
		Address   scalar `json:"address"`
	} `json:"location"`
	Contacts []card `json:"contacts"`
	Button   struct {
		Text scalar `json:"text"`
	} `json:"button"`
	Interactive interactive `json:"interactive"`
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
	Edit   edit `json:"edit"`
	Revoke struct {
		Original scalar `json:"original_message_id"`
	} `json:"revoke"`
}

// edit is what a message says after its sender changed it.
type edit struct {
	Original scalar          `json:"original_message_id"`
	Message  json.RawMessage `json:"message"`
}

func (e edit) words() string {
	var changed inbound
	if len(e.Message) == 0 || readJSON(e.Message, &changed) != nil {
		return ""
	}
	return changed.words()
}

type file struct {
	ID       scalar `json:"id"`
	MIMEType scalar `json:"mime_type"`
	SHA256   scalar `json:"sha256"`
	Caption  scalar `json:"caption"`
	Filename scalar `json:"filename"`
}

type card struct {
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

type interactive struct {
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

// media is the file that came with the message, if any.
func (in inbound) media() Media {
	f := in.file()
	return Media{
		ID: f.ID.text(), MIMEType: f.MIMEType.text(), SHA256: f.SHA256.text(),
		Name: sensitive.NewText(shorten(f.Filename.text(), maxName)),
	}
}

func (in inbound) file() file {
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
	return file{}
}

// maxWords bounds what one message says, in bytes. WhatsApp lets a person write
// 65,536 characters at most; the model reads far less of it than this.
const maxWords = 64 << 10

// words is what the person says, as the model is told it.
func (in inbound) words() string {
	lines := []string{in.said()}
	if product := in.Context.Product.ID.text(); product != "" {
		lines = append(lines, "(about the product "+product+")")
	}
	if ad := joined(": ", in.Referral.Headline.text(), in.Referral.Body.text()); ad != "" {
		lines = append(lines, "(came from the advertisement “"+ad+"”)")
	}
	return shorten(joined("\n", lines...), maxWords)
}

func (in inbound) said() string {
	switch in.Type {
	case "text":
		return in.Text.Body.text()
	case "button":
		return in.Button.Text.text()
	case "interactive":
		return in.Interactive.words()
	case "location":
		place := joined(", ", in.Location.Name.text(), in.Location.Address.text())
		point := joined(", ", in.Location.Latitude.text(), in.Location.Longitude.text())
		return "My location: " + joined(" ", place, "("+point+")")
	case "contacts":
		return cards(in.Contacts)
	case "order":
		return in.order()
	}
	return in.file().Caption.text()
}

func (i interactive) words() string {
	switch i.Type {
	case "button_reply":
		return i.Button.Title.text()
	case "list_reply":
		return joined(": ", i.List.Title.text(), i.List.Description.text())
	case "nfm_reply":
		return joined("\n", i.Form.Body.text(), formAnswers(i.Form.Response.text()))
	}
	return ""
}

// formAnswers writes a form's answers as lines, in the order of their names. A
// response that is not an object is told as it is.
func formAnswers(response string) string {
	var answers map[string]any
	if err := json.Unmarshal([]byte(response), &answers); err != nil {
		return response
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		if name != "flow_token" {
			lines = append(lines, clean(fmt.Sprintf("%s: %v", name, answers[name])))
		}
	}
	return strings.Join(lines, "\n")
}

func cards(contacts []card) string {
	var lines []string
	for _, c := range contacts {
		about := []string{joined(" ", c.Name.Formatted.text())}
		if c.Name.Formatted == "" {
			about = []string{c.Name.First.text()}
		}
		for _, p := range c.Phones {
			about = append(about, p.Phone.text())
		}
		for _, e := range c.Emails {
			about = append(about, e.Email.text())
		}
		lines = append(lines, "Contact: "+joined(", ", about...))
	}
	return strings.Join(lines, "\n")
}

func (in inbound) order() string {
	lines := []string{"My order:"}
	for _, item := range in.Order.Items {
		price := joined(" ", item.Price.text(), item.Currency.text())
		lines = append(lines, joined(" × ", item.Quantity.text(), item.Product.text())+" at "+price)
	}
	return joined("\n", append(lines, in.Order.Text.text())...)
}

// joined joins what is not empty.
func joined(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return part == "" }), separator)
}
