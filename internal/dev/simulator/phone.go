package simulator

import (
	"embed"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

//go:embed web
var web embed.FS

// contentPolicy lets the page load its own files and talk to its own host, and
// nothing else: what the model writes can never become a script.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// phoneRoutes is the page and what it asks for.
func (s *Simulator) phoneRoutes(r chi.Router) {
	r.Use(pageHeaders)
	r.Get("/", servePage)
	r.Get("/web/*", serveAsset)

	r.Group(func(r chi.Router) {
		r.Use(sameOriginOnly)
		r.Get("/api/events", s.phoneEvents)
		r.Get("/api/traffic/{id}", s.phoneTraffic)
		r.Post("/api/messages", s.phoneSay)
		r.Post("/api/presses", s.phonePress)
		r.Post("/api/people", s.phoneMeet)
		r.Post("/api/verify", s.phoneVerify)
		r.Post("/api/faults", s.phoneFaults)
	})
}

func pageHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func servePage(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, web, "web/index.html")
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := "web/" + chi.URLParam(r, "*")
	if info, err := fs.Stat(web, name); err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, web, name) //nolint:gosec // the file system is what is embedded, and has no way out
}

// sameOriginOnly keeps other pages in the same browser from reading the
// conversations or writing in somebody's name. Reading counts too: an event
// stream is a GET.
func sameOriginOnly(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !thisMachine(r.Host) {
			http.Error(w, "this page is for this machine", http.StatusForbidden)
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			http.Error(w, "this page is for its own origin", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// thisMachine reports whether a Host header names this machine itself. Another
// name for it may be one that somebody's own DNS has pointed here, so that
// their page counts as the same origin.
func thisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || address != nil && address.IsLoopback()
}

// maxPageBody is more than the longest message that WhatsApp lets people write.
const maxPageBody = 512 << 10

// readPageBody reads the JSON body of a page's request. On false the answer has
// been written.
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
		http.Error(w, "the body is not what this page sends", http.StatusBadRequest)
		return false
	}
	return true
}

// phoneSay is POST /api/messages: the person at the phone writes.
func (s *Simulator) phoneSay(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Person string `json:"person"`
		Text   string `json:"text"`
	}
	if !readPageBody(w, r, &in) {
		return
	}
	person, known := s.store.person(in.Person)
	if !known || strings.TrimSpace(in.Text) == "" {
		http.Error(w, "a message needs a person and a text", http.StatusUnprocessableEntity)
		return
	}
	writeJSON(w, http.StatusAccepted, object{"id": s.Say(person, in.Text)})
}

// phonePress is POST /api/presses: the person at the phone presses a button.
func (s *Simulator) phonePress(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Person  string `json:"person"`
		Message string `json:"message"`
		Button  string `json:"button"`
	}
	if !readPageBody(w, r, &in) {
		return
	}
	person, known := s.store.person(in.Person)
	if !known {
		http.Error(w, "nobody here is called that", http.StatusUnprocessableEntity)
		return
	}
	reply, pressed := s.Press(person, in.Message, in.Button)
	if !pressed {
		http.Error(w, "there is no such button", http.StatusUnprocessableEntity)
		return
	}
	writeJSON(w, http.StatusAccepted, object{"id": reply})
}

// phoneMeet is POST /api/people: another number to write from.
func (s *Simulator) phoneMeet(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Phone string `json:"phone"`
		Name  string `json:"name"`
	}
	if !readPageBody(w, r, &in) {
		return
	}
	const longestName = 100
	number := bareNumber(in.Phone)
	if !phonePattern.MatchString(number) || len(in.Name) > longestName {
		http.Error(w, "a phone number has 7 to 15 digits, with its country code", http.StatusUnprocessableEntity)
		return
	}
	person := s.store.meet(Person{Phone: number, Name: strings.TrimSpace(in.Name)})
	writeJSON(w, http.StatusOK, object{"id": person.UserID})
}

// phoneVerify is POST /api/verify: Meta's check of the webhook.
func (s *Simulator) phoneVerify(w http.ResponseWriter, r *http.Request) {
	if !readPageBody(w, r, &struct{}{}) {
		return
	}
	if err := s.Verify(r.Context()); err != nil {
		writeJSON(w, http.StatusOK, object{"verified": false, "error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, object{"verified": true})
}

// phoneFaults is POST /api/faults: what is to go wrong from now on.
func (s *Simulator) phoneFaults(w http.ResponseWriter, r *http.Request) {
	var in Faults
	if !readPageBody(w, r, &in) {
		return
	}
	if !in.sane() {
		http.Error(w, "these are no faults that the simulator has", http.StatusUnprocessableEntity)
		return
	}
	s.SetFaults(in)
	writeJSON(w, http.StatusOK, object{})
}

// phoneTraffic is GET /api/traffic/{id}: one exchange with its bodies.
func (s *Simulator) phoneTraffic(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	detail, found := s.store.detail(id)
	if err != nil || !found {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, detail)
}
