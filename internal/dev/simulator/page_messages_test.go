package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// upload posts a file as wanjiru.
func (r fixture) upload(t *testing.T, kind, mimeType, content string, query url.Values) (status int, body []byte) {
	t.Helper()
	query.Set("person", r.store.addPerson(wanjiru).UserID)
	query.Set("kind", kind)
	return r.post(t, "/api/files?"+query.Encode(), content, "Content-Type", mimeType)
}

func TestPageSendFile(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7 a document"
	for name, tt := range map[string]struct {
		kind, announced, content, wantType string
	}{
		"picture":                  {kindImage, "image/jpeg", "\xff\xd8\xff a picture", "image/jpeg"},
		"picture_with_an_alias":    {kindImage, "image/jpg", "\xff\xd8\xff a picture", "image/jpeg"},
		"video":                    {kindVideo, "video/mp4", "a video", "video/mp4"},
		"voice_note":               {kindAudio, "audio/ogg", "OggS\x00 a voice", "audio/ogg; codecs=opus"},
		"recorded_voice_note":      {kindAudio, "audio/mp4;codecs=opus", "a voice", "audio/mp4; codecs=opus"},
		"voice_note_of_type_video": {kindAudio, "audio/x-m4a", "a voice", "audio/mp4"},
		"document":                 {kindDocument, "application/pdf", pdf, "application/pdf"},
		"document_without_type":    {kindDocument, "", pdf, "application/pdf"},
		"unknown_document":         {kindDocument, "application/octet-stream", "\x01\x02", "application/octet-stream"},
		"text_document":            {kindDocument, "text/csv", "a,b", "text/csv"},
		"sticker":                  {kindSticker, "image/webp", "RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t, &fakeService{})
			status, body := r.upload(t, tt.kind, tt.announced, tt.content, url.Values{"name": {"a file.pdf"}, "caption": {"Look"}})
			if status != http.StatusAccepted {
				t.Fatalf("got %d %s, want 202", status, body)
			}
			r.waitFor(t, idle)
			sum := sha256.Sum256([]byte(tt.content))
			media, _ := r.service.received()[0].items["messages"][0][tt.kind].(map[string]any)
			if media["mime_type"] != tt.wantType || media["sha256"] != base64.StdEncoding.EncodeToString(sum[:]) || media["caption"] != "Look" {
				t.Errorf("webhook has the file %v, want type %q, its hash and its caption", media, tt.wantType)
			}
			_, animated := media["animated"]
			if hasName := media["filename"] == "a file.pdf"; hasName != (tt.kind == kindDocument) || animated != (tt.kind == kindSticker) {
				t.Errorf("webhook has the file %v, want a file name with documents only and \"animated\" with stickers only", media)
			}
			messages := r.service.batch().Messages
			if len(messages) != 1 || messages[0].Type != tt.kind || messages[0].Media.ID != media["id"] || messages[0].Text.Reveal() != "Look" {
				t.Errorf("service decodes %v, want one %s with its caption", messages, tt.kind)
			}
			view := r.viewOf(t, decode[struct{ ID string }](t, body).ID)
			if view.File == nil || view.File.Size != len(tt.content) {
				t.Fatalf("page shows %+v, want the file with %d bytes", view, len(tt.content))
			}
			response := r.get(t, "/api/files/"+view.File.ID)
			got, _ := io.ReadAll(response.Body)
			if string(got) != tt.content || response.Header.Get("Content-Type") != tt.wantType {
				t.Errorf("page gets %q of type %q, want %q of type %q", got, response.Header.Get("Content-Type"), tt.content, tt.wantType)
			}
			if saved := response.Header.Get("Content-Disposition") == "attachment"; saved != (tt.kind == kindDocument) {
				t.Errorf("browser saves the file: %t, want it for documents only", saved)
			}
			if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") {
				t.Errorf("policy of the file is %q, want a sandbox", policy)
			}
		})
	}
}

func TestPageSendFile_Refused(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	for name, tt := range map[string]struct {
		kind, mimeType, content string
		query                   url.Values
		want                    int
		message                 string
	}{
		"picture_too_large":     {kindImage, "image/png", strings.Repeat("x", 5<<20+1), nil, 413, "at most 5 MB"},
		"voice_note_too_large":  {kindAudio, "audio/ogg", strings.Repeat("x", 16<<20+1), nil, 413, "at most 16 MB"},
		"static_sticker":        {kindSticker, "image/webp", strings.Repeat("x", 100<<10+1), nil, 422, "at most 100 KB"},
		"picture_of_other_type": {kindImage, "image/gif", "GIF89a", nil, 422, "image/gif"},
		"empty_document":        {kindDocument, "text/plain", "", nil, 422, "cannot be empty"},
		"unknown_kind":          {"hologram", "image/png", "x", nil, 422, "a kind"},
		"long_caption":          {kindImage, "image/png", "x", url.Values{"caption": {strings.Repeat("x", 1025)}}, 422, "1024"},
		"unknown_quoted":        {kindImage, "image/png", "x", url.Values{"quotes": {"wamid.unknown"}}, 422, "no such message"},
	} {
		if tt.query == nil {
			tt.query = url.Values{}
		}
		status, body := r.upload(t, tt.kind, tt.mimeType, tt.content, tt.query)
		if status != tt.want || !strings.Contains(string(body), tt.message) {
			t.Errorf("%s: got %d %s, want %d with %q", name, status, body, tt.want, tt.message)
		}
	}
	if status, _ := r.post(t, "/api/files?kind=image&person=KE.nobody", "x", "Content-Type", "image/png"); status != http.StatusUnprocessableEntity {
		t.Errorf("unknown person: got %d, want 422", status)
	}
	if status := r.get(t, "/api/files/1").StatusCode; status != http.StatusNotFound {
		t.Errorf("unknown file: got %d, want 404", status)
	}
}

func TestPageSendLocation(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	person := r.store.addPerson(wanjiru).UserID
	status, body := r.post(t, "/api/locations", fmt.Sprintf(`{"person":%q,"latitude":-1.2921,"longitude":36.8219,"name":"KICC","address":"Nairobi"}`, person))
	if status != http.StatusAccepted {
		t.Fatalf("got %d %s, want 202", status, body)
	}
	r.waitFor(t, idle)
	messages := r.service.batch().Messages
	if len(messages) != 1 || messages[0].Text.Reveal() != "My location: KICC, Nairobi (-1.2921, 36.8219)" {
		t.Errorf("service decodes %v, want one location", messages)
	}
	if view := r.viewOf(t, decode[struct{ ID string }](t, body).ID); view.Location["name"] != "KICC" || view.Location["latitude"] != -1.2921 {
		t.Errorf("page shows %+v, want the location", view)
	}
	for name, place := range map[string]string{
		"latitude":  `"latitude":90.1,"longitude":0`,
		"longitude": `"latitude":0,"longitude":-180.5`,
	} {
		if status, _ := r.post(t, "/api/locations", fmt.Sprintf(`{"person":%q,%s}`, person, place)); status != http.StatusUnprocessableEntity {
			t.Errorf("%s out of range: got %d, want 422", name, status)
		}
	}
	r.post(t, "/api/locations", fmt.Sprintf(`{"person":%q,"latitude":0,"longitude":0}`, person))
	r.waitFor(t, idle)
	pin, _ := r.service.received()[1].items["messages"][0]["location"].(map[string]any)
	if len(pin) != 2 {
		t.Errorf("location without a name is %v, want latitude and longitude only", pin)
	}
}
