package whatsapp

import (
	"bytes"
	"mime"
	"path"
	"strings"
	"unicode/utf8"

	"aisha/internal/service/whatsapp/webhook"
)

// The type of a file is decided in two steps, because senders announce many
// files as application/octet-stream or by an alias. Before the download,
// expectedType goes by the announced type and the file name. After it,
// readableType goes by the first bytes.
//
// The table of first bytes has only the types that the model reads and those
// that are often sent with a wrong type, so it needs no library.

const plainText = "text/plain"

// modelReads reports whether the model accepts files of this type, which has
// the form of canonicalType.
// https://ai.google.dev/gemini-api/docs/document-processing, …/image-understanding,
// …/audio and …/video-understanding
func modelReads(mediaType string) bool {
	switch mediaType {
	case "image/jpeg", "image/png", "image/webp", "image/heic", "image/heif",
		"audio/ogg", "audio/mpeg", "audio/mp3", "audio/aac", "audio/mp4", "audio/wav", "audio/flac", "audio/aiff",
		"video/mp4", "video/3gpp", "video/webm", "video/quicktime",
		"application/pdf", plainText:
		return true
	}
	return false
}

// expectedType returns the type that a file has by its announced type and its
// name. An empty type with ok true means that only the content shows whether
// the model can read the file. With ok false the model cannot read it.
func expectedType(media webhook.Media) (mediaType string, ok bool) {
	mediaType = canonicalType(media.MIMEType)
	if !isGeneric(mediaType) {
		return mediaType, modelReads(mediaType)
	}
	mediaType = typeOfName(media.Filename.Reveal())
	return mediaType, mediaType == "" || modelReads(mediaType)
}

// canonicalType returns the type without parameters such as the codec, and
// replaces an alias by the name that the model accepts. It returns an empty type
// for one that is not well-formed.
func canonicalType(mimeType string) string {
	mediaType, _, err := mime.ParseMediaType(mimeType)
	if err != nil {
		return ""
	}
	switch mediaType {
	case "image/jpg", "image/pjpeg":
		return "image/jpeg"
	case "image/x-png":
		return "image/png"
	case "audio/opus", "audio/x-opus+ogg", "audio/x-ogg", "audio/vorbis", "application/ogg":
		return "audio/ogg"
	case "audio/m4a", "audio/x-m4a", "audio/x-mp4", "audio/mp4a-latm":
		return "audio/mp4"
	case "audio/x-mp3", "audio/x-mpeg", "audio/mpeg3", "audio/x-mpeg-3":
		return "audio/mpeg"
	case "audio/x-aac", "audio/aacp", "audio/x-hx-aac-adts":
		return "audio/aac"
	case "audio/x-wav", "audio/wave", "audio/vnd.wave":
		return "audio/wav"
	case "audio/x-flac":
		return "audio/flac"
	case "audio/x-aiff":
		return "audio/aiff"
	case "video/3gp", "video/3gpp2":
		return "video/3gpp"
	case "video/x-m4v", "video/m4v":
		return "video/mp4"
	case "application/x-pdf", "application/acrobat", "application/vnd.pdf", "text/pdf", "text/x-pdf":
		return "application/pdf"
	case "application/json", "application/xml", "application/yaml", "application/x-yaml", "application/csv", "application/javascript":
		return plainText
	}
	if strings.HasPrefix(mediaType, "text/") {
		return plainText
	}
	return mediaType
}

// isGeneric reports whether the type says nothing about the content.
func isGeneric(mediaType string) bool {
	switch mediaType {
	case "", "application/octet-stream", "binary/octet-stream", "application/binary", "application/unknown",
		"application/x-download", "application/download", "application/force-download":
		return true
	}
	return false
}

// typeOfName returns the type that belongs to the extension of a file name, and
// an empty type for an unknown extension.
func typeOfName(filename string) string {
	return map[string]string{
		".pdf": "application/pdf",
		".txt": plainText, ".csv": plainText, ".tsv": plainText, ".md": plainText, ".json": plainText, ".xml": plainText, ".html": plainText, ".htm": plainText, ".yaml": plainText, ".yml": plainText, ".log": plainText,
		".jpg": "image/jpeg", ".jpeg": "image/jpeg",
		".png":  "image/png",
		".webp": "image/webp",
		".heic": "image/heic",
		".heif": "image/heif",
		".ogg":  "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
		".mp3":  "audio/mpeg",
		".aac":  "audio/aac",
		".m4a":  "audio/mp4",
		".wav":  "audio/wav",
		".flac": "audio/flac",
		".aif":  "audio/aiff", ".aiff": "audio/aiff",
		".mp4": "video/mp4", ".m4v": "video/mp4",
		".3gp":  "video/3gpp",
		".webm": "video/webm",
		".mov":  "video/quicktime",
		".zip":  "application/zip", ".docx": "application/zip", ".xlsx": "application/zip", ".pptx": "application/zip", ".apk": "application/zip", ".odt": "application/zip", ".ods": "application/zip", ".epub": "application/zip",
		".doc": "application/x-ole-storage", ".xls": "application/x-ole-storage", ".ppt": "application/x-ole-storage",
		".rar": "application/x-other", ".7z": "application/x-other", ".gz": "application/x-other", ".tar": "application/x-other", ".exe": "application/x-other", ".iso": "application/x-other",
	}[strings.ToLower(path.Ext(filename))]
}

// readableType returns the type with which the model is given a file, or an
// empty type where it cannot read the file. The first bytes win over the
// expected type.
func readableType(expected string, data []byte) string {
	mediaType := typeOfBytes(expected, data)
	switch {
	case mediaType != "" && modelReads(mediaType):
		return mediaType
	case mediaType != "", expected == plainText && !isText(data):
		return ""
	}
	return expected
}

// typeOfBytes returns the type that the first bytes show, or an empty type where
// they show none. Where several types have the same container, the expected one
// decides.
func typeOfBytes(expected string, data []byte) string {
	hasPrefix := func(prefix string) bool { return bytes.HasPrefix(data, []byte(prefix)) }
	hasAt := func(at int, text string) bool { return len(data) >= at && bytes.HasPrefix(data[at:], []byte(text)) }
	switch {
	case hasPrefix("%PDF-"):
		return "application/pdf"
	case hasPrefix("\xff\xd8\xff"):
		return "image/jpeg"
	case hasPrefix("\x89PNG\r\n\x1a\n"):
		return "image/png"
	case hasPrefix("RIFF") && hasAt(8, "WEBP"):
		return "image/webp"
	case hasPrefix("RIFF") && hasAt(8, "WAVE"):
		return "audio/wav"
	case hasPrefix("FORM") && hasAt(8, "AIF"):
		return "audio/aiff"
	case hasPrefix("OggS"):
		return "audio/ogg"
	case hasPrefix("fLaC"):
		return "audio/flac"
	case hasPrefix("ID3") && !strings.HasPrefix(expected, "audio/"): // a tag of MP3 that other audio has too
		return "audio/mpeg"
	case hasPrefix("\x1aE\xdf\xa3"):
		return "video/webm"
	case hasAt(4, "ftyp") && len(data) >= 12:
		return typeOfBrand(expected, string(data[8:12]))
	case hasPrefix("#!AMR"):
		return "audio/amr"
	case hasPrefix("GIF8"):
		return "image/gif"
	case hasPrefix("PK\x03\x04"):
		return "application/zip"
	case hasPrefix("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
		return "application/x-ole-storage" // Office before 2007
	case hasPrefix("Rar!\x1a\x07"), hasPrefix("7z\xbc\xaf\x27\x1c"), hasPrefix("\x7fELF"):
		return "application/x-other"
	}
	return ""
}

// typeOfBrand returns the type of an ISO base media file (ISO/IEC 14496-12) with
// this major brand.
func typeOfBrand(expected, brand string) string {
	switch {
	case brand == "heic", brand == "heix", brand == "hevc", brand == "hevx":
		return "image/heic"
	case brand == "mif1", brand == "msf1", brand == "heim", brand == "heis":
		return "image/heif"
	case brand == "avif", brand == "avis":
		return "image/avif"
	case strings.HasPrefix(expected, "audio/"), brand == "M4A ", brand == "M4B ":
		return "audio/mp4"
	case brand == "qt  ":
		return "video/quicktime"
	case strings.HasPrefix(brand, "3g"):
		return "video/3gpp"
	default:
		return "video/mp4"
	}
}

// isText reports whether the model can be given the data as text: UTF-8 without
// the control characters of binary files.
func isText(data []byte) bool {
	return utf8.Valid(data) && !bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f", r) })
}

// mayBeReadable reports whether the model can read the file, as far as that is
// known before the download.
func mayBeReadable(media webhook.Media) bool {
	_, ok := expectedType(media)
	return ok && media.ID != ""
}
