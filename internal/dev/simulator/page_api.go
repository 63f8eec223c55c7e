package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
)

// maxPageBody is more than the longest message that people can write on
// WhatsApp.
const maxPageBody = 512 << 10

// readPageBody decodes the JSON body of a page's request into a struct. If it
// fails, it writes the error response and reports false.
func readPageBody(w http.ResponseWriter, r *http.Request, into any) bool {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/json" {
		http.Error(w, "the body must be application/json", http.StatusUnsupportedMediaType)
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPageBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return false
	case err != nil || json.Unmarshal(body, into) != nil:
		http.Error(w, "the body is not valid JSON for this request", http.StatusBadRequest)
		return false
	}
	return true
}

// pagePressButton handles POST /api/presses: it presses a reply button as a
// person.
func (s *Simulator) pagePressButton(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Person  string `json:"person"`
		Message string `json:"message"`
		Button  string `json:"button"`
	}
	if !readPageBody(w, r, &in) {
		return
	}
	person, known := s.store.personByID(in.Person)
	if !known {
		http.Error(w, "there is no such person", http.StatusUnprocessableEntity)
		return
	}
	reply, pressed := s.PressButton(person, in.Message, in.Button)
	if !pressed {
		http.Error(w, "there is no such button", http.StatusUnprocessableEntity)
		return
	}
	writeJSON(w, http.StatusAccepted, object{"id": reply})
}

// pageAddPerson handles POST /api/people: it adds a phone number that can send
// messages.
func (s *Simulator) pageAddPerson(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Phone string `json:"phone"`
		Name  string `json:"name"`
	}
	if !readPageBody(w, r, &in) {
		return
	}
	const longestName = 25 // WhatsApp's limit
	number, ok := parseTypedNumber(in.Phone)
	if !ok {
		http.Error(w, "Type a Kenyan mobile number, such as 0712 345 678, or another country's number with its code, such as +256 712 345 678.", http.StatusUnprocessableEntity)
		return
	}
	if utf8.RuneCountInString(in.Name) > longestName {
		http.Error(w, "A name on WhatsApp has at most 25 characters.", http.StatusUnprocessableEntity)
		return
	}
	person := s.store.addPerson(Person{Phone: number, Name: strings.TrimSpace(in.Name)})
	writeJSON(w, http.StatusOK, object{"id": person.UserID})
}

// pageSendEcho handles POST /api/echoes: it answers a person from the business's
// own phone.
func (s *Simulator) pageSendEcho(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Person string `json:"person"`
		Text   string `json:"text"`
	}
	if !readPageBody(w, r, &in) {
		return
	}
	person, known := s.store.personByID(in.Person)
	if !known || strings.TrimSpace(in.Text) == "" {
		http.Error(w, "an answer needs a person and a text", http.StatusUnprocessableEntity)
		return
	}
	id, err := s.answerFromBusinessPhone(person, in.Text)
	writeSent(w, id, err)
}

// pageVerifyWebhook handles POST /api/verify. A failed verification is part of
// a response with status 200.
func (s *Simulator) pageVerifyWebhook(w http.ResponseWriter, r *http.Request) {
	if !readPageBody(w, r, &struct{}{}) {
		return
	}
	if err := s.Verify(r.Context()); err != nil {
		writeJSON(w, http.StatusOK, object{"verified": false, "error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, object{"verified": true})
}

// pageSetFaults handles POST /api/faults: it replaces the current faults.
func (s *Simulator) pageSetFaults(w http.ResponseWriter, r *http.Request) {
	var in Faults
	if !readPageBody(w, r, &in) {
		return
	}
	if !in.valid() {
		http.Error(w, "the simulator has no such faults", http.StatusUnprocessableEntity)
		return
	}
	s.SetFaults(in)
	writeJSON(w, http.StatusOK, object{})
}

// pageExchange handles GET /api/traffic/{id}: it returns one exchange with its
// bodies.
func (s *Simulator) pageExchange(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	detail, found := s.store.exchangeByID(id)
	if err != nil || !found {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, detail)
}
