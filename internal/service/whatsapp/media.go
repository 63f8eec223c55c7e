package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"strings"
)

// modelReads reports whether the model accepts files of this type.
// https://ai.google.dev/gemini-api/docs/document-processing, …/image-understanding,
// …/audio and …/video-understanding
func modelReads(mimeType string) bool {
	mediaType, _, err := mime.ParseMediaType(mimeType)
	if err != nil {
		return false
	}
	switch mediaType {
	case "image/jpeg", "image/png", "image/webp", "image/heic", "image/heif",
		"audio/ogg", "audio/mpeg", "audio/mp3", "audio/aac", "audio/mp4", "audio/wav", "audio/flac",
		"video/mp4", "video/3gpp", "video/webm", "video/quicktime",
		"application/pdf", "text/plain":
		return true
	}
	return false
}

// downloadFiles downloads the files of the messages that the model can read. A
// file that is not available is left out.
func (s *Service) downloadFiles(ctx context.Context, messages []UnansweredMessage) ([]File, error) {
	var files []File
	bytesLeft := maxMediaBytes
	for _, m := range messages {
		if m.Revoked || m.Media.ID == "" || !modelReads(m.Media.MIMEType) {
			continue
		}
		data, err := s.graph.Download(ctx, m.PhoneNumberID, m.Media, bytesLeft)
		switch {
		case err == nil:
			bytesLeft -= len(data)
			files = append(files, File{MIMEType: withoutParameters(m.Media.MIMEType), Data: data})
		case errors.Is(err, ErrNoMedia) || m.Age > downloadRetryPeriod:
			s.options.Log.WarnContext(ctx, "file left out of the question", slog.Any("error", err))
		default:
			return nil, err
		}
	}
	return files, nil
}

// withoutParameters returns a MIME type without parameters such as the codec.
func withoutParameters(mimeType string) string {
	mediaType, _, _ := strings.Cut(mimeType, ";")
	return strings.TrimSpace(mediaType)
}
