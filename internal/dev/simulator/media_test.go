package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSimulator_SendFile(t *testing.T) {
	t.Parallel()
	data := []byte("\xff\xd8\x00 a file")
	sum := sha256.Sum256(data)
	for kind, mimeType := range map[string]string{
		"image": "image/jpeg", "audio": "audio/ogg; codecs=opus", "document": "application/pdf",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t, &fakeService{})
			r.SendFile(wanjiru, kind, mimeType, data, "Look")
			r.waitFor(t, idle)
			message := r.service.received()[0].items["messages"][0]
			media, _ := message[kind].(map[string]any)
			if message["type"] != kind || media["mime_type"] != mimeType || media["caption"] != "Look" ||
				media["sha256"] != base64.StdEncoding.EncodeToString(sum[:]) || media["voice"] == true != (kind == "audio") {
				t.Fatalf("webhook has the message %v, want the file with its type, hash and caption", message)
			}
			id, _ := media["id"].(string)
			response := r.get(t, "/v25.0/"+id+"?phone_number_id="+testNumber, "Authorization", "Bearer "+testToken)
			body, _ := io.ReadAll(response.Body)
			file := decode[struct {
				ID, URL  string
				MIMEType string `json:"mime_type"`
				SHA256   string `json:"sha256"`
				Size     int    `json:"file_size"`
			}](t, body)
			if file.ID != id || file.MIMEType != mimeType || file.SHA256 != hex.EncodeToString(sum[:]) ||
				file.Size != len(data) || !strings.HasPrefix(file.URL, r.url+"/") {
				t.Fatalf("metadata is %s, want that of the file %s", body, id)
			}
			response = r.get(t, strings.TrimPrefix(file.URL, r.url), "Authorization", "Bearer "+testToken)
			if got, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || string(got) != string(data) {
				t.Errorf("got %d and %q, want 200 and %q", response.StatusCode, got, data)
			}
		})
	}
}

func TestGraphMedia(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	id := r.store.addFile(mediaFile{mimeType: "image/jpeg", data: []byte("a picture")})
	download := mediaDownloadPath + "?" + url.Values{"mid": {id}}.Encode()
	const valid = "Bearer " + testToken
	for name, tt := range map[string]struct {
		path, token string
		status      int
	}{
		"metadata_without_token":      {path: "/v25.0/" + id, status: http.StatusUnauthorized},
		"download_without_token":      {path: download, status: http.StatusUnauthorized},
		"download_with_wrong_token":   {path: download, token: "Bearer other", status: http.StatusUnauthorized},
		"metadata_for_another_number": {path: "/v25.0/" + id + "?phone_number_id=1", token: valid, status: http.StatusBadRequest},
		"metadata_of_unknown_file":    {path: "/v25.0/1", token: valid, status: http.StatusBadRequest},
		"download_of_unknown_file":    {path: mediaDownloadPath + "?mid=1", token: valid, status: http.StatusNotFound},
	} {
		if got := r.get(t, tt.path, "Authorization", tt.token).StatusCode; got != tt.status {
			t.Errorf("%s: got %d, want %d", name, got, tt.status)
		}
	}
}

func TestStore_AddFile(t *testing.T) {
	t.Parallel()
	t.Run("removes_files_beyond_the_limit", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		newest := ""
		for range maxFiles + 10 {
			newest = r.store.addFile(mediaFile{mimeType: "image/jpeg"})
		}
		if _, kept := r.store.fileByID(newest); !kept || len(r.store.files) != maxFiles {
			t.Errorf("%d files are stored, the newest among them: %t; want %d with the newest", len(r.store.files), kept, maxFiles)
		}
	})
}
