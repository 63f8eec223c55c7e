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
	seq      int64  // orders files by when they were added
	person   string // user id
	mimeType string
	data     []byte
}

// Limits of the files in memory. Beyond them, the oldest files are removed. Meta
// removes its files after a week.
const (
	maxFiles     = 200
	maxFileBytes = 512 << 20
)

// mediaDownloadPath serves the files. Meta serves them from a separate host.
const mediaDownloadPath = "/whatsapp_business/attachments/"

// SendFile sends a file as a person. Kind is image, video, document, sticker or
// audio; audio is sent as a voice note.
func (s *Simulator) SendFile(p Person, kind, mimeType string, data []byte, caption string) (wamid string) {
	return s.Send(p, kind, object{kind: s.storeMedia(p, sentFile{
		Kind: kind, MIMEType: mimeType, Name: "document", Caption: caption, Data: data,
	})})
}

// sentFile is a file as a person sends it.
type sentFile struct {
	Kind     string
	MIMEType string
	Name     string // sent with documents only
	Caption  string
	Data     []byte
}

// storeMedia stores a file and returns the member of a webhook's message that
// describes it.
func (s *Simulator) storeMedia(p Person, f sentFile) object {
	sum := sha256.Sum256(f.Data)
	media := object{
		"id":        s.store.addFile(mediaFile{person: s.store.userIDOf(p), mimeType: f.MIMEType, data: f.Data}),
		"mime_type": f.MIMEType,
		"sha256":    base64.StdEncoding.EncodeToString(sum[:]),
	}
	if f.Caption != "" {
		media["caption"] = f.Caption
	}
	switch f.Kind {
	case kindAudio:
		media["voice"] = true
	case kindDocument:
		media["filename"] = f.Name
	case kindSticker:
		media["animated"] = isAnimatedWebP(f.Data)
	}
	return media
}

func (st *store) addFile(f mediaFile) (id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f.seq = st.nextSeq()
	id = strconv.FormatInt(900_000_000_000_000+f.seq, 10)
	st.files[id] = f
	st.fileBytes += len(f.data)
	for len(st.files) > 1 && (len(st.files) > maxFiles || st.fileBytes > maxFileBytes) {
		st.removeOldestFile()
	}
	return id
}

// removeOldestFile removes the file that was added first. The caller holds the
// lock.
func (st *store) removeOldestFile() {
	oldest := ""
	for id, f := range st.files {
		if oldest == "" || f.seq < st.files[oldest].seq {
			oldest = id
		}
	}
	st.fileBytes -= len(st.files[oldest].data)
	delete(st.files, oldest)
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
	id, number := chi.URLParam(r, "media"), r.URL.Query().Get("phone_number_id")
	f, found := s.store.fileByID(id)
	setLabel(r, exchangeLabel{Summary: "describe file", Person: f.person, Excerpt: f.mimeType})
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
	f, found := s.store.fileByID(r.URL.Query().Get("mid"))
	setLabel(r, exchangeLabel{Summary: "fetch file", Person: f.person, Excerpt: f.mimeType})
	if !s.graphAuthorized(r) {
		invalidToken().write(w)
		return
	}
	if !found {
		http.Error(w, "URL signature expired", http.StatusNotFound)
		return
	}
	setLabel(r, exchangeLabel{
		Summary: "fetch file", Person: f.person, Excerpt: fmt.Sprintf("%s, %d bytes", f.mimeType, len(f.data)),
	})
	w.Header().Set("Content-Type", f.mimeType)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(f.data)
}
