package simulator

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
)

// maxCaption is Meta's limit of the caption of a file, in UTF-16 units.
const maxCaption = 1024

// pageSendMessage handles POST /api/messages: it sends a text as a person.
func (s *Simulator) pageSendMessage(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Person string `json:"person"`
		Text   string `json:"text"`
		Quotes string `json:"quotes"` // wamid; empty for an ordinary message
	}
	if !readPageBody(w, r, &in) {
		return
	}
	person, known := s.store.personByID(in.Person)
	if !known || strings.TrimSpace(in.Text) == "" {
		http.Error(w, "a message needs a person and a text", http.StatusUnprocessableEntity)
		return
	}
	id, err := s.sendReply(person, in.Quotes, kindText, object{kindText: object{"body": in.Text}})
	writeSent(w, id, err)
}

// writeSent writes the response to an action of a person.
func writeSent(w http.ResponseWriter, wamid string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	writeJSON(w, http.StatusAccepted, object{"id": wamid})
}

// pageSendLocation handles POST /api/locations: it sends a place as a person.
func (s *Simulator) pageSendLocation(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Person    string  `json:"person"`
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Name      string  `json:"name"`
		Address   string  `json:"address"`
		Quotes    string  `json:"quotes"`
	}
	if !readPageBody(w, r, &in) {
		return
	}
	person, known := s.store.personByID(in.Person)
	if !known || in.Latitude < -90 || in.Latitude > 90 || in.Longitude < -180 || in.Longitude > 180 {
		http.Error(w, "a location needs a person, a latitude from -90 to 90 and a longitude from -180 to 180", http.StatusUnprocessableEntity)
		return
	}
	location := object{"latitude": in.Latitude, "longitude": in.Longitude}
	if in.Name != "" {
		location["name"] = in.Name
	}
	if in.Address != "" {
		location["address"] = in.Address
	}
	id, err := s.sendReply(person, in.Quotes, kindLocation, object{kindLocation: location})
	writeSent(w, id, err)
}

// pageSendFile handles POST /api/files: it sends the body as a file of a person.
// The query has person, kind, name, caption and quotes.
func (s *Simulator) pageSendFile(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	person, known := s.store.personByID(query.Get("person"))
	kind := query.Get("kind")
	rule, supported := mediaRuleFor(kind)
	caption := strings.TrimSpace(query.Get("caption"))
	if !known || !supported || utf16Len(caption) > maxCaption {
		http.Error(w, "a file needs a person, a kind, and a caption of at most 1024 characters", http.StatusUnprocessableEntity)
		return
	}
	data, err := readUpload(r, rule)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	mimeType := mediaTypeOf(kind, r.Header.Get("Content-Type"), data)
	if err := rule.check(mimeType, data); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	media := s.storeMedia(person, sentFile{Kind: kind, MIMEType: mimeType, Name: query.Get("name"), Caption: caption, Data: data})
	id, err := s.sendReply(person, query.Get("quotes"), kind, object{kind: media})
	writeSent(w, id, err)
}

// readUpload reads a file. It reads a file that is too large to its end too,
// because a browser that cannot finish sending does not read the response.
func readUpload(r *http.Request, rule mediaRule) ([]byte, error) {
	const longest = 1 << 30
	var data bytes.Buffer
	if _, err := data.ReadFrom(io.LimitReader(r.Body, int64(rule.maxSize)+1)); err != nil {
		return nil, errors.New("the file did not arrive completely")
	}
	if data.Len() > rule.maxSize {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, longest))
		return nil, rule.tooLarge(rule.maxSize)
	}
	return data.Bytes(), nil
}

// pageFile handles GET /api/files/{id}. Only pictures, videos and audio are
// shown; the browser saves everything else. The policy keeps a file from running
// scripts with the origin of the page.
func (s *Simulator) pageFile(w http.ResponseWriter, r *http.Request) {
	f, found := s.store.fileByID(chi.URLParam(r, "id"))
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("Content-Type", f.mimeType)
	if !isShown(f.mimeType) {
		w.Header().Set("Content-Disposition", "attachment")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}

func isShown(mimeType string) bool {
	kind, _, _ := strings.Cut(mimeType, "/")
	return (kind == kindImage || kind == kindVideo || kind == kindAudio) && !strings.HasPrefix(mimeType, "image/svg")
}

// pageChangeMessage returns a handler of an action on one message. The action
// gets the text of the body, which some actions do not need.
func (s *Simulator) pageChangeMessage(change func(p Person, wamid, text string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Person  string `json:"person"`
			Message string `json:"message"`
			Text    string `json:"text"` // of an edit, or the emoji of a reaction
		}
		if !readPageBody(w, r, &in) {
			return
		}
		person, known := s.store.personByID(in.Person)
		if !known {
			http.Error(w, "there is no such person", http.StatusUnprocessableEntity)
			return
		}
		writeSent(w, in.Message, change(person, in.Message, in.Text))
	}
}
