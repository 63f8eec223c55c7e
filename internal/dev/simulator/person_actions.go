package simulator

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"
)

// Errors of what a person does on the phone. The page shows their texts.
var (
	errNoMessage   = errors.New("there is no such message")
	errNoText      = errors.New("a message needs a text")
	errNotEditable = errors.New("people can edit only their own texts and captions")
	errTooLate     = errors.New("WhatsApp lets people edit a message for 15 minutes")
)

// editWindow is how long WhatsApp lets people edit a message.
const editWindow = 15 * time.Minute

// sendReply sends a message that quotes another one. With an empty id it sends
// an ordinary message. It returns errNoMessage if the person has no message with
// this id.
func (s *Simulator) sendReply(p Person, quotedID, kind string, content object) (wamid string, err error) {
	if quotedID == "" {
		return s.Send(p, kind, content), nil
	}
	from, found := s.quotedSender(p, quotedID)
	if !found {
		return "", errNoMessage
	}
	content["context"] = object{"from": from, "id": quotedID}
	return s.Send(p, kind, content), nil
}

// quotedSender returns who sent a message of the conversation: a phone number,
// or the user id of a person without one.
func (s *Simulator) quotedSender(p Person, wamid string) (from string, found bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	c := s.store.ensureConversation(p)
	if c.outboundByID(wamid) != nil {
		return s.businessNumber(), true
	}
	if c.inboundByID(wamid) == nil {
		return "", false
	}
	if c.person.Phone == "" {
		return c.person.UserID, true
	}
	return c.person.Phone, true
}

// react sends a person's reaction to a message. An empty emoji removes it. It
// returns errNoMessage if the person has no such message.
func (s *Simulator) react(p Person, wamid, emoji string) error {
	if _, found := s.quotedSender(p, wamid); !found {
		return errNoMessage
	}
	reaction := object{"message_id": wamid}
	if emoji != "" {
		reaction["emoji"] = emoji
	}
	s.Send(p, kindReaction, object{kindReaction: reaction})
	return nil
}

// editMessage sends an edit of the person's own text or caption. It returns
// errNoText, errNoMessage, errNotEditable or errTooLate if a phone would not
// allow it.
func (s *Simulator) editMessage(p Person, wamid, text string) error {
	if strings.TrimSpace(text) == "" {
		return errNoText
	}
	changed, err := s.store.editedMessage(p, wamid, text)
	if err != nil {
		return err
	}
	s.Send(p, kindEdit, object{kindEdit: object{"original_message_id": wamid, "message": changed}})
	return nil
}

// editedMessage returns the content of a message with another text.
func (st *store) editedMessage(p Person, wamid, text string) (object, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	original := st.ensureConversation(p).inboundByID(wamid)
	if original == nil {
		return nil, errNoMessage
	}
	member := "caption"
	switch original.Kind {
	case kindText:
		member = "body"
	case kindImage, kindVideo, kindDocument:
	default:
		return nil, errNotEditable
	}
	if st.now().Sub(original.At) > editWindow {
		return nil, errTooLate
	}
	content, ok := original.content[original.Kind].(object)
	if !ok {
		return nil, errNotEditable
	}
	content = maps.Clone(content)
	content[member] = text
	changed := object{"type": original.Kind, original.Kind: content}
	if quoted, replies := original.content["context"]; replies {
		changed["context"] = quoted
	}
	return changed, nil
}

// deleteMessage deletes the person's own message for everyone. It returns
// errNoMessage if the person wrote no such message.
func (s *Simulator) deleteMessage(p Person, wamid, _ string) error {
	if !s.store.hasInbound(p, wamid) {
		return errNoMessage
	}
	s.Send(p, kindRevoke, object{kindRevoke: object{"original_message_id": wamid}})
	return nil
}

func (st *store) hasInbound(p Person, wamid string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.ensureConversation(p).inboundByID(wamid) != nil
}

// answerFromBusinessPhone sends a text to a person as an employee does in the
// WhatsApp Business app. The service gets it as a webhook of the field
// smb_message_echoes.
func (s *Simulator) answerFromBusinessPhone(p Person, text string) (wamid string, err error) {
	out := s.store.addEcho(p, text)
	body, err := s.echoWebhookBody(out)
	if err != nil {
		return "", err
	}
	hook := webhook{
		label:     exchangeLabel{Summary: "answer from the business phone", Person: out.Person.UserID, Excerpt: excerpt(text)},
		body:      body,
		onAttempt: func(webhookAttempt) {},
	}
	s.spawn(func(ctx context.Context) { s.deliverWebhook(ctx, hook) })
	return out.WAMID, nil
}

// addEcho stores a message to a person that the service did not send.
func (st *store) addEcho(p Person, text string) Outbound {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.notifyChanged()
	c := st.ensureConversation(p)
	m := &Outbound{
		Seq: st.nextSeq(), WAMID: newWAMID(), Person: c.person, Body: text, At: st.now(), Status: StatusDelivered,
		fromBusinessPhone: true,
	}
	c.outbound = keepLast(append(c.outbound, m), maxMessages)
	st.endTyping(c)
	st.publish(eventMessage, viewOutbound(m))
	return *m
}

// messageSummary describes the webhook of a message in the traffic list.
func messageSummary(kind string) string {
	switch kind {
	case kindAudio:
		return "voice note"
	case kindRevoke:
		return "deletion"
	case kindReaction, kindEdit, kindLocation, kindDocument, kindSticker, kindImage, kindVideo:
		return kind
	default:
		return kind + " message"
	}
}
