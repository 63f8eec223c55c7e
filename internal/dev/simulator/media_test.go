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

func TestSendFileTellsOfAFileThatTheGraphHandsOut(t *testing.T) {
	t.Parallel()
	data := []byte("\xff\xd8\x00 a file")
	sum := sha256.Sum256(data)
	for kind, mimeType := range map[string]string{
		"image": "image/jpeg", "audio": "audio/ogg; codecs=opus", "document": "application/pdf",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			r.SendFile(wanjiru, kind, mimeType, data, "Look")
			r.wait(t, quiet)
			message := r.service.received()[0].items["messages"][0]
			told, _ := message[kind].(map[string]any)
			if message["type"] != kind || told["mime_type"] != mimeType || told["caption"] != "Look" ||
				told["sha256"] != base64.StdEncoding.EncodeToString(sum[:]) || told["voice"] == true != (kind == "audio") {
				t.Fatalf("the webhook tells %v", message)
			}
			id, _ := told["id"].(string)
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
				t.Fatalf("the file is described as %s", body)
			}
			response = r.get(t, strings.TrimPrefix(file.URL, r.url), "Authorization", "Bearer "+testToken)
			if got, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || string(got) != string(data) {
				t.Errorf("got %d and %q", response.StatusCode, got)
			}
		})
	}
}

func TestFilesAreNotForEverybody(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	id := r.store.keepFile(file{"image/jpeg", []byte("a picture")})
	at := filePath + "?" + url.Values{"mid": {id}}.Encode()
	const right = "Bearer " + testToken
	for name, tt := range map[string]struct {
		path, token string
		status      int
	}{
		"described without a token":   {"/v25.0/" + id, "", http.StatusUnauthorized},
		"fetched without a token":     {at, "", http.StatusUnauthorized},
		"fetched with another token":  {at, "Bearer other", http.StatusUnauthorized},
		"described to another number": {"/v25.0/" + id + "?phone_number_id=1", right, http.StatusBadRequest},
		"unknown":                     {"/v25.0/1", right, http.StatusBadRequest},
		"unknown, fetched":            {filePath + "?mid=1", right, http.StatusNotFound},
	} {
		if got := r.get(t, tt.path, "Authorization", tt.token).StatusCode; got != tt.status {
			t.Errorf("%s: got %d, want %d", name, got, tt.status)
		}
	}
}

func TestOnlySoManyFilesAreKept(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	newest := ""
	for range maxFiles + 10 {
		newest = r.store.keepFile(file{"image/jpeg", nil})
	}
	if _, kept := r.store.file(newest); !kept || len(r.store.files) != maxFiles {
		t.Errorf("%d files are kept, the newest among them: %v", len(r.store.files), kept)
	}
}

func TestGeminiNamesTheFilesItGot(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	data := base64.StdEncoding.EncodeToString([]byte("12345"))
	_, body := r.gemini(t, wholePath, `{"contents":[{"role":"user","parts":[{"text":"Look"},{"inlineData":{"mimeType":"image/jpeg","data":"`+data+`"}}]}]}`)
	text := textOf([]geminiChunk{decode[geminiChunk](t, body)})
	if want := "you wrote “Look” and sent a file of type image/jpeg with 5 bytes."; !strings.Contains(text, want) {
		t.Errorf("the answer reads %q, want %q in it", text, want)
	}
}
