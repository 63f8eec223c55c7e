package simulator

// Meta's message types that the page sends.
const (
	kindText     = "text"
	kindImage    = "image"
	kindVideo    = "video"
	kindAudio    = "audio"
	kindDocument = "document"
	kindSticker  = "sticker"
	kindLocation = "location"

	// These change an earlier message.
	kindReaction = "reaction"
	kindEdit     = "edit"
	kindRevoke   = "revoke"
)

// changesAnother reports whether the message changes another one, so a phone
// does not show it on its own.
func (m *Inbound) changesAnother() bool {
	return m.Kind == kindReaction || m.Kind == kindEdit || m.Kind == kindRevoke
}

// applyChange applies a reaction, an edit or a deletion to the message that it
// names, and does nothing for other messages. The caller holds the lock.
func (st *store) applyChange(c *conversation, m *Inbound) {
	content, _ := m.content[m.Kind].(object)
	original, _ := content["original_message_id"].(string)
	switch m.Kind {
	case kindReaction:
		target, _ := content["message_id"].(string)
		emoji, _ := content["emoji"].(string) // removing a reaction has no emoji
		st.setReaction(c, target, emoji)
	case kindEdit:
		changed, _ := content["message"].(object)
		if target := c.inboundByID(original); target != nil {
			target.Text, target.EditedAt = displayText(target.Kind, changed), m.At
			st.publishInbound(target)
		}
	case kindRevoke:
		if target := c.inboundByID(original); target != nil {
			target.DeletedAt = m.At
			st.publishInbound(target)
		}
	}
}

func (st *store) setReaction(c *conversation, wamid, emoji string) {
	if in := c.inboundByID(wamid); in != nil {
		in.Reaction = emoji
		st.publishInbound(in)
	}
	if out := c.outboundByID(wamid); out != nil {
		out.Reaction = emoji
		st.publish(eventMessage, viewOutbound(out))
	}
}

// publishInbound publishes a message of a person unless it only changes another
// one. The caller holds the lock.
func (st *store) publishInbound(m *Inbound) {
	if !m.changesAnother() {
		st.publish(eventMessage, viewInbound(m))
	}
}
