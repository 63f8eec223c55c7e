package webhook

// statusJSON holds the members of a status that are read.
type statusJSON struct {
	ID              scalar `json:"id"`
	Status          scalar `json:"status"`
	RecipientUserID scalar `json:"recipient_user_id"`
	RecipientID     scalar `json:"recipient_id"`
	Callback        scalar `json:"biz_opaque_callback_data"`
	Errors          []struct {
		Code scalar `json:"code"`
	} `json:"errors"`
}

func (d *decoder) addStatus(raw []byte, in statusJSON) {
	state, known := stateOf(in.Status.text())
	if !known || !in.ID.isID() {
		d.addUnhandled("messages", "a status of an unknown kind", raw)
		return
	}
	status := Status{
		WAMID:     in.ID.text(),
		Callback:  in.Callback.text(),
		Recipient: identityOf(in.RecipientUserID, in.RecipientID),
		State:     state,
	}
	if state == StateFailed && len(in.Errors) > 0 {
		status.ErrorCode = in.Errors[0].Code.int()
	}
	d.batch.Statuses = append(d.batch.Statuses, status)
}

func stateOf(status string) (state State, known bool) {
	switch status {
	case "sent":
		return StateSent, true
	case "delivered":
		return StateDelivered, true
	case "read", "played": // played: a voice note was listened to
		return StateRead, true
	case "failed":
		return StateFailed, true
	}
	return "", false
}
