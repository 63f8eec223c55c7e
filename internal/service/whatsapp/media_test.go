package whatsapp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

func imageMessage(mimeType, caption string, age time.Duration) UnansweredMessage {
	m := textMessage(1, caption, age)
	m.Type, m.Media = "image", webhook.Media{ID: "M1", MIMEType: mimeType}
	return m
}

func documentMessage(mimeType string) UnansweredMessage {
	m := textMessage(1, "", time.Second)
	m.Type, m.Media = "document", webhook.Media{ID: "M1", MIMEType: mimeType, Filename: sensitive.NewText("a.pdf")}
	return m
}

func TestService_AnswerPerson_Files(t *testing.T) {
	t.Parallel()
	later := fault.New(fault.UpstreamTimeout, "later")
	gone := fmt.Errorf("%w: gone", ErrNoMedia)
	tests := map[string]struct {
		message  UnansweredMessage
		err      error  // of the download
		files    string // given to the model; empty: none
		question string // empty: the model is not asked
	}{
		"picture_with_caption":     {imageMessage("image/jpeg", "what is this?", time.Second), nil, "image/jpeg:bytes of M1", "[image] what is this?"},
		"voice_note_with_codec":    {imageMessage("audio/ogg; codecs=opus", "", time.Second), nil, "audio/ogg:bytes of M1", "[image]"},
		"document_with_name":       {documentMessage("application/pdf"), nil, "application/pdf:bytes of M1", "[document a.pdf]"},
		"unreadable_with_caption":  {imageMessage("application/zip", "look", time.Second), nil, "", "[image] look"},
		"gone":                     {imageMessage("image/png", "look", time.Second), gone, "", "[image] look"},
		"download_is_retried":      {imageMessage("image/png", "look", time.Second), later, "", ""},
		"download_fails_for_long":  {imageMessage("image/png", "look", 2*downloadRetryPeriod), later, "", "[image] look"},
		"malformed_type_is_no_use": {imageMessage("image/;", "look", time.Second), nil, "", "[image] look"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{downloadErr: tt.err, due: Due{Messages: []UnansweredMessage{tt.message}}}
			_, err := f.service(Options{}).AnswerPerson(t.Context(), 7, 0).Get()
			if tt.question == "" {
				if len(f.questions) != 0 {
					t.Errorf("asked the model %d times, want 0", len(f.questions))
				}
				if !errors.Is(err, tt.err) {
					t.Errorf("got error %v, want %v", err, tt.err)
				}
				return
			}
			if err != nil || len(f.questions) != 1 {
				t.Fatalf("got error %v after %d questions, want none after 1", err, len(f.questions))
			}
			var files string
			for _, file := range f.questions[0].Files {
				files += file.MIMEType + ":" + string(file.Data)
			}
			if files != tt.files {
				t.Errorf("asked with files %q, want %q", files, tt.files)
			}
			if got := f.questions[0].Text.Reveal(); got != tt.question {
				t.Errorf("asked %q, want %q", got, tt.question)
			}
		})
	}
}

func TestService_AnswerPerson_NothingButUnavailableFiles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		message UnansweredMessage
		want    string
	}{
		"picture_is_gone":          {imageMessage("image/jpeg", "", time.Second), sentenceFileUnavailable},
		"document_is_gone":         {documentMessage("application/pdf"), sentenceFileUnavailable},
		"type_that_no_model_reads": {documentMessage("application/zip"), sentenceUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{downloadErr: ErrNoMedia, due: Due{Messages: []UnansweredMessage{tt.message}}}
			answerPerson(t, f.service(Options{}))
			if len(f.questions) != 0 {
				t.Errorf("asked the model %d times, want 0", len(f.questions))
			}
			if got := bodies(f.sent); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}

func TestService_AnswerPerson_FileWithGenericType(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		caption, filename, content string
		wantType                   string // given to the model; empty: none
		want                       string // sent
	}{
		"pdf":                    {"", "Statement.pdf", pdf, "application/pdf", "answer to [document Statement.pdf]"},
		"pdf_with_caption":       {"please read this", "Statement.pdf", pdf, "application/pdf", "answer to [document Statement.pdf] please read this"},
		"unknown_and_unreadable": {"", "data.bin", "\x00\x01", "", sentenceFileUnavailable},
		"unreadable_and_caption": {"look", "data.bin", "\x00\x01", "", noteFileUnopened + "\n\nanswer to [document data.bin] look"},
		"archive":                {"", "data.zip", "", "", sentenceUnreadable},
		"archive_and_caption":    {"look", "data.zip", "", "", noteFileUnopened + "\n\nanswer to [document data.zip] look"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := documentMessage("application/octet-stream")
			m.Media.Filename, m.Text = sensitive.NewText(tt.filename), sensitive.NewText(tt.caption)
			f := &fakes{content: tt.content, due: Due{Messages: []UnansweredMessage{m}}}
			answerPerson(t, f.service(Options{}))
			if got := bodies(f.sent); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
			var types []string
			for _, question := range f.questions {
				for _, file := range question.Files {
					types = append(types, file.MIMEType)
				}
			}
			if got := strings.Join(types, " "); got != tt.wantType {
				t.Errorf("asked with files of type %q, want %q", got, tt.wantType)
			}
		})
	}
}

func TestService_AnswerPerson_FilesAreLimitedTogether(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size      int64 // of each of two files
		wantFiles int
	}{
		"both_fit":          {maxMediaBytes / 2, 2},
		"one_fits":          {maxMediaBytes/2 + 1, 1},
		"none_fits":         {maxMediaBytes + 1, 0},
		"larger_than_int32": {1 << 40, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{fileSize: tt.size, due: Due{Messages: []UnansweredMessage{
				imageMessage("image/jpeg", "a", time.Second), imageMessage("image/jpeg", "b", time.Second),
			}}}
			answerPerson(t, f.service(Options{}))
			if got := len(f.questions[0].Files); got != tt.wantFiles {
				t.Errorf("asked with %d files, want %d", got, tt.wantFiles)
			}
			if got, want := strings.HasPrefix(bodies(f.sent), noteFileUnopened), tt.wantFiles < 2; got != want {
				t.Errorf("sent %q, with the note about a file: %t, want %t", bodies(f.sent), got, want)
			}
		})
	}
}
