package graphapi

import (
	"aisha/internal/client/upstream"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// private lists what Meta's texts about the message must not bring into the
// log: Meta quotes a malformed token, and numbers and texts that it refuses.
func (c *Client) private(m whatsapp.OutgoingMessage) upstream.Private {
	private := c.privateToken()
	private.Names = []sensitive.Text{
		m.To.Name, sensitive.NewText(m.To.WaID.Reveal()), sensitive.NewText(m.To.BSUID),
	}
	private.Texts = []sensitive.Text{m.Body}
	return private
}

// privateToken is private for a call without a message.
func (c *Client) privateToken() upstream.Private {
	return upstream.Private{Secrets: []sensitive.Secret{c.options.Token}}
}
