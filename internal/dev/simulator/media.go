package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"
)

// file is what somebody sent along with a message.
type file struct {
	mimeType string
	data     []byte
}

// maxFiles is how many files are kept. When there are too many, some are
// forgotten, as Meta forgets its own after a week.
const maxFiles = 200

// filePath is where files are fetched from. Meta has a host of its own for it.
const filePath = "/whatsapp_business/attachments/"

// SendFile is a person who sends a file: an image, a video, a document, a
// sticker, or audio, which is a voice note.
func (s *Simulator) SendFile(p Person, kind, mimeType string, data []byte, caption string) (wamid string) {
	sum := sha256.Sum256(data)
	about := object{
		"id":        s.store.keepFile(file{mimeType, data}),
		"mime_type": mimeType,
		"sha256":    base64.StdEncoding.EncodeToString(sum[:]),
	}
	if caption != "" {
		about["caption"] = caption
	}
	switch kind {
	case "audio":
		about["voice"] = true
	case "document":
		about["filename"] = "document"
	}
	return s.Send(p, kind, object{kind: about})
}

func (st *store) keepFile(f file) (id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for id := range st.files {
		if len(st.files) < maxFiles {
			break
		}
		delete(st.files, id)
	}
	id = strconv.FormatInt(900_000_000_000_000+st.next(), 10)
	st.files[id] = f
	return id
}

func (st *store) file(id string) (file, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f, found := st.files[id]
	return f, found
}

// graphMedia is GET /{version}/{media-id}: where a file can be fetched.
func (s *Simulator) graphMedia(w http.ResponseWriter, r *http.Request) {
	describe(r, "describe file")
	id, number := chi.URLParam(r, "media"), r.URL.Query().Get("phone_number_id")
	f, found := s.store.file(id)
	switch {
	case !s.graphAuthorized(r):
		invalidToken().write(w)
		return
	case !found || number != "" && number != s.options.PhoneNumberID:
		unknownObject(id).write(w)
		return
	}
	sum := sha256.Sum256(f.data)
	at := url.URL{Scheme: "http", Host: r.Host, Path: filePath, RawQuery: url.Values{"mid": {id}}.Encode()}
	writeJSON(w, http.StatusOK, object{
		"messaging_product": "whatsapp",
		"id":                id,
		"url":               at.String(),
		"mime_type":         f.mimeType,
		"sha256":            hex.EncodeToString(sum[:]),
		"file_size":         len(f.data),
	})
}

// graphFile is the file itself.
func (s *Simulator) graphFile(w http.ResponseWriter, r *http.Request) {
	describe(r, "fetch file")
	if !s.graphAuthorized(r) {
		invalidToken().write(w)
		return
	}
	f, found := s.store.file(r.URL.Query().Get("mid"))
	if !found {
		http.Error(w, "URL signature expired", http.StatusNotFound)
		return
	}
	describe(r, fmt.Sprintf("fetch file · %d bytes", len(f.data)))
	w.Header().Set("Content-Type", f.mimeType)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(f.data)
}
