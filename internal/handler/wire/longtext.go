package wire

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"unicode/utf8"
)

// textPiece is how much of a text is encoded at once, in bytes.
const textPiece = 16 << 10

// LongText is a JSON body with one member that may contain megabytes. The member
// is encoded while it is sent, because JSON needs up to six bytes for a byte.
type LongText struct {
	// Form returns the body with member in the place of the text.
	Form func(member string) any
	Text string
}

// write sends the response in pieces, without a Content-Length.
func (l LongText) write(w http.ResponseWriter, r *http.Request, response Response) {
	before, after, err := l.split()
	if err != nil {
		WriteFailure(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	maps.Copy(header, response.Header)
	header.Set("Content-Type", jsonContentType)
	w.WriteHeader(response.Status)
	_, err = w.Write(before)
	for text := l.Text; err == nil && text != ""; {
		piece := text[:pieceLength(text)]
		text = text[len(piece):]
		var encoded []byte
		if encoded, _, err = encode(Response{Body: piece}); err == nil {
			_, err = w.Write(encoded[1 : len(encoded)-1]) // without the quotation marks
		}
	}
	if err == nil {
		_, _ = w.Write(after) // an error means that the client disconnected
	}
}

// split returns the JSON before and after the text.
func (l LongText) split() (before, after []byte, err error) {
	placeholder := rand.Text() // no other member contains it
	whole, _, err := encode(Response{Body: l.Form(placeholder)})
	if err != nil {
		return nil, nil, fmt.Errorf("encode a long response: %w", err)
	}
	before, after, found := bytes.Cut(whole, []byte(placeholder))
	if !found {
		return nil, nil, errors.New("encode a long response: the form has no member for the text")
	}
	return before, after, nil
}

// pieceLength returns the length of the next piece of text. A piece ends between
// two characters.
func pieceLength(text string) int {
	n := min(len(text), textPiece)
	for n < len(text) && n > textPiece-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}
