package geminiapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/iotest"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

// randomBytes returns the same n bytes on each call with the same n.
func randomBytes(n int) []byte {
	source := rand.NewChaCha8([32]byte{byte(n)})
	data := make([]byte, n)
	_, _ = source.Read(data)
	return data
}

// fileQuestion returns a question about files with the sizes.
func fileQuestion(sizes ...int) gemini.Request {
	request := question()
	for _, size := range sizes {
		part := gemini.Part{MIMEType: "image/jpeg", Data: randomBytes(size)}
		request.Contents[0].Parts = append(request.Contents[0].Parts, part)
	}
	return request
}

// The test is not parallel, so that no other test allocates at the same time.
func TestClient_Generate_memory_of_a_file(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, goodStream)
	}))
	t.Cleanup(server.Close)
	client := newTestClient(t, server.URL, nil)
	request := fileQuestion(13 << 20)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.Generate(t.Context(), request)
	runtime.ReadMemStats(&after)

	if err != nil {
		t.Fatalf("Generate: %v", err)
	}
	const limit = 1 << 20
	if got := after.TotalAlloc - before.TotalAlloc; got > limit {
		t.Errorf("a request with a file of %d bytes allocated %d bytes, want at most %d", 13<<20, got, limit)
	} else {
		t.Logf("a request with a file of %d bytes allocated %d bytes", 13<<20, got)
	}
}

func BenchmarkClient_Generate_file(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, goodStream)
	}))
	b.Cleanup(server.Close)
	client := newTestClient(b, server.URL, nil)
	request := fileQuestion(13 << 20)
	b.ReportAllocs()
	b.SetBytes(13 << 20)
	for b.Loop() {
		if _, err := client.Generate(b.Context(), request); err != nil {
			b.Fatalf("Generate: %v", err)
		}
	}
}

func TestClient_Generate_request_with_files(t *testing.T) {
	t.Parallel()
	// The prompt contains what the SDK's request has in place of a file.
	prompt := `"data":"ZmlsZQ==" \"data\":\"ZmlsZQ==\" file`
	for name, sizes := range map[string][]int{
		"one_byte": {1}, "two_bytes": {2}, "three_bytes": {3}, "several_files": {100_000, 1, 70_001, 3_000_002}, "file_that_is_the_placeholder": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := fileQuestion(sizes...)
			request.Contents[0].Parts[0].Text = sensitive.NewText(prompt)
			if len(sizes) == 0 {
				request.Contents[0].Parts = append(request.Contents[0].Parts, gemini.Part{MIMEType: "text/plain", Data: []byte(filePlaceholder)})
			}
			history := []gemini.Content{
				{Role: gemini.RoleUser, Parts: []gemini.Part{{MIMEType: "image/png", Data: []byte("earlier file")}}},
				textContent(gemini.RoleModel, prompt),
			}
			request.Contents = append(history, request.Contents...)
			// The second attempt sends the files once more.
			api := newFakeAPI(t, respondError(503, "UNAVAILABLE", "x"), respondOK(goodStream))

			if _, err := newTestClient(t, api.URL, nil).Generate(t.Context(), request); err != nil {
				t.Fatalf("Generate: %v", err)
			}

			if n := len(api.requests()); n != 2 {
				t.Fatalf("requests = %d, want 2", n)
			}
			for _, got := range api.requests() {
				checkParts(t, got.body, request.Contents)
			}
		})
	}
}

// checkParts fails if the body does not have the parts of contents.
func checkParts(t *testing.T, body []byte, contents []gemini.Content) {
	t.Helper()
	var sent struct {
		Contents []struct {
			Parts []struct {
				Text       string
				InlineData struct {
					MIMEType string
					Data     []byte
				}
			}
		}
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatalf("decode the request: %v", err)
	}
	if len(sent.Contents) != len(contents) {
		t.Fatalf("contents = %d, want %d", len(sent.Contents), len(contents))
	}
	for i, content := range contents {
		if len(sent.Contents[i].Parts) != len(content.Parts) {
			t.Fatalf("parts of content %d = %d, want %d", i, len(sent.Contents[i].Parts), len(content.Parts))
		}
		for j, want := range content.Parts {
			got := sent.Contents[i].Parts[j]
			if got.Text != want.Text.Reveal() || got.InlineData.MIMEType != want.MIMEType || !bytes.Equal(got.InlineData.Data, want.Data) {
				t.Errorf("part %d of content %d has text %q and %d bytes of %q, want %q and %d bytes of %q", j, i,
					got.Text, len(got.InlineData.Data), got.InlineData.MIMEType, want.Text.Reveal(), len(want.Data), want.MIMEType)
			}
		}
	}
}

func Test_requestBody(t *testing.T) {
	t.Parallel()
	const written = `{"parts":[{"data": "ZmlsZQ=="},{"text":"\"data\":\"ZmlsZQ==\""},{"data":"ZmlsZQ=="}]}`
	for size := range 20 {
		files := [][]byte{randomBytes(size), randomBytes(2*size + 1)}
		body, err := newRequestBody([]byte(written), files)
		if err != nil {
			t.Fatalf("newRequestBody: %v", err)
		}
		want := fmt.Sprintf(`{"parts":[{"data":"%s"},{"text":"\"data\":\"ZmlsZQ==\""},{"data":"%s"}]}`,
			base64.StdEncoding.EncodeToString(files[0]), base64.StdEncoding.EncodeToString(files[1]))
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"large_reads": func(r io.Reader) io.Reader { return r },
			"bytewise":    iotest.OneByteReader,
			"halves":      iotest.HalfReader,
		} {
			got, err := io.ReadAll(wrap(body.open()))
			if err != nil || string(got) != want || body.length() != int64(len(want)) {
				t.Errorf("%s of files with %d and %d bytes: body = %s, error %v, length %d; want %s with length %d",
					name, len(files[0]), len(files[1]), got, err, body.length(), want, len(want))
			}
		}
		if err := iotest.TestReader(&base64Reader{data: files[1]}, []byte(base64.StdEncoding.EncodeToString(files[1]))); err != nil {
			t.Errorf("base64Reader of %d bytes: %v", len(files[1]), err)
		}
	}
	if _, err := newRequestBody([]byte(written), nil); err == nil {
		t.Error("newRequestBody without files succeeded, want an error")
	}
}
