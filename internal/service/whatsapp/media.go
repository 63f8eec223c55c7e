package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"strings"
	"time"
)

const (
	// maxMedia bounds all files of one question. Gemini takes requests of 20 MB,
	// and base64 makes a third more of a file.
	// https://ai.google.dev/gemini-api/docs/files
	maxMedia = 14 << 20
	// mediaPatience is how long a file that cannot be fetched is tried again
	// before the question is asked without it.
	mediaPatience = time.Minute
)

// ErrNoMedia is a file that will never be had: gone, too large, not what it was
// said to be.
var ErrNoMedia = errors.New("the file cannot be had")

// modelReads reports whether the model takes files of this type.
// https://ai.google.dev/gemini-api/docs/document-processing and its neighbours
func modelReads(mimeType string) bool {
	kind, _, err := mime.ParseMediaType(mimeType)
	if err != nil {
		return false
	}
	switch kind {
	case "image/jpeg", "image/png", "image/webp", "image/heic", "image/heif",
		"audio/ogg", "audio/mpeg", "audio/mp3", "audio/aac", "audio/mp4", "audio/wav", "audio/flac",
		"video/mp4", "video/3gpp", "video/webm", "video/quicktime",
		"application/pdf", "text/plain":
		return true
	}
	return false
}

// files fetches what came with the messages, as far as the model reads it and
// it can be had.
func (s *Service) files(ctx context.Context, waiting []Waiting) ([]File, error) {
	var files []File
	left := maxMedia
	for _, m := range waiting {
		if m.Revoked || m.Media.ID == "" || !modelReads(m.Media.MIMEType) {
			continue
		}
		data, err := s.graph.Media(ctx, m.PhoneNumberID, m.Media, left)
		switch {
		case err == nil:
			left -= len(data)
			files = append(files, File{MIMEType: plainType(m.Media.MIMEType), Data: data})
		case errors.Is(err, ErrNoMedia) || m.Age > mediaPatience:
			s.options.Log.WarnContext(ctx, "a file is left out of the question", slog.Any("error", err))
		default:
			return nil, err
		}
	}
	return files, nil
}

// plainType is a MIME type without parameters such as a codec.
func plainType(mimeType string) string {
	kind, _, _ := strings.Cut(mimeType, ";")
	return strings.TrimSpace(kind)
}
