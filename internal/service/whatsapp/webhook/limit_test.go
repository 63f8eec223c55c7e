package webhook

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// repeated returns a JSON array with n times the item.
func repeated(item string, n int) string {
	return "[" + strings.Repeat(item+",", n-1) + item + "]"
}

// A signed body with a million tiny items costs no more than reading it once, and
// nothing of it is lost.
func TestDecode_TooManyItems(t *testing.T) {
	// Not parallel: TotalAlloc counts what all goroutines allocate.
	const bodySize = 4 << 20
	const value = `{"entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"1"},%s}}]}]}`
	for name, form := range map[string]string{
		"entries":           `{"entry":%s}`,
		"changes":           `{"entry":[{"changes":%s}]}`,
		"messages":          fmt.Sprintf(value, `"messages":%s`),
		"statuses":          fmt.Sprintf(value, `"statuses":%s`),
		"contacts":          fmt.Sprintf(value, `"messages":[{}],"contacts":%s`),
		"errors":            fmt.Sprintf(value, `"errors":%s`),
		"cards":             fmt.Sprintf(value, `"messages":[{"from":"254712345678","id":"w","type":"contacts","contacts":%s}]`),
		"products":          fmt.Sprintf(value, `"messages":[{"from":"254712345678","id":"w","type":"order","order":{"product_items":%s}}]`),
		"errors_of_message": fmt.Sprintf(value, `"messages":[{"from":"254712345678","id":"w","type":"unsupported","errors":%s}]`),
		"echoes":            `{"entry":[{"changes":[{"field":"smb_message_echoes","value":{"message_echoes":%s}}]}]}`,
		"preferences":       `{"entry":[{"changes":[{"field":"user_preferences","value":{"user_preferences":%s}}]}]}`,
	} {
		for _, item := range []string{`{}`, `null`, `[]`, `"a,]\"["`} {
			t.Run(name+"/"+item, func(t *testing.T) {
				body := fmt.Appendf(nil, form, repeated(item, bodySize/(len(item)+1)))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				got := decode(body)
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				want := Batch{Unhandled: []UnhandledItem{{Reason: "too many items for one webhook", Raw: body}}}
				if got.Len() != 1 || !reflect.DeepEqual(got, want) {
					t.Errorf("got %d items, want one unhandled item with the whole body", got.Len())
				}
				if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 60<<20 {
					t.Errorf("allocated %d MiB, want at most 60", allocated>>20)
				}
				if took > 5*time.Second { // about 50 ms without the race detector on an idle machine
					t.Errorf("took %v, want at most 5 seconds", took)
				}
			})
		}
	}
}

func TestDecode_AsManyItemsAsAllowed(t *testing.T) {
	t.Parallel()
	const text = `{"from":"254712345678","id":"w","type":"text","text":{"body":"[,,[,"}}`
	const others = 4 // the entry, the change, the contact and the list of statuses
	for messages, want := range map[int]int{1_000: 1_000, maxItems - others: maxItems - others, maxItems - others + 1: 0} {
		batch := decode([]byte(webhook(strings.Trim(repeated(text, messages), "[]"), ``)))
		if got := len(batch.Messages); got != want {
			t.Errorf("%d messages: got %d, want %d", messages, got, want)
		}
	}
}

func TestHasMoreItems(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`[1,2,3,4]`:                       false,
		`[1,2,3,4,5]`:                     true,
		`{"a":1,"b":2,"c":3,"d":4,"e":5}`: false,
		`[{"a":1,"b":2},{"c":3,"d":4}]`:   false,
		`[[1,2],[3,4]]`:                   true,
		`["1,2,3,4,5,6"]`:                 false,
		`["\",\",\",\",\",\""]`:           false,
		`]]]]}}}}[1,2]`:                   false,
		`"1,2,3,4,5,6`:                    false,
	} {
		if got := hasMoreItems([]byte(body), 4); got != want {
			t.Errorf("%s: got %t, want %t", body, got, want)
		}
	}
}
