package webhook

import (
	"fmt"
	"strings"
	"testing"

	"aisha/internal/sensitive"
)

// oneText is a message as Meta sends it.
func oneText(n int) string {
	return fmt.Sprintf(`{"from":"25471%07d","from_user_id":"KE.%d","id":"wamid.%016x","timestamp":"1767225600","type":"text",`+
		`"text":{"body":"Habari, I would like to know more"}}`, n, n, n)
}

func textsFrom(n int) []byte {
	all := make([]string, n)
	for i := range all {
		all[i] = oneText(i)
	}
	return []byte(webhook(strings.Join(all, ","), ""))
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 1000} {
		body := textsFrom(n)
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if got := len(decode(body).Messages); got != n {
					b.Fatalf("got %d messages, want %d", got, n)
				}
			}
		})
	}
}

func BenchmarkSignature_SignedBy(b *testing.B) {
	for _, n := range []int{1, 1000} {
		body := textsFrom(n)
		secrets, signature := []sensitive.Secret{sensitive.NewSecret("bench")}, sign("bench", body)
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if !isSigned(secrets, signature, body) {
					b.Fatal("the signature is right and not believed")
				}
			}
		})
	}
}
