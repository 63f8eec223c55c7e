package simulator

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"slices"
)

// mediaRule is what WhatsApp accepts as one kind of file.
// Source: developers.facebook.com, WhatsApp Cloud API, "Supported media types".
type mediaRule struct {
	name    string   // of the kind, in messages to people
	types   []string // accepted MIME types; nil accepts all
	maxSize int      // bytes
}

// mediaRuleFor returns the rule for a kind of file. It reports false if the page
// cannot send this kind.
func mediaRuleFor(kind string) (mediaRule, bool) {
	switch kind {
	case kindImage:
		return mediaRule{name: "a picture", types: []string{"image/jpeg", "image/png"}, maxSize: 5 << 20}, true
	case kindVideo:
		return mediaRule{name: "a video", types: []string{"video/mp4", "video/3gpp"}, maxSize: 16 << 20}, true
	case kindAudio:
		types := []string{"audio/ogg", "audio/mpeg", "audio/mp4", "audio/aac", "audio/amr"}
		return mediaRule{name: "a voice note", types: types, maxSize: 16 << 20}, true
	case kindDocument:
		return mediaRule{name: "a document", maxSize: 100 << 20}, true
	case kindSticker:
		return mediaRule{name: "a sticker", types: []string{"image/webp"}, maxSize: maxAnimatedSticker}, true
	default:
		return mediaRule{}, false
	}
}

// Meta's limits of stickers, in bytes.
const (
	maxStaticSticker   = 100 << 10
	maxAnimatedSticker = 500 << 10
)

// check returns an error, whose text the page shows, for a file that WhatsApp
// does not accept.
func (rule mediaRule) check(mimeType string, data []byte) error {
	mediaType, _, _ := mime.ParseMediaType(mimeType)
	switch {
	case len(data) == 0:
		return fmt.Errorf("%s cannot be empty", rule.name)
	case len(data) > rule.maxSize:
		return rule.tooLarge(rule.maxSize)
	case rule.types != nil && !slices.Contains(rule.types, mediaType):
		return fmt.Errorf("%s cannot have the type %s on WhatsApp; send the file as a document", rule.name, mediaType)
	case mediaType == "image/webp" && rule.types != nil && !isAnimatedWebP(data) && len(data) > maxStaticSticker:
		return rule.tooLarge(maxStaticSticker)
	}
	return nil
}

func (rule mediaRule) tooLarge(limit int) error {
	if limit < 1<<20 {
		return fmt.Errorf("%s can have at most %d KB on WhatsApp", rule.name, limit>>10)
	}
	return fmt.Errorf("%s can have at most %d MB on WhatsApp", rule.name, limit>>20)
}

// mediaTypeOf returns the MIME type of a file as WhatsApp names it. Browsers
// announce no type that they do not know, and some announce an alias.
func mediaTypeOf(kind, announced string, data []byte) string {
	mediaType, parameters, err := mime.ParseMediaType(announced)
	if err != nil || mediaType == "application/octet-stream" {
		mediaType, parameters, _ = mime.ParseMediaType(http.DetectContentType(data))
	}
	switch mediaType {
	case "image/jpg":
		mediaType = "image/jpeg"
	case "audio/mp3":
		mediaType = "audio/mpeg"
	case "audio/x-m4a":
		mediaType = "audio/mp4"
	case "audio/ogg", "audio/opus", "video/ogg", "application/ogg":
		if kind == kindAudio {
			return "audio/ogg; codecs=opus"
		}
	}
	return mime.FormatMediaType(mediaType, parameters)
}

// isAnimatedWebP reports whether a WebP file has an animation, by the flag of
// its VP8X chunk.
func isAnimatedWebP(data []byte) bool {
	const flagsAt, animation = 20, 0x02
	return len(data) > flagsAt && bytes.Equal(data[8:16], []byte("WEBPVP8X")) && data[flagsAt]&animation != 0
}
