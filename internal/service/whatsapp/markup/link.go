package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
)

// convertLink converts a link or an image to its text, followed by its URL and
// title in parentheses. If the text only repeats the URL, it appends the URL
// alone.
func (c *converter) convertLink(n ast.Node, destination, title []byte) {
	c.startLine()
	start := len(c.out)
	c.convertInlines(n)
	target := unescape(destination)
	switch {
	case target == "":
		return
	case repeatsURL(c.out[start:], target):
		c.out = c.out[:start]
		c.appendURL(trimScheme(target))
		return
	}
	c.appendText(" (")
	c.appendURL(target)
	if len(title) > 0 {
		c.appendText(" “" + unescape(title) + "”")
	}
	c.appendText(")")
}

// repeatsURL reports whether the text of a link adds nothing to its URL: it is
// empty, or the URL itself.
func repeatsURL(text []grapheme, url string) bool {
	if len(text) > len(url) {
		return false
	}
	var joined strings.Builder
	for _, g := range text {
		joined.WriteString(g.text)
	}
	return joined.Len() == 0 || joined.String() == url || joined.String() == trimScheme(url)
}

// trimScheme removes mailto: and tel:. WhatsApp makes email addresses and phone
// numbers clickable without them.
func trimScheme(url string) string {
	return strings.TrimPrefix(strings.TrimPrefix(url, "mailto:"), "tel:")
}

// appendURL appends url without inline styles, because WhatsApp would take a
// delimiter after the URL for a part of it.
func (c *converter) appendURL(url string) {
	c.startLine()
	escaper := strings.NewReplacer(" ", "%20", "\t", "%09", "\n", "%0A", "`", "%60")
	c.appendStyled(escaper.Replace(url), c.style&quote|linkURL)
}
