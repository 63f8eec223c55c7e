package webhook

import (
	"fmt"
	"strings"
	"testing"
)

// describe writes a batch as lines, so that a table can hold what is expected.
func describe(b Batch) string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	name := func(i Identity) string { return joinNonEmpty("/", i.BSUID, i.WaID.Reveal()) }
	for _, m := range b.Messages {
		line := fmt.Sprintf("%s of %s: %q", m.Type, name(m.Sender), m.Text.Reveal())
		if m.Media.ID != "" {
			line += joinNonEmpty(" ", " with", m.Media.ID, m.Media.MIMEType, m.Media.Filename.Reveal())
		}
		if m.QuotedWAMID != "" {
			line += " quoting " + m.QuotedWAMID
		}
		add("%s", line)
	}
	for _, s := range b.Statuses {
		add("status %s of %s %s", s.State, s.WAMID, joinNonEmpty(" ", s.Callback, strings.Trim(fmt.Sprint(s.ErrorCode), "0")))
	}
	for _, e := range b.Edits {
		add("edit %s: %q", e.WAMID, e.Text.Reveal())
	}
	for _, r := range b.Revokes {
		add("revoke %s", r.WAMID)
	}
	for _, r := range b.IdentityChanges {
		add("%s is now %s", name(r.From), name(r.To))
	}
	for _, e := range b.Echoes {
		add("echo to %s", name(e.To))
	}
	for _, p := range b.Preferences {
		add("stop %v of %s", p.OptOut, name(p.Who))
	}
	for _, k := range b.Unhandled {
		add("kept %s", k.Field)
	}
	return strings.Join(lines, "; ")
}

// Every message that WhatsApp documents, each as its own payload. F and ID
// stand for a sender and an id, which all of them have.
func TestDecode_MessageTypes(t *testing.T) {
	t.Parallel()
	const who = "KE.134912/254712345678"
	tests := map[string]struct{ message, want string }{
		"text":                    {`{F,ID,"type":"text","text":{"body":"Hi"}}`, `text of W: "Hi"`},
		"text in reply":           {`{F,ID,"type":"text","text":{"body":"Hi"},"context":{"from":"254700000000","id":"wamid.P"}}`, `text of W: "Hi" quoting wamid.P`},
		"forwarded":               {`{F,ID,"type":"text","text":{"body":"Hi"},"context":{"forwarded":true,"frequently_forwarded":true}}`, `text of W: "Hi"`},
		"product inquiry":         {`{F,ID,"type":"text","text":{"body":"Hi"},"context":{"from":"2","id":"wamid.P","referred_product":{"catalog_id":"C","product_retailer_id":"SKU"}}}`, `text of W: "Hi\n(about the product SKU)" quoting wamid.P`},
		"from an advertisement":   {`{F,ID,"type":"text","text":{"body":"Hi"},"referral":{"source_type":"ad","headline":"H","body":"B","ctwa_clid":"x","welcome_message":{"text":"y"}}}`, `text of W: "Hi\n(came from the advertisement “H: B”)"`},
		"image":                   {`{F,ID,"type":"image","image":{"id":"M1","mime_type":"image/jpeg","sha256":"x","caption":"c","url":"https://lookaside.fbsbx.com/x"}}`, `image of W: "c" with M1 image/jpeg`},
		"voice note":              {`{F,ID,"type":"audio","audio":{"id":"M1","mime_type":"audio/ogg; codecs=opus","voice":true}}`, `audio of W: "" with M1 audio/ogg; codecs=opus`},
		"voice, the old form":     {`{F,ID,"type":"voice","voice":{"id":"M1","mime_type":"audio/ogg"}}`, `voice of W: "" with M1 audio/ogg`},
		"video":                   {`{F,ID,"type":"video","video":{"id":"M1","mime_type":"video/mp4","caption":"c"}}`, `video of W: "c" with M1 video/mp4`},
		"document":                {`{F,ID,"type":"document","document":{"id":"M1","mime_type":"application/pdf","filename":"a.pdf","caption":"c"}}`, `document of W: "c" with M1 application/pdf a.pdf`},
		"sticker":                 {`{F,ID,"type":"sticker","sticker":{"id":"M1","mime_type":"image/webp","animated":false}}`, `sticker of W: "" with M1 image/webp`},
		"location":                {`{F,ID,"type":"location","location":{"latitude":-1.28,"longitude":36.82,"name":"N","address":"A"}}`, `location of W: "My location: N, A (-1.28, 36.82)"`},
		"pin, numbers as strings": {`{F,ID,"type":"location","location":{"latitude":"-1.28","longitude":"36.82"}}`, `location of W: "My location: (-1.28, 36.82)"`},
		"contacts": {`{F,ID,"type":"contacts","contacts":[{"name":{"formatted_name":"A B","first_name":"A"},"phones":[{"phone":"+254711","wa_id":"254711","type":"CELL"}],"emails":[{"email":"a@b.c"}],"org":{}},{"name":{"first_name":"C"},"phones":[]}]}`,
			`contacts of W: "Contact: A B, +254711, a@b.c\nContact: C"`},
		"contact shared on request":    {`{F,ID,"type":"contacts","contacts":[{"name":{"formatted_name":"A"},"origin":"contact_request"}]}`, `contacts of W: "Contact: A"`},
		"reaction":                     {`{F,ID,"type":"reaction","reaction":{"message_id":"wamid.P","emoji":"👍"}}`, `kept messages`},
		"reaction taken away":          {`{F,ID,"type":"reaction","reaction":{"message_id":"wamid.P"}}`, `kept messages`},
		"button of a template":         {`{F,ID,"type":"button","button":{"text":"Yes","payload":"YES"},"context":{"id":"wamid.P"}}`, `button of W: "Yes" quoting wamid.P`},
		"reply button":                 {`{F,ID,"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"1","title":"Yes"}}}`, `interactive of W: "Yes"`},
		"row of a list":                {`{F,ID,"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"1","title":"T","description":"D"}}}`, `interactive of W: "T: D"`},
		"form":                         {`{F,ID,"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{\"flow_token\":\"t\",\"x\":\"1\",\"n\":2}"}}}`, `interactive of W: "Sent\nn: 2\nx: 1"`},
		"form that is no object":       {`{F,ID,"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"body":"Sent","response_json":"[1]"}}}`, `interactive of W: "Sent\n[1]"`},
		"address":                      {`{F,ID,"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"address_message","body":"Nairobi"}}}`, `interactive of W: "Nairobi"`},
		"permission to call":           {`{F,ID,"type":"interactive","interactive":{"type":"call_permission_reply","call_permission_reply":{"response":"accept","expiration_timestamp":1753186982}}}`, `kept messages`},
		"interactive without its body": {`{F,ID,"type":"interactive"}`, `interactive of W: ""`},
		"order, numbers as strings": {`{F,ID,"type":"order","order":{"catalog_id":"C","text":"soon","product_items":[{"product_retailer_id":"SKU","quantity":"1","item_price":10.5,"currency":"KES"}]}}`,
			`order of W: "My order:\n1 × SKU at 10.5 KES\nsoon"`},
		"number changed":          {`{"from":"254712345678",ID,"type":"system","system":{"type":"user_changed_number","body":"x","wa_id":"254799999999"}}`, `254712345678 is now 254799999999`},
		"number changed, old":     {`{"from":"254712345678",ID,"type":"system","system":{"type":"user_changed_number","new_wa_id":"254799999999"}}`, `254712345678 is now 254799999999`},
		"number changed, new":     {`{"from":"254712345678",ID,"type":"system","system":{"type":"user_changed_number","wa_id":"254799999999","user_id":"KE.new","previous_user_id":"KE.old"}}`, `KE.old/254712345678 is now KE.new/254799999999`},
		"user id changed":         {`{ID,"type":"system","system":{"type":"user_changed_user_id","user_id":"KE.new","previous_user_id":"KE.old"}}`, `KE.old is now KE.new`},
		"identity changed":        {`{F,ID,"type":"system","system":{"type":"customer_identity_changed"},"identity":{"acknowledged":true,"created_timestamp":1697044706}}`, `kept messages`},
		"edit":                    {`{F,ID,"type":"edit","edit":{"original_message_id":"wamid.O","message":{"type":"text","text":{"body":"new"},"context":{"id":"M0"}}}}`, `edit wamid.O: "new"`},
		"revoke":                  {`{F,ID,"type":"revoke","revoke":{"original_message_id":"wamid.O"}}`, `revoke wamid.O`},
		"unsupported":             {`{F,ID,"type":"unsupported","errors":[{"code":131051,"title":"x","error_data":{"details":"y"}}],"unsupported":{"type":"poll_creation"}}`, `unsupported of W: ""`},
		"unknown, the old form":   {`{F,ID,"type":"unknown","errors":[{"code":131051}]}`, `unknown of W: ""`},
		"welcome, the old form":   {`{F,ID,"type":"request_welcome"}`, `kept messages`},
		"a type of the future":    {`{F,ID,"type":"zzz","zzz":{}}`, `kept messages`},
		"no type":                 {`{F,ID}`, `kept messages`},
		"a group's":               {`{F,ID,"group_id":"G","type":"text","text":{"body":"Hi"}}`, `kept messages`},
		"without an id":           {`{F,"type":"text","text":{"body":"Hi"}}`, `kept messages`},
		"a timestamp as a number": {`{F,ID,"timestamp":1767225600,"type":"text","text":{"body":"Hi"}}`, `text of W: "Hi"`},
		"a body that is a number": {`{F,ID,"type":"text","text":{"body":42}}`, `text of W: "42"`},
		"a text that is a string": {`{F,ID,"type":"text","text":"Hi"}`, `text of W: ""`},
		"NUL in the text":         {`{F,ID,"type":"text","text":{"body":"a\u0000b"}}`, `text of W: "a` + "\uFFFD" + `b"`},
		"members of odd types":    {`{"from":{},"id":[],"type":1}`, `kept messages`},
		"no object at all":        {`[1,2]`, `kept messages`},
	}
	// Documented as types, and not seen in messages to us.
	for _, kind := range []string{"ephemeral", "media_placeholder", "gif", "group_invite", "pin", "poll_creation", "poll_update",
		"keep_in_chat", "link_preview", "list", "product", "hsm"} {
		tests[kind] = struct{ message, want string }{`{F,ID,"type":"` + kind + `","` + kind + `":{}}`, `kept messages`}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := strings.NewReplacer(`F,`, `"from":"254712345678",`, `F}`, `"from":"254712345678"}`,
				`ID,`, `"id":"wamid.A",`, `ID}`, `"id":"wamid.A"}`).Replace(tt.message)
			want := strings.ReplaceAll(tt.want, "of W:", "of "+who+":")
			if got := describe(decode([]byte(webhook(message, ``)))); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Meta names a sender in several ways.
func TestDecode_Senders(t *testing.T) {
	t.Parallel()
	const body = `{"entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":%s},%s"messages":[%s]}}]}]}`
	for name, tt := range map[string]struct{ number, contacts, message, want string }{
		"number, id and name":         {`"1"`, `"contacts":[{"profile":{"name":"W","username":"w"},"wa_id":"254712345678","user_id":"KE.1","parent_user_id":"KE.ENT.1"}],`, `{"from":"254712345678","from_user_id":"KE.1"`, "KE.1/254712345678"},
		"no contacts":                 {`"1"`, ``, `{"from":"254712345678"`, "254712345678"},
		"numbers as numbers":          {`1`, `"contacts":[{"wa_id":254712345678}],`, `{"from":254712345678`, "254712345678"},
		"user id alone":               {`"1"`, `"contacts":[{"profile":{},"user_id":"KE.1"}],`, `{"from_user_id":"KE.1"`, "KE.1"},
		"user id in place of number":  {`"1"`, ``, `{"from":"KE.1"`, "KE.1"},
		"no from, one contact":        {`"1"`, `"contacts":[{"wa_id":"254712345678"}],`, `{"x":1`, "254712345678"},
		"its contact among several":   {`"1"`, `"contacts":[{"wa_id":"254700000001","user_id":"KE.1"},{"wa_id":"254700000002","user_id":"KE.2"}],`, `{"from":"254700000002"`, "KE.2/254700000002"},
		"no contact of its among two": {`"1"`, `"contacts":[{"user_id":"KE.1"},{"user_id":"KE.2"}],`, `{"from":"254700000002"`, "254700000002"},
		"contacts of odd types":       {`"1"`, `"contacts":["x",7,{"profile":"y"}],`, `{"from":"254712345678"`, "254712345678"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := tt.message + `,"id":"wamid.A","type":"text","text":{"body":"Hi"}}`
			want := "text of " + tt.want + `: "Hi"`
			if got := describe(decode(fmt.Appendf(nil, body, tt.number, tt.contacts, message))); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestDecode_StatusTypes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ status, want string }{
		"sent, with everything": {`{"id":"wamid.O","status":"sent","timestamp":"1767225600","recipient_id":"254712345678","recipient_user_id":"KE.1","biz_opaque_callback_data":"cb",
			"conversation":{"id":"C1","expiration_timestamp":1767312000,"origin":{"type":"service"}},"pricing":{"billable":true,"category":"service"}}`, "status sent of wamid.O cb"},
		"delivered":               {`{"id":"wamid.O","status":"delivered"}`, "status delivered of wamid.O "},
		"read":                    {`{"id":"wamid.O","status":"read","timestamp":1767225600}`, "status read of wamid.O "},
		"a voice note played":     {`{"id":"wamid.O","status":"played"}`, "status read of wamid.O "},
		"failed":                  {`{"id":"wamid.O","status":"failed","errors":[{"code":131047,"title":"x","error_data":{"details":"y"},"href":"z"}]}`, "status failed of wamid.O 131047"},
		"failed, the old form":    {`{"id":"wamid.O","status":"failed","errors":[{"code":"131026","details":"y"}]}`, "status failed of wamid.O 131026"},
		"failed without a reason": {`{"id":"wamid.O","status":"failed"}`, "status failed of wamid.O "},
		"of a group":              {`{"id":"wamid.O","status":"read","recipient_type":"group","recipient_participant_id":"2547"}`, "status read of wamid.O "},
		"deleted":                 {`{"id":"wamid.O","status":"deleted"}`, "kept messages"},
		"of the future":           {`{"id":"wamid.O","status":"warning"}`, "kept messages"},
		"without an id":           {`{"status":"sent"}`, "kept messages"},
		"no object":               {`"sent"`, "kept messages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := describe(decode([]byte(webhook(``, tt.status)))); strings.TrimSpace(got) != strings.TrimSpace(tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Every other field that a webhook can be about. None of them is ever answered.
func TestDecode_OtherFields(t *testing.T) {
	t.Parallel()
	const metadata = `"metadata":{"phone_number_id":"1"},`
	for name, tt := range map[string]struct{ field, value, want string }{
		"account_update":                     {"account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"x","expiration":1641330498}]}`, "kept account_update"},
		"account_alerts":                     {"account_alerts", `{"entity_type":"WABA","alert_severity":"WARNING"}`, "kept account_alerts"},
		"account_review_update":              {"account_review_update", `{"decision":"APPROVED"}`, "kept account_review_update"},
		"account_settings_update":            {"account_settings_update", `{"messaging_product":"whatsapp","phone_number_settings":{}}`, "kept account_settings_update"},
		"business_capability_update":         {"business_capability_update", `{"max_daily_conversation_per_phone":1000}`, "kept business_capability_update"},
		"calls":                              {"calls", `{` + metadata + `"contacts":[{"wa_id":"254712345678"}],"calls":[{"id":"wacid.1","from":"254712345678","event":"connect"}]}`, "kept calls"},
		"call statuses":                      {"calls", `{` + metadata + `"statuses":[{"id":"wacid.1","type":"call","status":"RINGING"}]}`, "kept calls"},
		"flows":                              {"flows", `{"event":"FLOW_STATUS_CHANGE"}`, "kept flows"},
		"group_lifecycle_update":             {"group_lifecycle_update", `{` + metadata + `"groups":[{"group_id":"G"}]}`, "kept group_lifecycle_update"},
		"group_participants_update":          {"group_participants_update", `{` + metadata + `"groups":[{"group_id":"G","type":"group_participants_add"}]}`, "kept group_participants_update"},
		"group_settings_update":              {"group_settings_update", `{` + metadata + `"groups":[{"group_id":"G"}]}`, "kept group_settings_update"},
		"group_status_update":                {"group_status_update", `{` + metadata + `"groups":[{"group_id":"G"}]}`, "kept group_status_update"},
		"partner_solutions":                  {"partner_solutions", `{"event":"SOLUTION_CREATED"}`, "kept partner_solutions"},
		"payment_configuration_update":       {"payment_configuration_update", `{"status":"x"}`, "kept payment_configuration_update"},
		"tracking_events":                    {"tracking_events", `{"x":1}`, "kept tracking_events"},
		"history":                            {"history", `{` + metadata + `"history":[{"threads":[{"id":"254712345678","messages":[{"from":"254712345678","id":"w","type":"text","text":{"body":"old"}}]}]}]}`, "kept history"},
		"history declined":                   {"history", `{` + metadata + `"history":[{"errors":[{"code":1}]}]}`, "kept history"},
		"history with media":                 {"history", `{` + metadata + `"messages":[{"from":"254712345678","id":"w","type":"image","image":{"id":"M"}}]}`, "kept history"},
		"smb_app_state_sync":                 {"smb_app_state_sync", `{` + metadata + `"state_sync":[{"type":"contact","contact":{"phone_number":"254712345678"}}]}`, "kept smb_app_state_sync"},
		"smb_message_echoes":                 {"smb_message_echoes", `{` + metadata + `"message_echoes":[{"from":"254700000000","to":"254712345678","to_user_id":"KE.1","id":"w","type":"text","text":{"body":"x"}}]}`, "echo to KE.1/254712345678"},
		"an echo to nobody":                  {"smb_message_echoes", `{` + metadata + `"message_echoes":[{"id":"w"}]}`, "kept smb_message_echoes"},
		"message_template_status_update":     {"message_template_status_update", `{"event":"APPROVED","reason":null}`, "kept message_template_status_update"},
		"message_template_quality_update":    {"message_template_quality_update", `{"new_quality_score":"YELLOW"}`, "kept message_template_quality_update"},
		"message_template_components_update": {"message_template_components_update", `{"message_template_id":1}`, "kept message_template_components_update"},
		"template_category_update":           {"template_category_update", `{"new_category":"MARKETING"}`, "kept template_category_update"},
		"phone_number_name_update":           {"phone_number_name_update", `{"decision":"APPROVED","rejection_reason":null}`, "kept phone_number_name_update"},
		"phone_number_quality_update":        {"phone_number_quality_update", `{"event":"FLAGGED"}`, "kept phone_number_quality_update"},
		"security":                           {"security", `{"event":"PIN_CHANGED"}`, "kept security"},
		"user_preferences stop":              {"user_preferences", `{` + metadata + `"user_preferences":[{"wa_id":"254712345678","category":"marketing_messages","value":"stop","timestamp":1767225600}]}`, "stop true of 254712345678"},
		"user_preferences resume":            {"user_preferences", `{` + metadata + `"contacts":[{"user_id":"KE.1"}],"user_preferences":[{"value":"resume","timestamp":"1767225600"}]}`, "stop false of KE.1"},
		"user_preferences of another kind":   {"user_preferences", `{` + metadata + `"user_preferences":[{"wa_id":"254712345678","value":"signup"}]}`, "kept user_preferences"},
		"standby":                            {"standby", `{` + metadata + `"messages":[{"from":"254712345678","id":"w","type":"text","text":{"body":"x"}}]}`, "kept standby"},
		"messaging_handovers":                {"messaging_handovers", `{` + metadata + `"x":1}`, "kept messaging_handovers"},
		"automatic_events":                   {"automatic_events", `{}`, "kept automatic_events"},
		"user_id_update":                     {"user_id_update", `{"x":1}`, "kept user_id_update"},
		"a field of the future":              {"zzz", `[1]`, "kept zzz"},
		"errors of the platform alone":       {"messages", `{` + metadata + `"errors":[{"code":131000,"title":"x"}]}`, "kept messages"},
		"an error beside an interactive":     {"messages", `{` + metadata + `"messages":[{"from":"254712345678","id":"w","type":"interactive"}],"errors":[{"code":131000}]}`, `interactive of 254712345678: ""; kept messages`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","time":1767225600,"changes":[{"field":%q,"value":%s}]}]}`, tt.field, tt.value)
			if got := describe(decode([]byte(body))); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// An edit or a revocation names its sender as a message does.
func TestDecode_SenderOfChange(t *testing.T) {
	t.Parallel()
	const contactA = `{"profile":{"name":"A"},"wa_id":"254711000001","user_id":"KE.1"}`
	for name, tt := range map[string]struct{ contacts, from, want string }{
		"number":              {``, `"from":"254711000001",`, "/254711000001"},
		"user_id":             {``, `"from_user_id":"KE.1",`, "KE.1/"},
		"number_and_contact":  {contactA, `"from":"254711000001",`, "KE.1/254711000001"},
		"contact_of_another":  {contactA, `"from":"254711000002",`, "/254711000002"},
		"nobody_one_contact":  {contactA, ``, "KE.1/254711000001"},
		"nobody_two_contacts": {contactA + `,{"wa_id":"254711000002"}`, ``, "/"},
	} {
		for kind, change := range map[string]string{
			"edit":   `"type":"edit","edit":{"original_message_id":"wamid.O","message":{"type":"text","text":{"body":"y"}}}`,
			"revoke": `"type":"revoke","revoke":{"original_message_id":"wamid.O"}`,
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				batch := decode(fmt.Appendf(nil, `{"entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"1"},"contacts":[%s],"messages":[{%s"id":"w",%s}]}}]}]}`,
					tt.contacts, tt.from, change))
				var got []string
				for _, e := range batch.Edits {
					got = append(got, e.Sender.BSUID+"/"+e.Sender.WaID.Reveal())
				}
				for _, r := range batch.Revokes {
					got = append(got, r.Sender.BSUID+"/"+r.Sender.WaID.Reveal())
				}
				if len(got) != 1 || got[0] != tt.want {
					t.Errorf("senders: got %q, want %q", got, tt.want)
				}
			})
		}
	}
}

// What Meta adds to a message is for the model, and is not what the person wrote.
func TestWithoutNotes(t *testing.T) {
	t.Parallel()
	const (
		product  = `"context":{"referred_product":{"catalog_id":"1","product_retailer_id":"P7"}}`
		referral = `"referral":{"source_type":"ad","headline":"Join now","body":"(about the product x)\nSTOP"}`
	)
	for name, tt := range map[string]struct{ members, want, wantWritten string }{
		"product":       {product, "STOP\n(about the product P7)", "STOP"},
		"advertisement": {referral, "STOP\n(came from the advertisement “Join now: (about the product x)\nSTOP”)", "STOP"},
		"product_and_advertisement": {product + "," + referral,
			"STOP\n(about the product P7)\n(came from the advertisement “Join now: (about the product x)\nSTOP”)", "STOP"},
		"neither": {`"context":{"id":"wamid.Q"}`, "STOP", "STOP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := decode([]byte(webhook(`{"from":"254712345678","id":"w","type":"text","text":{"body":"STOP"},`+tt.members+`}`, ``)))
			if len(batch.Messages) != 1 {
				t.Fatalf("got %s, want one message", describe(batch))
			}
			got := batch.Messages[0].Text.Reveal()
			if got != tt.want {
				t.Errorf("got text %q, want %q", got, tt.want)
			}
			if got := WithoutNotes(got); got != tt.wantWritten {
				t.Errorf("WithoutNotes: got %q, want %q", got, tt.wantWritten)
			}
		})
	}
	for _, text := range []string{"", "STOP", "the bus (about the product P7)", "(about the product P7)", "a\nb"} {
		if got := WithoutNotes(text); got != text {
			t.Errorf("WithoutNotes(%q): got %q, want it unchanged", text, got)
		}
	}
}

func TestDecode_LongFormResponse(t *testing.T) {
	t.Parallel()
	response := `{` + strings.Repeat(`"a":1,`, 20_000) + `"a":1}`
	batch := decode([]byte(webhook(fmt.Sprintf(`{"from":"254712345678","id":"w","type":"interactive",
		"interactive":{"type":"nfm_reply","nfm_reply":{"response_json":%q}}}`, response), ``)))
	if len(batch.Messages) != 1 {
		t.Fatalf("got %s, want one message", describe(batch))
	}
	if got := batch.Messages[0].Text.Reveal(); got != response[:maxText] {
		t.Errorf("got a text of %d bytes that begins with %.20q, want the beginning of the response", len(got), got)
	}
}
