package whatsapp

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
				if got := len(Decode(body).Messages); got != n {
					b.Fatalf("got %d messages, want %d", got, n)
				}
			}
		})
	}
}

func BenchmarkSignedBy(b *testing.B) {
	for _, n := range []int{1, 1000} {
		body := textsFrom(n)
		secrets, signature := []sensitive.Secret{sensitive.NewSecret("bench")}, sign("bench", body)
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if !signedBy(secrets, signature, body) {
					b.Fatal("the signature is right and not believed")
				}
			}
		})
	}
}

// modelAnswer is what a model says to an ordinary question, of some 1,500 bytes.
const modelAnswer = `**Machine learning** is a way of making computers *learn from examples* instead of following rules that somebody wrote down.

## How it works

1. **Collect data.** You need examples of what you want to recognise, such as photographs of healthy and of sick maize leaves.
2. **Train a model.** A program looks at the examples again and again, and adjusts itself until its guesses are right most of the time.
3. **Use it.** The model is shown something new, and says what it most likely is.

### Where you meet it

- *Mobile money*: a payment that does not look like you is stopped before it goes through.
- *Farming*: a photograph of a leaf is enough to name the disease and what helps against it.
- *Language*: what you write in Swahili can be read in English, and the other way round.
- *Health*: an X-ray is looked at twice, by a doctor and by a model that has seen a million of them.

> A model is only as good as its examples. If they are wrong or leave somebody out, so does the model.

A first program is short:

` + "```python\nfrom sklearn.tree import DecisionTreeClassifier\n\nmodel = DecisionTreeClassifier()\nmodel.fit(leaves, diseases)\nprint(model.predict(new_leaf))\n```" + `

You can read more in [this introduction](https://example.com/machine_learning/intro), which needs no mathematics at all. Would you like me to explain one of these steps in more detail, or to show what data you would need for *your own* project?
`

func BenchmarkFormatAnAnswer(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(modelAnswer)))
	for b.Loop() {
		format(modelAnswer, maxTextUnits)
	}
}

func BenchmarkSplit(b *testing.B) {
	const length = 20_000
	characters := plain(strings.Repeat(modelAnswer, length/len(modelAnswer)+1)[:length])
	b.ReportAllocs()
	b.SetBytes(length)
	for b.Loop() {
		if got := len(split(characters, maxTextUnits)); got < length/maxTextUnits {
			b.Fatalf("got %d messages", got)
		}
	}
}
