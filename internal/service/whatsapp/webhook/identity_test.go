package webhook

import (
	"fmt"
	"strings"
	"testing"
)

// A message is answered on the phone of the person that it or its own contact
// names, and on no other.
func TestDecode_WhoseMessage(t *testing.T) {
	t.Parallel()
	const contactA = `{"profile":{"name":"A"},"wa_id":"254711000001","user_id":"KE.8000000000000000001"}`
	const a, b = "KE.8000000000000000001/254711000001/A", "254711000002"
	message := func(ids string) string { return `{` + ids + `"id":"w","type":"text","text":{"body":"x"}}` }
	messageOfA := message(`"from":"254711000001","from_user_id":"KE.8000000000000000001",`)
	tests := map[string]struct {
		contacts, messages string
		want               string // senders; "-" for an unhandled item
	}{
		"other_number_beside_contact":      {contactA, messageOfA + `,` + message(`"from":"254711000002",`), a + " " + b},
		"other_number_comes_first":         {contactA, message(`"from":"254711000002",`) + `,` + messageOfA, b + " " + a},
		"other_user_id_comes_first":        {contactA, message(`"from":"","from_user_id":"KE.8000000000000000002",`) + `,` + messageOfA, "KE.8000000000000000002 " + a},
		"other_user_id_alone":              {contactA, message(`"from":"","from_user_id":"KE.8000000000000000002",`), "KE.8000000000000000002"},
		"other_user_id_in_from":            {contactA, message(`"from":"KE.8000000000000000002",`), "KE.8000000000000000002"},
		"other_number_alone":               {contactA, message(`"from":"254711000002",`), b},
		"same_number_other_user_id":        {contactA, message(`"from":"254711000001","from_user_id":"KE.2",`), "KE.2/254711000001"},
		"same_user_id_other_number":        {contactA, message(`"from":"254711000002","from_user_id":"KE.8000000000000000001",`), "KE.8000000000000000001/254711000002"},
		"unreadable_sender":                {contactA, message(`"from":"+254 711",`), "-"},
		"unreadable_user_id":               {contactA, message(`"from_user_id":"?",`), "-"},
		"number_of_own_contact":            {contactA, message(`"from":"254711000001",`), a},
		"number_with_plus":                 {contactA, message(`"from":"+254711000001",`), a},
		"number_with_spaces":               {contactA, message(`"from":" 254711000001 ",`), a},
		"number_as_number":                 {contactA, message(`"from":254711000001,`), a},
		"user_id_of_own_contact":           {contactA, message(`"from_user_id":"KE.8000000000000000001",`), a},
		"user_id_in_other_case":            {contactA, message(`"from_user_id":"ke.8000000000000000001",`), a},
		"user_id_in_from":                  {contactA, message(`"from":"ke.8000000000000000001",`), a},
		"contact_without_user_id":          {`{"profile":{"name":"A"},"wa_id":"254711000001"}`, message(`"from":"254711000001","from_user_id":"KE.1",`), "KE.1/254711000001/A"},
		"contact_with_user_id_as_number":   {`{"profile":{"name":"A"},"wa_id":"KE.1"}`, message(`"from_user_id":"KE.1",`), "KE.1/A"},
		"contact_with_empty_ids":           {`{"profile":{"name":"A"},"wa_id":"","user_id":""}`, message(`"from":"254711000001",`), "254711000001"},
		"two_contacts":                     {contactA + `,{"profile":{"name":"B"},"wa_id":"254711000002"}`, messageOfA + `,` + message(`"from":"254711000002",`), a + " " + b + "/B"},
		"second_contact_names_user_id":     {`{"wa_id":"254711000001"},{"profile":{"name":"A"},"wa_id":"254711000001","user_id":"KE.1"}`, message(`"from":"254711000001",`), "KE.1/254711000001/A"},
		"contacts_contradict_each_other":   {contactA + `,{"profile":{"name":"B"},"wa_id":"254711000001","user_id":"KE.2"}`, message(`"from":"254711000001",`), "254711000001"},
		"three_contacts_contradict":        {contactA + `,{"wa_id":"254711000001","user_id":"KE.2"},{"wa_id":"254711000001"}`, message(`"from":"254711000001",`), "254711000001"},
		"digits_as_user_id":                {`{"wa_id":"254711000001"}`, message(`"from_user_id":"254711000001",`), "254711000001"},
		"no_sender_one_contact":            {contactA, message(``), a},
		"empty_sender_one_contact":         {contactA, message(`"from":"","from_user_id":" ",`), a},
		"null_sender_one_contact":          {contactA, message(`"from":null,"from_user_id":null,`), a},
		"no_sender_one_contact_in_two":     {contactA, messageOfA + `,` + message(``), a + " -"},
		"no_sender_two_contacts":           {contactA + `,{"wa_id":"254711000002"}`, message(``), "-"},
		"no_sender_two_contacts_one_empty": {contactA + `,{}`, message(``), "-"},
		"no_sender_no_contact":             {``, message(``), "-"},
		"user_id_of_other_form":            {`{"profile":{"name":"S","username":"@s"},"wa_id":"","user_id":"user.93737283948271"}`, message(`"from":"","from_user_id":"user.93737283948271",`), "user.93737283948271/S"},
		"user_id_of_other_form_in_from":    {``, message(`"from":"user.93737283948271",`), "user.93737283948271"},
		"lower_case_country":               {``, message(`"from_user_id":"ke.123",`), "KE.123"},
		"lower_case_country_in_from":       {``, message(`"from":"ke.123",`), "KE.123"},
		"parent_user_id_form":              {``, message(`"from_user_id":"KE.ENT.118157992128",`), "KE.ENT.118157992128"},
		"user_id_without_dot":              {``, message(`"from_user_id":"a1-B_2",`), "a1-B_2"},
		"longest_user_id":                  {``, message(`"from_user_id":"KE.` + strings.Repeat("x", 140) + `",`), "KE." + strings.Repeat("x", 140)},
		"too_long_user_id":                 {``, message(`"from_user_id":"KE.` + strings.Repeat("x", 141) + `",`), "-"},
		"fraction_as_number":               {``, message(`"from":2547.11,`), "-"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"entry":[{"changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"phone_number_id":"100000000000001"},"contacts":[%s],"messages":[%s]}}]}]}`,
				tt.contacts, tt.messages)
			batch := decode([]byte(body))
			var senders []string
			for _, m := range batch.Messages {
				senders = append(senders, joinNonEmpty("/", m.Sender.BSUID, m.Sender.WaID.Reveal(), m.Sender.Name.Reveal()))
			}
			for range batch.Unhandled {
				senders = append(senders, "-")
			}
			if got := strings.Join(senders, " "); got != tt.want {
				t.Errorf("got senders %s, want %s", got, tt.want)
			}
		})
	}
}

// Statuses, echoes and preferences never take a person from a contact that names
// somebody else.
func TestDecode_WhoseEvent(t *testing.T) {
	t.Parallel()
	const contactA = `"contacts":[{"profile":{"name":"A"},"wa_id":"254711000001","user_id":"KE.1"}],`
	for name, tt := range map[string]struct{ field, items, want string }{
		"status_of_other":              {"messages", `"statuses":[{"id":"w","status":"read","recipient_id":"254711000002"}]`, "254711000002"},
		"status_of_nobody":             {"messages", `"statuses":[{"id":"w","status":"read"}]`, ""},
		"status_of_lower_case_user_id": {"messages", `"statuses":[{"id":"w","status":"read","recipient_id":"ke.2"}]`, "KE.2"},
		"status_of_other_form":         {"messages", `"statuses":[{"id":"w","status":"read","recipient_id":"","recipient_user_id":"user.2"}]`, "user.2"},
		"echo_to_other":                {"smb_message_echoes", `"message_echoes":[{"id":"w","to":"254711000002"}]`, "254711000002"},
		"echo_to_nobody":               {"smb_message_echoes", `"message_echoes":[{"id":"w","to":""}]`, "-"},
		"echo_to_other_form":           {"smb_message_echoes", `"message_echoes":[{"id":"w","to_user_id":"user.2"}]`, "user.2"},
		"preference_of_other":          {"user_preferences", `"user_preferences":[{"wa_id":"254711000002","value":"stop"}]`, "254711000002"},
		"preference_of_other_user_id":  {"user_preferences", `"user_preferences":[{"wa_id":"","user_id":"ke.2","value":"stop"}]`, "KE.2"},
		"preference_of_own_contact":    {"user_preferences", `"user_preferences":[{"wa_id":"254711000001","value":"stop"}]`, "KE.1/254711000001"},
		"preference_without_person":    {"user_preferences", `"user_preferences":[{"value":"stop"}]`, "KE.1/254711000001"},
		"preferences_without_person":   {"user_preferences", `"user_preferences":[{"value":"stop"},{"value":"resume"}]`, "- -"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := decode(fmt.Appendf(nil, `{"entry":[{"changes":[{"field":%q,"value":{%s%s}}]}]}`, tt.field, contactA, tt.items))
			var persons []string
			add := func(who Identity) { persons = append(persons, joinNonEmpty("/", who.BSUID, who.WaID.Reveal())) }
			for _, s := range batch.Statuses {
				add(s.Recipient)
			}
			for _, e := range batch.Echoes {
				add(e.To)
			}
			for _, p := range batch.Preferences {
				add(p.Who)
			}
			for range batch.Unhandled {
				persons = append(persons, "-")
			}
			if got := strings.Join(persons, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
