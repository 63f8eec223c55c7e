package whatsapp

import (
	"testing"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

const (
	pdf  = "%PDF-1.7\n"
	jpeg = "\xff\xd8\xff\xe0\x00\x10JFIF"
	png  = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	ogg  = "OggS\x00\x02"
	zip  = "PK\x03\x04\x14\x00"
)

// An empty want means that the model cannot read the file: with no content, that
// this is known before the download.
func TestMediaType(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		announced, filename, content string
		want                         string
	}{
		"octet_stream_with_name":          {"application/octet-stream", "Statement.pdf", pdf, "application/pdf"},
		"octet_stream_with_name_in_caps":  {"application/octet-stream", "STATEMENT.PDF", pdf, "application/pdf"},
		"octet_stream_without_name":       {"application/octet-stream", "", pdf, "application/pdf"},
		"octet_stream_unknown_extension":  {"application/octet-stream", "scan.001", jpeg, "image/jpeg"},
		"octet_stream_of_an_archive":      {"application/octet-stream", "a.zip", "", ""},
		"octet_stream_of_a_word_document": {"application/octet-stream", "letter.docx", "", ""},
		"octet_stream_shows_an_archive":   {"application/octet-stream", "a.bin", zip, ""},
		"octet_stream_wrong_name":         {"application/octet-stream", "a.pdf", zip, ""},
		"octet_stream_shows_nothing":      {"application/octet-stream", "a.bin", "\x00\x01\x02", ""},
		"binary_octet_stream":             {"binary/octet-stream", "photo.jpeg", jpeg, "image/jpeg"},
		"no_type":                         {"", "", png, "image/png"},
		"malformed_type":                  {"image/;", "", png, "image/png"},
		"malformed_type_shows_nothing":    {"image/;", "", "bytes", ""},
		"image_jpg":                       {"image/jpg", "", jpeg, "image/jpeg"},
		"image_jpg_that_is_a_png":         {"image/jpg", "", png, "image/png"},
		"image_in_capitals":               {"IMAGE/JPEG", "", jpeg, "image/jpeg"},
		"image_gif":                       {"image/gif", "", "", ""},
		"jpeg_that_is_a_gif":              {"image/jpeg", "", "GIF89a", ""},
		"jpeg_with_unusual_bytes":         {"image/jpeg", "", "\xff\xff\xff", "image/jpeg"},
		"image_heic":                      {"image/heic", "", "\x00\x00\x00\x18ftypheic", "image/heic"},
		"heic_called_jpeg":                {"image/jpeg", "", "\x00\x00\x00\x18ftypheic", "image/heic"},
		"avif":                            {"image/jpeg", "", "\x00\x00\x00\x18ftypavif", ""},
		"webp":                            {"application/octet-stream", "", "RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"},
		"audio_opus":                      {"audio/opus", "", ogg, "audio/ogg"},
		"audio_ogg_with_codec":            {"audio/ogg; codecs=opus", "", ogg, "audio/ogg"},
		"audio_amr":                       {"audio/amr", "", "", ""},
		"audio_ogg_that_is_amr":           {"audio/ogg", "", "#!AMR\n", ""},
		"audio_x_m4a":                     {"audio/x-m4a", "", "\x00\x00\x00\x1cftypM4A ", "audio/mp4"},
		"audio_mp4_with_a_video_brand":    {"audio/mp4", "", "\x00\x00\x00\x1cftypisom", "audio/mp4"},
		"audio_mpeg_with_a_tag":           {"audio/mpeg", "", "ID3\x04", "audio/mpeg"},
		"audio_aac_with_a_tag":            {"audio/aac", "", "ID3\x04", "audio/aac"},
		"audio_mpeg_without_a_tag":        {"audio/mpeg", "", "\xff\xfb\x90", "audio/mpeg"},
		"audio_x_wav":                     {"audio/x-wav", "", "RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"},
		"video_3gpp":                      {"video/3gpp", "", "\x00\x00\x00\x18ftyp3gp4", "video/3gpp"},
		"video_mp4":                       {"video/mp4", "", "\x00\x00\x00\x18ftypisom", "video/mp4"},
		"video_mov":                       {"application/octet-stream", "a.mov", "\x00\x00\x00\x14ftypqt  ", "video/quicktime"},
		"video_webm":                      {"application/octet-stream", "a.webm", "\x1aE\xdf\xa3", "video/webm"},
		"application_x_pdf":               {"application/x-pdf", "", pdf, "application/pdf"},
		"pdf_that_is_an_archive":          {"application/pdf", "a.pdf", zip, ""},
		"text_csv":                        {"text/csv", "a.csv", "a,b\r\n1,2\r\n", "text/plain"},
		"text_markdown":                   {"text/markdown", "", "# Habari", "text/plain"},
		"text_with_charset":               {"text/plain; charset=utf-8", "", "Habari \u2014 karibu", "text/plain"},
		"application_json":                {"application/json", "", `{"a":1}`, "text/plain"},
		"csv_called_octet_stream":         {"application/octet-stream", "a.csv", "a,b\n", "text/plain"},
		"text_that_is_binary":             {"text/plain", "a.txt", "a\x00b", ""},
		"text_that_is_not_utf8":           {"text/csv", "a.csv", "caf\xe9", ""},
		"text_that_is_a_pdf":              {"text/plain", "a.txt", pdf, "application/pdf"},
		"empty_text":                      {"text/plain", "a.txt", "", "text/plain"},
		"office_before_2007":              {"application/octet-stream", "a", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ""},
		"vcard":                           {"application/zip", "a.pdf", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			media := webhook.Media{ID: "M1", MIMEType: tt.announced, Filename: sensitive.NewText(tt.filename)}
			expected, ok := expectedType(media)
			got := ""
			if ok {
				got = readableType(expected, []byte(tt.content))
			}
			if got != tt.want {
				t.Errorf("type = %q, want %q; expected %q, may be readable: %t", got, tt.want, expected, ok)
			}
			if mayBeReadable(media) != ok {
				t.Errorf("mayBeReadable = %t, want %t", !ok, ok)
			}
		})
	}
}
