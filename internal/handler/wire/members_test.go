package wire_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

// decode decodes a JSON body.
func decode[T any](body string, read func(*wire.Members) T) (T, error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return wire.Decode(r, read)
}

// memberCase is a body and the result of reading its member "m".
type memberCase[T any] struct {
	body    string
	want    T
	problem string // message of the field error; empty for none
}

// codeOf returns the code that belongs to a message.
func codeOf(message string) fault.FieldCode {
	switch {
	case message == "is missing":
		return fault.FieldRequired
	case strings.Contains(message, "valid Unicode"):
		return fault.FieldNotUnicode
	case strings.Contains(message, "out of range"), strings.HasPrefix(message, "must be from"), strings.HasPrefix(message, "must be at least"):
		return fault.FieldOutOfRange
	default:
		return fault.FieldWrongType
	}
}

func testMember[T any](t *testing.T, read func(*wire.Members) T, cases map[string]memberCase[T]) {
	t.Helper()
	t.Parallel()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(tt.body, read)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: value (-want +got):\n%s", tt.body, diff)
			}
			var want, fields []fault.Field
			if tt.problem != "" {
				want = []fault.Field{{Name: "m", Code: codeOf(tt.problem), Message: tt.problem}}
			}
			if err != nil {
				fields = fault.Of(err).Fields
			}
			if diff := cmp.Diff(want, fields); diff != "" {
				t.Errorf("%s: field errors (-want +got):\n%s", tt.body, diff)
			}
		})
	}
}

func TestMembers_String(t *testing.T) {
	testMember(t, func(m *wire.Members) string { return m.String("m") }, map[string]memberCase[string]{
		"plain":               {`{"m":"a\u00e9"}`, "aé", ""},
		"empty":               {`{"m":""}`, "", ""},
		"last_duplicate_wins": {`{"m":1,"m":"b"}`, "b", ""},
		"missing":             {`{"M":"a"}`, "", "is missing"},
		"null":                {`{"m":null}`, "", "must be a string"},
		"number":              {`{"m":7}`, "", "must be a string"},
		"lone_surrogate":      {`{"m":"a\ud800"}`, "", "must be valid Unicode: it has half of a surrogate pair"},
	})
}

func TestMembers_Bool(t *testing.T) {
	testMember(t, func(m *wire.Members) bool { return m.Bool("m") }, map[string]memberCase[bool]{
		"true":    {`{"m":true}`, true, ""},
		"false":   {`{"m":false}`, false, ""},
		"missing": {`{}`, false, "is missing"},
		"null":    {`{"m":null}`, false, "must be true or false"},
		"string":  {`{"m":"true"}`, false, "must be true or false"},
		"number":  {`{"m":1}`, false, "must be true or false"},
	})
}

func TestMembers_Integer(t *testing.T) {
	testMember(t, func(m *wire.Members) int64 { return m.Integer("m", -5, 100) }, map[string]memberCase[int64]{
		"lowest":        {`{"m":-5}`, -5, ""},
		"highest":       {`{"m":100}`, 100, ""},
		"minus_zero":    {`{"m":-0}`, 0, ""},
		"too_low":       {`{"m":-6}`, 0, "must be from -5 to 100"},
		"too_high":      {`{"m":101}`, 0, "must be from -5 to 100"},
		"over_64_bits":  {`{"m":9223372036854775808}`, 0, "is out of range"},
		"fraction":      {`{"m":1.5}`, 0, "must be an integer"},
		"zero_fraction": {`{"m":1.0}`, 0, "must be an integer"},
		"exponent":      {`{"m":1e1}`, 0, "must be an integer"},
		"string":        {`{"m":"1"}`, 0, "must be an integer"},
		"null":          {`{"m":null}`, 0, "must be an integer"},
		"missing":       {`{}`, 0, "is missing"},
	})
}

func TestMembers_IntegerWithoutUpperLimit(t *testing.T) {
	testMember(t, func(m *wire.Members) int64 { return m.Integer("m", 1, math.MaxInt64) }, map[string]memberCase[int64]{
		"highest": {`{"m":9223372036854775807}`, math.MaxInt64, ""},
		"too_low": {`{"m":0}`, 0, "must be at least 1"},
	})
}

func TestMembers_StringList(t *testing.T) {
	testMember(t, func(m *wire.Members) []string { return m.StringList("m") }, map[string]memberCase[[]string]{
		"items":          {`{"m":["a", "\ud83d\ude00", ""]}`, []string{"a", "😀", ""}, ""},
		"empty":          {`{"m":[]}`, []string{}, ""},
		"wrong_item":     {`{"m":["a",1]}`, nil, "item 2 must be a string"},
		"nested_list":    {`{"m":[["a"]]}`, nil, "item 1 must be a string"},
		"lone_surrogate": {`{"m":["\udc00"]}`, nil, "item 1 must be valid Unicode: it has half of a surrogate pair"},
		"string":         {`{"m":"a"}`, []string{"a"}, ""},
		"number":         {`{"m":1}`, nil, "must be a list"},
		"lone_string":    {`{"m":"\udc00"}`, nil, "must be valid Unicode: it has half of a surrogate pair"},
		"object":         {`{"m":{"0":"a"}}`, nil, "must be a list"},
		"null":           {`{"m":null}`, nil, "must be a list"},
		"missing":        {`{}`, nil, "is missing"},
	})
}

func TestMembers_Integers(t *testing.T) {
	testMember(t, func(m *wire.Members) []int64 { return m.Integers("m") }, map[string]memberCase[[]int64]{
		"items":        {`{"m":[1, -2,9223372036854775807]}`, []int64{1, -2, math.MaxInt64}, ""},
		"empty":        {`{"m":[]}`, []int64{}, ""},
		"wrong_item":   {`{"m":[1,2,"3"]}`, nil, "item 3 must be an integer"},
		"fraction":     {`{"m":[1.5]}`, nil, "item 1 must be an integer"},
		"over_64_bits": {`{"m":[-9223372036854775809]}`, nil, "item 1 is out of range"},
		"number":       {`{"m":1}`, nil, "must be a list"},
		"missing":      {`{}`, nil, "is missing"},
	})
}

func TestOptional(t *testing.T) {
	value := "a"
	empty := ""
	testMember(t, func(m *wire.Members) *string { return wire.Optional(m, "m", m.String) }, map[string]memberCase[*string]{
		"present":    {`{"m":"a"}`, &value, ""},
		"empty":      {`{"m":""}`, &empty, ""},
		"missing":    {`{}`, nil, ""},
		"null":       {`{"m":null}`, nil, "must be a string"},
		"wrong_type": {`{"m":1}`, nil, "must be a string"},
	})
}

func TestDecode_CollectsFieldErrors(t *testing.T) {
	t.Parallel()
	_, err := decode(`{"b":1}`, func(m *wire.Members) bool {
		m.String("a")
		m.Integer("b", 2, 3)
		m.Integers("c")
		return m.Bool("d")
	})
	want := []fault.Field{
		{Name: "a", Code: "required", Message: "is missing"},
		{Name: "b", Code: "out_of_range", Message: "must be from 2 to 3"},
		{Name: "c", Code: "required", Message: "is missing"},
		{Name: "d", Code: "required", Message: "is missing"},
	}
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v, want invalid", err)
	}
	if diff := cmp.Diff(want, fault.Of(err).Fields); diff != "" {
		t.Errorf("field errors (-want +got):\n%s", diff)
	}
}

func TestMembers_RejectUnknown(t *testing.T) {
	t.Parallel()
	const message = "is not a member of this request"
	many := strings.Builder{}
	for i := range 5000 {
		fmt.Fprintf(&many, `"u%d":1,`, i)
	}
	for name, tt := range map[string]struct {
		body string
		want []string
		more int // errors beyond those of want
	}{
		"only_known":       {`{"m":"a"}`, nil, 0},
		"known_twice":      {`{"m":"a","m":"b"}`, nil, 0},
		"unknown_in_order": {`{"stream":true,"m":"a","model":"x"}`, []string{"stream", "model"}, 0},
		"unknown_twice":    {`{"m":"a","x":1,"x":2}`, []string{"x"}, 0},
		"another_case":     {`{"m":"a","M":"b"}`, []string{"M"}, 0},
		"escaped_name":     {`{"\u006d":"a","\u006e":1}`, []string{"n"}, 0},
		"nested_members":   {`{"m":"a","o":{"p":1}}`, []string{"o"}, 0},
		"empty_name":       {`{"m":"a","":1}`, []string{""}, 0},
		"at_most_20":       {`{` + many.String() + `"m":"a"}`, []string{"u0", "u1"}, 18},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(tt.body, func(m *wire.Members) string {
				m.RejectUnknown("m")
				return m.String("m")
			})
			var got []fault.Field
			if err != nil {
				got = fault.Of(err).Fields
			}
			if len(got) != len(tt.want)+tt.more {
				t.Fatalf("got %d field errors, want %d: %v", len(got), len(tt.want)+tt.more, got)
			}
			for i, want := range tt.want {
				if diff := cmp.Diff(fault.Field{Name: want, Code: "unknown_member", Message: message}, got[i]); diff != "" {
					t.Errorf("field error %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	type inner struct {
		A string
		B int64
	}
	read := func(m *wire.Members) inner {
		return wire.Object(m, "m", func(m *wire.Members) inner {
			m.RejectUnknown("a", "b")
			return inner{m.String("a"), m.Integer("b", 1, 9)}
		})
	}
	for name, tt := range map[string]struct {
		body string
		want inner
		code []string // fields with their codes; nil: none
	}{
		"object":        {`{"m":{"a":"x","b":2}}`, inner{"x", 2}, nil},
		"invalid":       {`{"m":{"a":1,"b":0,"c":true}}`, inner{}, []string{"m.c unknown_member", "m.a wrong_type", "m.b out_of_range"}},
		"empty":         {`{"m":{}}`, inner{}, []string{"m.a required", "m.b required"}},
		"missing":       {`{}`, inner{}, []string{"m required"}},
		"null":          {`{"m":null}`, inner{}, []string{"m wrong_type"}},
		"list":          {`{"m":[{"a":"x","b":2}]}`, inner{}, []string{"m wrong_type"}},
		"text":          {`{"m":"{}"}`, inner{}, []string{"m wrong_type"}},
		"last_one_wins": {`{"m":{"a":"x","b":2},"m":{"a":"y","b":3}}`, inner{"y", 3}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(tt.body, read)
			var codes []string
			if err != nil {
				for _, field := range fault.Of(err).Fields {
					codes = append(codes, field.Name+" "+string(field.Code))
				}
			}
			if diff := cmp.Diff(tt.code, codes); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeUpTo(t *testing.T) {
	t.Parallel()
	for size, tooLarge := range map[int]bool{100: false, 101: true} {
		body := `{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}`
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		_, err := wire.DecodeUpTo(r, 100, func(m *wire.Members) string { return m.String("a") })
		if fault.Is(err, fault.TooLarge) != tooLarge || (err != nil) != tooLarge {
			t.Errorf("body of %d bytes: got the error %v, want too_large: %t", size, err, tooLarge)
		}
	}
}

func TestMembers_IsNull(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"m":null}`: true, `{"m":1,"m":null}`: true, `{}`: false, `{"m":""}`: false, `{"m":{}}`: false, `{"m":"null"}`: false, `{"M":null}`: false,
	} {
		if got, err := decode(body, func(m *wire.Members) bool { return m.IsNull("m") }); err != nil || got != want {
			t.Errorf("%s: got %t, error %v, want %t", body, got, err, want)
		}
	}
}
