package handler_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

func TestBadBodiesAreRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000)
	for name, tt := range map[string]struct {
		body   string
		status int
		code   string
		fields string // of the details, in order
	}{
		"empty":                      {"", 400, "malformed", ""},
		"only space":                 {" \n\t", 400, "malformed", ""},
		"cut off":                    {`{"username":"A"`, 400, "malformed", ""},
		"not JSON":                   {"username=A&phone_number=0712345678", 400, "malformed", ""},
		"single quotes":              {`{'username':'A'}`, 400, "malformed", ""},
		"trailing comma":             {`{"username":"A",}`, 400, "malformed", ""},
		"two values":                 {signUp + signUp, 400, "malformed", ""},
		"a value and rubbish":        {signUp + "}", 400, "malformed", ""},
		"NaN":                        {`{"username":NaN}`, 400, "malformed", ""},
		"byte order mark":            {"\ufeff" + signUp, 400, "malformed", ""},
		"invalid UTF-8":              {"{\"username\":\"J\xff\",\"phone_number\":\"0712345678\"}", 400, "malformed", ""},
		"invalid UTF-8 in a name":    {"{\"user\xc3\":1}", 400, "malformed", ""},
		"a raw NUL":                  {"{\"username\":\"J\x00\"}", 400, "malformed", ""},
		"a raw line end in a string": {"{\"username\":\"J\n\"}", 400, "malformed", ""},
		"too deep for JSON":          {deep, 400, "malformed", ""},
		"an array":                   {"[" + signUp + "]", 422, "invalid", "body"},
		"a string":                   {`"John"`, 422, "invalid", "body"},
		"a number":                   {`7`, 422, "invalid", "body"},
		"null":                       {`null`, 422, "invalid", "body"},
		"an empty object":            {`{}`, 422, "invalid", "username phone_number"},
		"a missing member":           {`{"username":"A"}`, 422, "invalid", "phone_number"},
		"a number for a string":      {`{"username":"A","phone_number":712345678}`, 422, "invalid", "phone_number"},
		"null for a string":          {`{"username":null,"phone_number":"0712345678"}`, 422, "invalid", "username"},
		"wrong in two members":       {`{"username":["A"],"phone_number":{}}`, 422, "invalid", "username phone_number"},
		"a bool for a string":        {`{"username":true,"phone_number":"0712345678"}`, 422, "invalid", "username"},
		"deep for a string":          {`{"username":` + deep[29_000:31_000] + `,"phone_number":"0712345678"}`, 422, "invalid", "username"},
		"a name in another case":     {`{"Username":"A","phone_number":"0712345678"}`, 422, "invalid", "username"},
		"over the limit":             {`{"username":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "too_large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, newAPI(refuseToJoin(t)), post("/waiting-list/", tt.body))
			wantFailure(t, got, tt.status, tt.code)
			if fields := strings.Join(fieldsOf(t, got), " "); fields != tt.fields {
				t.Errorf("details name %q, want %q", fields, tt.fields)
			}
		})
	}
}

// refuseToJoin makes a test fail if the request reaches the service.
func refuseToJoin(t *testing.T) func(*handler.Options) {
	return func(o *handler.Options) {
		o.Waitlist = joinFunc(func(context.Context, waitlist.SignUp) (waitlist.Entry, error) {
			t.Error("the service was called")
			return waitlist.Entry{}, errors.New("called")
		})
	}
}

func TestGoodBodiesReachTheServiceAsTheyAre(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ñ", 10_000)
	for name, tt := range map[string]struct {
		body string
		want waitlist.SignUp
	}{
		"plain":                    {signUp, waitlist.SignUp{Username: "John Doe", PhoneNumber: "0712345678"}},
		"space around":             {" \n" + signUp + "\r\n", waitlist.SignUp{Username: "John Doe", PhoneNumber: "0712345678"}},
		"unknown members":          {`{"x":{"y":[1]},"username":"A","phone_number":"1","Username":7}`, waitlist.SignUp{Username: "A", PhoneNumber: "1"}},
		"escapes":                  {`{"username":"\u00c9l\u00e8ne \ud83d\ude00","phone_number":"1"}`, waitlist.SignUp{Username: "Élène 😀", PhoneNumber: "1"}},
		"an escaped NUL":           {`{"username":"a\u0000b","phone_number":"1"}`, waitlist.SignUp{Username: "a\x00b", PhoneNumber: "1"}},
		"10,000 characters":        {`{"username":"` + long + `","phone_number":"1"}`, waitlist.SignUp{Username: long, PhoneNumber: "1"}},
		"direction and zero width": {`{"username":"\u202eA\u200b","phone_number":"1"}`, waitlist.SignUp{Username: "\u202eA\u200b", PhoneNumber: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reached waitlist.SignUp
			api := newAPI(func(o *handler.Options) {
				o.Waitlist = joinFunc(func(_ context.Context, in waitlist.SignUp) (waitlist.Entry, error) {
					reached = in
					return waitlist.Entry{ID: 1}, nil
				})
			})
			if got := call(t, api, post("/waiting-list", tt.body)); got.status != http.StatusOK || reached != tt.want {
				t.Errorf("status %d, the service got %q", got.status, reached)
			}
		})
	}
}

func TestWhatTheServiceFindsWrongIsNamedByField(t *testing.T) {
	t.Parallel()
	invalid := fault.New(fault.Invalid, "the request is not valid")
	invalid.Fields = []fault.Field{{Name: "username", Message: "must be 1 to 100 characters long"}, {Name: "phone_number", Message: "must be a number"}}
	got := call(t, newAPI(func(o *handler.Options) { o.Waitlist = joinFailing(invalid) }), post("/waiting-list/", signUp))
	want := `{"status":"failure","data":null,"error":"the request is not valid","code":"invalid","details":[` +
		`{"field":"username","message":"must be 1 to 100 characters long"},{"field":"phone_number","message":"must be a number"}]}`
	if got.body != want {
		t.Errorf("got %s", got.body)
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for _, tt := range []struct {
		contentType, encoding string
		status                int
	}{
		{"application/json", "", 200},
		{"application/json; charset=utf-8", "", 200},
		{`application/json;charset="UTF-8"`, "", 200},
		{"Application/JSON", "identity", 200},
		{"application/vnd.aisha+json", "", 200},
		{"", "", 415},
		{"text/plain", "", 415},
		{"text/json", "", 415},
		{"application/x-www-form-urlencoded", "", 415},
		{"application/jsonp", "", 415},
		{"image/svg+json", "", 415},
		{"application/json; charset=utf-16", "", 415},
		{"application/json; charset", "", 415},
		{"application/json, text/plain", "", 415},
		{"application/json", "gzip", 415},
		{"application/json", "identity, br", 415},
	} {
		for path, body := range map[string]string{"/waiting-list/": signUp, "/gemini": `{"prompt":"x"}`} {
			r := post(path, body)
			r.Header.Set("Content-Type", tt.contentType)
			r.Header.Set("Content-Encoding", tt.encoding)
			got := callUndescribed(t, api, r)
			if got.status != tt.status {
				t.Errorf("%s as %q %q: got %d, want %d: %s", path, tt.contentType, tt.encoding, got.status, tt.status, got.body)
			}
			if tt.status == http.StatusUnsupportedMediaType {
				wantFailure(t, got, tt.status, "unsupported_media_type")
			}
		}
	}
}

func TestLimitsOfBodiesAreExact(t *testing.T) {
	t.Parallel()
	api := newAPI()
	prompt := func(size int) string { return `{"prompt":"` + strings.Repeat("a", size-len(`{"prompt":""}`)) + `"}` }
	for _, tt := range []struct {
		request *http.Request
		status  int
	}{
		{post("/gemini", prompt(64<<10)), 200},
		{post("/gemini", prompt(64<<10+1)), 413},
		{signed(post("/webhook/whatsapp", strings.Repeat(" ", 4<<20-2)+"{}")), 200},
		{signed(post("/webhook/whatsapp", strings.Repeat(" ", 4<<20-1)+"{}")), 413},
	} {
		for _, known := range []bool{true, false} {
			r := tt.request.Clone(t.Context())
			body, _ := io.ReadAll(tt.request.Body)
			tt.request.Body = io.NopCloser(strings.NewReader(string(body)))
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			if !known {
				r.ContentLength = -1 // as with chunks
			}
			got := callUndescribed(t, api, r) // checking megabytes against the description takes seconds
			if got.status != tt.status {
				t.Errorf("%s with %d bytes, length known %t: got %d, want %d", r.URL, len(body), known, got.status, tt.status)
			}
			if got.status == http.StatusRequestEntityTooLarge && got.header.Get("Connection") != "close" {
				t.Errorf("the rest of the body would be taken for the next request")
			}
		}
	}
}

func TestWebhookBodyReachesTheServiceRawWhateverItIs(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"escaped": `{"a":"\u00e4\/"}`, "not JSON": "hello", "binary": "\x00\xff\xfe", "empty": "",
	} {
		var gotSignature, gotBody string
		api := newAPI(func(o *handler.Options) {
			o.WhatsApp = webhook{receive: func(_ context.Context, signature string, body []byte) (whatsapp.Receipt, error) {
				gotSignature, gotBody = signature, string(body)
				return whatsapp.Receipt{Kept: 1}, nil
			}}
		})
		r := signed(post("/webhook/whatsapp", body))
		r.Header.Del("Content-Type")
		if got := callUndescribed(t, api, r); got.status != http.StatusOK || gotBody != body || !strings.HasPrefix(gotSignature, "sha256=0a") {
			t.Errorf("%s: status %d, signature %q, body %q", name, got.status, gotSignature, gotBody)
		}
	}
}

func TestSubscriptionReachesTheService(t *testing.T) {
	t.Parallel()
	var reached whatsapp.Subscription
	api := newAPI(func(o *handler.Options) {
		o.WhatsApp = webhook{subscribe: func(in whatsapp.Subscription) (string, error) {
			reached = in
			return "", fault.New(fault.Forbidden, "the verify token is wrong")
		}}
	})
	got := call(t, api, get("/webhook/whatsapp?hub.mode=subscribe&hub.challenge=a%20b&hub.verify_token=t%26t"))
	wantFailure(t, got, http.StatusForbidden, "forbidden")
	if want := (whatsapp.Subscription{Mode: "subscribe", VerifyToken: "t&t", Challenge: "a b"}); reached != want {
		t.Errorf("the service got %q", reached)
	}
}

func TestAWebhookWhoseSignatureCannotBeRightIsNotRead(t *testing.T) {
	t.Parallel()
	for _, signature := range []string{"", "sha256=", "sha1=" + strings.Repeat("0a", 20), "sha256=" + strings.Repeat("0g", 32)} {
		api := newAPI(func(o *handler.Options) {
			o.WhatsApp = webhook{receive: func(_ context.Context, given string, body []byte) (whatsapp.Receipt, error) {
				if given != signature || body != nil {
					t.Errorf("%q: the service got %q and a body of %d bytes", signature, given, len(body))
				}
				return whatsapp.Receipt{}, fault.New(fault.Forbidden, "no")
			}}
		})
		r := post("/webhook/whatsapp", strings.Repeat(" ", 5<<20))
		r.Header.Set("X-Hub-Signature-256", signature)
		wantFailure(t, call(t, api, r), http.StatusForbidden, "forbidden")
	}
}

func TestHalfASurrogatePairIsInvalid(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`{"prompt":"a\ud800b"}`:       http.StatusUnprocessableEntity,
		`{"prompt":"a\udc00"}`:        http.StatusUnprocessableEntity,
		`{"prompt":"\ud83d\ude00"}`:   http.StatusOK,
		"{\"prompt\":\"\uFFFD\"}":     http.StatusOK,
		`{"prompt":"\uFFFD"}`:         http.StatusOK,
		`{"prompt":"\uFFFD \ud800 "}`: http.StatusUnprocessableEntity,
	} {
		if got := call(t, newAPI(), post("/gemini", body)); got.status != want {
			t.Errorf("%s: got %d %s, want %d", body, got.status, got.body, want)
		}
	}
}

func TestBodyThatBreaksOffOrStallsIsMalformedAndClosesTheConnection(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/waiting-list/", "/webhook/whatsapp"} {
		for _, stalls := range []bool{false, true} {
			server := httptest.NewUnstartedServer(newAPI(refuseToJoin(t)))
			if stalls {
				server.Config.ReadTimeout = 50 * time.Millisecond
			}
			server.Start()
			defer server.Close()
			res := sendPart(t, server.Listener.Addr(), path, stalls)
			body, _ := io.ReadAll(res.Body)
			got := answer{res.StatusCode, res.Header, string(body)}
			wantFailure(t, got, http.StatusBadRequest, "malformed")
			checkAnswer(t, post(path, "{"), got, false)
			if !res.Close {
				t.Errorf("%s: the connection stays open", path)
			}
		}
	}
}

// sendPart sends one byte of a hundred, and then nothing or the end.
func sendPart(t *testing.T, to net.Addr, path string, stalls bool) *http.Response {
	t.Helper()
	connection, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	_, _ = fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"X-Hub-Signature-256: sha256=%s\r\nContent-Length: 100\r\n\r\n{", path, strings.Repeat("0a", 32))
	if !stalls {
		if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
