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

// mediaFile is a file that a person sent.
type mediaFile struct {
	mimeType string
	data     []byte
}

// maxFiles limits the files in memory. Beyond it, random files are removed. Meta
// removes its files after a week.
const maxFiles = 200

// mediaDownloadPath serves the files. Meta serves them from a separate host.
const mediaDownloadPath = "/whatsapp_business/attachments/"

// SendFile sends a file as a person. Kind is image, video, document, sticker or
// audio; audio is sent as a voice note.
func (s *Simulator) SendFile(p Person, kind, mimeType string, data []byte, caption string) (wamid string) {
	sum := sha256.Sum256(data)
	media := object{
		"id":        s.store.addFile(mediaFile{mimeType, data}),
		"mime_type": mimeType,
		"sha256":    base64.StdEncoding.EncodeToString(sum[:]),
	}
	if caption != "" {
		media["caption"] = caption
	}
	switch kind {
	case "audio":
		media["voice"] = true
	case "document":
		media["filename"] = "document"
	}
	return s.Send(p, kind, object{kind: media})
}

func (st *store) addFile(f mediaFile) (id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for id := range st.files {
		if len(st.files) < maxFiles {
			break
		}
		delete(st.files, id)
	}
	id = strconv.FormatInt(900_000_000_000_000+st.nextSeq(), 10)
	st.files[id] = f
	return id
}

func (st *store) fileByID(id string) (mediaFile, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f, found := st.files[id]
	return f, found
}

// graphMediaMetadata handles GET /{version}/{media-id}. The response has the
// download URL of the file.
func (s *Simulator) graphMediaMetadata(w http.ResponseWriter, r *http.Request) {
	setSummary(r, "describe file")
	id, number := chi.URLParam(r, "media"), r.URL.Query().Get("phone_number_id")
	f, found := s.store.fileByID(id)
	switch {
	case !s.graphAuthorized(r):
		invalidToken().write(w)
		return
	case !found || number != "" && number != s.options.PhoneNumberID:
		unknownObject(id).write(w)
		return
	}
	sum := sha256.Sum256(f.data)
	download := url.URL{Scheme: "http", Host: r.Host, Path: mediaDownloadPath, RawQuery: url.Values{"mid": {id}}.Encode()}
	writeJSON(w, http.StatusOK, object{
		"messaging_product": "whatsapp",
		"id":                id,
		"url":               download.String(),
		"mime_type":         f.mimeType,
		"sha256":            hex.EncodeToString(sum[:]),
		"file_size":         len(f.data),
	})
}

// graphMediaDownload handles GET on a download URL and responds with the file.
func (s *Simulator) graphMediaDownload(w http.ResponseWriter, r *http.Request) {
	setSummary(r, "fetch file")
	if !s.graphAuthorized(r) {
		invalidToken().write(w)
		return
	}
	f, found := s.store.fileByID(r.URL.Query().Get("mid"))
	if !found {
		http.Error(w, "URL signature expired", http.StatusNotFound)
		return
	}
	setSummary(r, fmt.Sprintf("fetch file · %d bytes", len(f.data)))
	w.Header().Set("Content-Type", f.mimeType)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(f.data)
}
