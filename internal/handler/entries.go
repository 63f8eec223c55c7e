package handler

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/service/waitlist"
)

// detailsBody is an entry with its requested expansions. Members that were not
// requested are absent; Position points to nil where an entry does not wait.
type detailsBody struct {
	entryBody
	Position     **int64             `json:"position,omitempty"`
	Events       *[]eventBody        `json:"events,omitempty"`
	Referrals    *[]refereeBody      `json:"referrals,omitempty"`
	Consents     *[]consentBody      `json:"consents,omitempty"`
	Conversation *[]conversationBody `json:"conversation,omitempty"`
}

type eventBody struct {
	At     time.Time       `json:"at"`
	From   waitlist.Status `json:"from"`
	To     waitlist.Status `json:"to"`
	Actor  string          `json:"actor"`
	Reason *string         `json:"reason"`
}

type refereeBody struct {
	ID        int64     `json:"id"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
}

type consentBody struct {
	Purpose string    `json:"purpose"`
	Given   bool      `json:"given"`
	Version *string   `json:"version"`
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
}

type conversationBody struct {
	At   time.Time `json:"at"`
	From string    `json:"from"`
	Text string    `json:"text"`
}

// listEntries handles GET /operator/waiting-list. newCode returns the referral code of
// an entry.
func listEntries(service Entries, newCode func(id int64) string) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		q := parseQuery(r)
		in := waitlist.ListRequest{
			Filter:     parseFilter(q),
			Order:      waitlist.Order(q.oneOf("order", string(waitlist.Newest), string(waitlist.Newest), string(waitlist.Oldest), string(waitlist.ByPosition))),
			Expansions: parseExpansions(q, waitlist.ExpandPosition),
		}
		in.Page = parsePage(q, in.Order.KeyLength())
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		return pageResponse(r, service.List(r.Context(), in), func(d waitlist.Details) detailsBody {
			return newDetailsBody(d, in.Expansions, newCode)
		})
	}
}

// getEntry handles GET /operator/waiting-list/{id}.
func getEntry(service Entries, newCode func(id int64) string) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := entryID(r)
		if err != nil {
			return wire.Response{}, err
		}
		q := parseQuery(r)
		expansions := parseExpansions(q, waitlist.Expansions()...)
		if err := q.err(); err != nil {
			return wire.Response{}, err
		}
		details, err := service.Get(r.Context(), id, expansions).Get()
		if err != nil {
			return wire.Response{}, err
		}
		return entryResponse(newDetailsBody(details, expansions, newCode), details.Version), nil
	}
}

// updateEntry handles PATCH /operator/waiting-list/{id}.
func updateEntry(service Entries, newCode func(id int64) string) wire.HandlerFunc {
	return func(r *http.Request) (wire.Response, error) {
		id, err := entryID(r)
		if err != nil {
			return wire.Response{}, err
		}
		versions, err := parseIfMatch(r.Header)
		if err != nil {
			return wire.Response{}, err
		}
		edit, err := wire.Decode(r, func(m *wire.Members) waitlist.Edit {
			m.RejectUnknown("username", "source", "note")
			return waitlist.Edit{
				Username: wire.Optional(m, "username", m.String),
				Source:   wire.Optional(m, "source", m.StringOrNull),
				Note:     wire.Optional(m, "note", m.StringOrNull),
				Versions: versions,
			}
		})
		if err != nil {
			return wire.Response{}, err
		}
		entry, err := service.Update(r.Context(), id, edit).Get()
		if err != nil {
			return wire.Response{}, err
		}
		return entryResponse(newDetailsBody(waitlist.Details{Entry: entry}, nil, newCode), entry.Version), nil
	}
}

func entryID(r *http.Request) (int64, error) {
	return parseID(chi.URLParam(r, "id"), "there is no entry with this id")
}

func entryResponse(body detailsBody, version string) wire.Response {
	response := wire.JSON(wire.Success(body))
	response.Header = http.Header{"Etag": {`"` + version + `"`}}
	return response
}

func parseExpansions(q *query, allowed ...waitlist.Expansion) []waitlist.Expansion {
	var names []string
	for _, expansion := range allowed {
		names = append(names, string(expansion))
	}
	var expansions []waitlist.Expansion
	for _, name := range q.someOf("expand", names...) {
		expansions = append(expansions, waitlist.Expansion(name))
	}
	return expansions
}

// parseIfMatch returns the versions that If-Match allows, or nil if it allows any.
// A weak tag counts as a strong one: proxies that compress a response make its tag
// weak, and the version does not depend on the form of the response.
func parseIfMatch(header http.Header) ([]string, error) {
	values := header.Values("If-Match")
	if values == nil {
		return nil, nil
	}
	versions := []string{}
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") {
		tag = strings.TrimSpace(tag)
		switch quoted := strings.TrimPrefix(tag, "W/"); {
		case tag == "*":
			return nil, nil
		case tag == "":
		case len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"':
			return nil, fault.InvalidField("If-Match", fault.FieldInvalidValue, `must be * or entity tags in quotes, such as "7"`)
		default:
			versions = append(versions, quoted[1:len(quoted)-1])
		}
	}
	return versions, nil
}

func newDetailsBody(d waitlist.Details, expansions []waitlist.Expansion, newCode func(id int64) string) detailsBody {
	body := detailsBody{entryBody: newEntryBody(d.Entry)}
	body.ReferralCode = newCode(d.ID)
	if slices.Contains(expansions, waitlist.ExpandPosition) {
		body.Position = &d.Position
	}
	if slices.Contains(expansions, waitlist.ExpandEvents) {
		body.Events = mapped(d.Events, func(e waitlist.EntryEvent) eventBody {
			return eventBody{At: e.At.UTC(), From: e.From, To: e.To, Actor: e.Actor, Reason: reveal(e.Reason)}
		})
	}
	if slices.Contains(expansions, waitlist.ExpandReferrals) {
		body.Referrals = mapped(d.Referees, func(referee waitlist.Referee) refereeBody {
			return refereeBody{ID: referee.ID, State: referee.State, CreatedAt: referee.CreatedAt.UTC()}
		})
	}
	if slices.Contains(expansions, waitlist.ExpandConsents) {
		body.Consents = mapped(d.Consents, func(c waitlist.ConsentRecord) consentBody {
			return consentBody{Purpose: c.Purpose, Given: c.Given, Version: c.Version, Channel: c.Channel, At: c.At.UTC()}
		})
	}
	if slices.Contains(expansions, waitlist.ExpandConversation) {
		body.Conversation = mapped(d.Conversation, newConversationBody)
	}
	return body
}

func newConversationBody(t waitlist.ConversationText) conversationBody {
	body := conversationBody{At: t.At.UTC(), From: "person", Text: t.Text.Reveal()}
	if t.IsAnswer {
		body.From = "assistant"
	}
	return body
}

// mapped applies f to each item. The result is a list also where there are none.
func mapped[T, U any](items []T, f func(T) U) *[]U {
	all := make([]U, len(items))
	for i, item := range items {
		all[i] = f(item)
	}
	return &all
}
