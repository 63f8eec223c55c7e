package handler_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/service/waitlist"
)

const signUp = `{"username":"John Doe","phone_number":"0712345678"}`

func TestJoinWaitlist_RejectsInvalidBodies(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000)
	for name, tt := range map[string]struct {
		body   string
		status int
		code   string
		fields string // of the details, in order
	}{
		"empty":                         {"", 400, "malformed", ""},
		"only_space":                    {" \n\t", 400, "malformed", ""},
		"truncated":                     {`{"username":"A"`, 400, "malformed", ""},
		"not_json":                      {"username=A&phone_number=0712345678", 400, "malformed", ""},
		"single_quotes":                 {`{'username':'A'}`, 400, "malformed", ""},
		"trailing_comma":                {`{"username":"A",}`, 400, "malformed", ""},
		"two_values":                    {signUp + signUp, 400, "malformed", ""},
		"characters_after_the_value":    {signUp + "}", 400, "malformed", ""},
		"nan":                           {`{"username":NaN}`, 400, "malformed", ""},
		"two_byte_order_marks":          {"\ufeff\ufeff" + signUp, 400, "malformed", ""},
		"byte_order_mark_at_the_end":    {signUp + "\ufeff", 400, "malformed", ""},
		"only_a_byte_order_mark":        {"\ufeff", 400, "malformed", ""},
		"utf16_byte_order_mark":         {"\xff\xfe" + signUp, 400, "malformed", ""},
		"invalid_utf8":                  {"{\"username\":\"J\xff\",\"phone_number\":\"0712345678\"}", 400, "malformed", ""},
		"invalid_utf8_in_a_name":        {"{\"user\xc3\":1}", 400, "malformed", ""},
		"unescaped_nul":                 {"{\"username\":\"J\x00\"}", 400, "malformed", ""},
		"unescaped_newline":             {"{\"username\":\"J\n\"}", 400, "malformed", ""},
		"nested_too_deep":               {deep, 400, "malformed", ""},
		"array":                         {"[" + signUp + "]", 422, "invalid", "body"},
		"string":                        {`"John"`, 422, "invalid", "body"},
		"number":                        {`7`, 422, "invalid", "body"},
		"null":                          {`null`, 422, "invalid", "body"},
		"empty_object":                  {`{}`, 422, "invalid", "username phone_number"},
		"missing_member":                {`{"username":"A"}`, 422, "invalid", "phone_number"},
		"number_instead_of_string":      {`{"username":"A","phone_number":712345678}`, 422, "invalid", "phone_number"},
		"null_instead_of_string":        {`{"username":null,"phone_number":"0712345678"}`, 422, "invalid", "username"},
		"two_wrong_members":             {`{"username":["A"],"phone_number":{}}`, 422, "invalid", "username phone_number"},
		"bool_instead_of_string":        {`{"username":true,"phone_number":"0712345678"}`, 422, "invalid", "username"},
		"deep_list_instead_of_string":   {`{"username":` + deep[29_000:31_000] + `,"phone_number":"0712345678"}`, 422, "invalid", "username"},
		"member_name_in_different_case": {`{"Username":"A","phone_number":"0712345678"}`, 422, "invalid", "username"},
		"over_the_limit":                {`{"username":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "too_large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, newAPI(failIfJoined(t)), post("/waiting-list/", tt.body))
			wantFailure(t, got, tt.status, tt.code)
			if fields := strings.Join(fieldsOf(t, got), " "); fields != tt.fields {
				t.Errorf("details name %q, want %q", fields, tt.fields)
			}
		})
	}
}

// failIfJoined makes the test fail if the request reaches the service.
func failIfJoined(t *testing.T) func(*handler.Options) {
	return func(o *handler.Options) {
		o.Waitlist = joinFunc(func(context.Context, waitlist.SignUp) (waitlist.Added, error) {
			t.Error("Join was called, want the request rejected before")
			return waitlist.Added{}, errors.New("called")
		})
	}
}

func TestJoinWaitlist_PassesMembersUnchanged(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ñ", 10_000)
	johnDoe := waitlist.SignUp{Username: "John Doe", PhoneNumber: "0712345678"}
	for name, tt := range map[string]struct {
		body string
		want waitlist.SignUp
	}{
		"plain":                    {signUp, johnDoe},
		"space_around":             {" \n" + signUp + "\r\n", johnDoe},
		"byte_order_mark":          {"\ufeff" + signUp, johnDoe},
		"byte_order_mark_and_line": {"\ufeff\r\n" + signUp, johnDoe},
		"unknown_members":          {`{"x":{"y":[1]},"username":"A","phone_number":"1","Username":7}`, waitlist.SignUp{Username: "A", PhoneNumber: "1"}},
		"escapes":                  {`{"username":"\u00c9l\u00e8ne \ud83d\ude00","phone_number":"1"}`, waitlist.SignUp{Username: "Élène 😀", PhoneNumber: "1"}},
		"escaped_nul":              {`{"username":"a\u0000b","phone_number":"1"}`, waitlist.SignUp{Username: "a\x00b", PhoneNumber: "1"}},
		"ten_thousand_characters":  {`{"username":"` + long + `","phone_number":"1"}`, waitlist.SignUp{Username: long, PhoneNumber: "1"}},
		"direction_and_zero_width": {`{"username":"\u202eA\u200b","phone_number":"1"}`, waitlist.SignUp{Username: "\u202eA\u200b", PhoneNumber: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var joined waitlist.SignUp
			api := newAPI(func(o *handler.Options) {
				o.Waitlist = joinFunc(func(_ context.Context, in waitlist.SignUp) (waitlist.Added, error) {
					joined = in
					return added(), nil
				})
			})
			send := call
			if strings.HasPrefix(tt.body, "\ufeff") {
				send = callUndescribed // the validator cannot read a byte order mark
			}
			if got := send(t, api, post("/waiting-list", tt.body)); got.status != http.StatusOK || joined != tt.want {
				t.Errorf("got status %d and Join(%+v), want 200 and Join(%+v)", got.status, joined, tt.want)
			}
		})
	}
}

func TestJoinWaitlist_InvisibleNames(t *testing.T) {
	t.Parallel()
	api := newAPI(storing)
	for _, name := range []string{`\u3164`, `\u2800`, `\uffa0`, `\ufe0f`, `\u0301`, `\u202e\u202c`, `\u115f \u1160`, `\ud83d\ude00`} {
		got := call(t, api, post("/waiting-list/", `{"username":"`+name+`","phone_number":"0712345678"}`))
		wantFailure(t, got, http.StatusUnprocessableEntity, "invalid")
		if want := `"details":[{"field":"username","code":"not_visible",`; !strings.Contains(got.body, want) {
			t.Errorf("name %s: got %s, want %s", name, got.body, want)
		}
	}
}

func TestJoinWaitlist_InvalidFields(t *testing.T) {
	t.Parallel()
	invalid := fault.New(fault.Invalid, "the request is not valid")
	invalid.Fields = []fault.Field{
		{Name: "username", Code: fault.FieldTooLong, Message: "must be 1 to 100 characters long"},
		{Name: "phone_number", Code: fault.FieldNotKenyan, Message: "must be a number"},
	}
	got := call(t, newAPI(func(o *handler.Options) { o.Waitlist = joinFailing(invalid) }), post("/waiting-list/", signUp))
	want := `{"status":"failure","data":null,"error":"the request is not valid","code":"invalid","details":[` +
		`{"field":"username","code":"too_long","message":"must be 1 to 100 characters long"},{"field":"phone_number","code":"not_kenyan","message":"must be a number"}]}`
	if got.body != want {
		t.Errorf("got %s, want %s", got.body, want)
	}
}
