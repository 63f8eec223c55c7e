package upstream

import (
	"errors"
	"io"
	"testing"
)

// parse returns the value of a JSON text.
func parse(t *testing.T, text string) Value {
	t.Helper()
	value, err := ParseJSON([]byte(text))
	if err != nil {
		t.Fatalf("ParseJSON(%s): %v", text, err)
	}
	return value
}

func TestParseJSON_errors(t *testing.T) {
	t.Parallel()
	for body, wantCutOff := range map[string]bool{
		`{"a":`: true, `[1,2`: true, `"abc`: true,
		`{"a":}`: false, `[][]`: false, `<html>`: false,
	} {
		if _, err := ParseJSON([]byte(body)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) != wantCutOff {
			t.Errorf("ParseJSON(%s): error = %v, want one with io.ErrUnexpectedEOF = %v", body, err, wantCutOff)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	type want struct {
		text  string
		n     int64
		isInt bool
		bool  bool
		zero  bool
		items int
	}
	for text, want := range map[string]want{
		`null`:               {zero: true},
		`false`:              {zero: true},
		`true`:               {bool: true},
		`"true"`:             {text: "true", bool: true},
		`""`:                 {zero: true},
		`"STOP"`:             {text: "STOP"},
		`"190"`:              {text: "190", n: 190, isInt: true},
		`" 7 "`:              {text: " 7 ", n: 7, isInt: true},
		`0`:                  {text: "0", isInt: true, zero: true},
		`190`:                {text: "190", n: 190, isInt: true},
		`190.0`:              {text: "190.0", n: 190, isInt: true},
		`1.9e2`:              {text: "1.9e2", n: 190, isInt: true},
		`1.5`:                {text: "1.5"},
		`1e400`:              {text: "1e400"},
		`100000000000000001`: {text: "100000000000000001", n: 100000000000000001, isInt: true},
		`"NaN"`:              {text: "NaN"},
		`[]`:                 {zero: true},
		`[1,null]`:           {items: 2},
		`{}`:                 {zero: true, items: 1},
		`{"a":1}`:            {items: 1},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			value := parse(t, text)
			got := want
			got.text, got.bool, got.zero, got.items = value.Text(), value.Bool(), value.IsZero(), len(value.Items())
			got.n, got.isInt = value.Int()
			if got != want {
				t.Errorf("read as %+v, want %+v", got, want)
			}
		})
	}
}

func TestValue_types(t *testing.T) {
	t.Parallel()
	type want struct{ isArray, isObject, hasA bool }
	for text, want := range map[string]want{
		`null`: {}, `7`: {}, `"a"`: {}, `[]`: {isArray: true}, `["a"]`: {isArray: true},
		`{}`: {isObject: true}, `{"a":null}`: {isObject: true, hasA: true}, `{"A":1}`: {isObject: true},
	} {
		value := parse(t, text)
		got := want
		got.isArray, got.isObject, got.hasA = value.IsArray(), value.IsObject(), value.Has("a")
		if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func TestValue_Member(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":{"b":"c"}}`: "c", `{"a":{}}`: "", `{"a":null}`: "", `{"a":"b"}`: "", `[]`: "", `7`: "", `null`: "",
	} {
		if got := parse(t, text).Member("a").Member("b").Text(); got != want {
			t.Errorf("a.b of %s = %q, want %q", text, got, want)
		}
	}
}
