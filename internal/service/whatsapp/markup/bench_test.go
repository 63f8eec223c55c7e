package markup

import (
	"strings"
	"testing"
)

// completion is a typical answer of the model, of about 1,400 bytes.
const completion = `**Machine learning** is a way of making computers *learn from examples* instead of following rules that somebody wrote down.

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

func BenchmarkFormat(b *testing.B) {
	section := "## A heading\n\nSome **bold** and *slanted* words with `code`, and a [link](https://example.com/a_b).\n\n" +
		"1. one **item**\n2. two\n   - three\n\n> a quote\n\n```go\nx := 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n"
	for name, markdown := range map[string]string{
		"sentence":      "Habari! You are number **12** on the waiting list.",
		"completion":    completion,
		"five_sections": strings.Repeat(section, 5),
		"64kib":         strings.Repeat(section, maxMarkdownBytes/len(section)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(markdown)))
			for b.Loop() {
				Format(markdown, MaxTextUnits)
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	const length = 20_000
	text := parsePlainText(strings.Repeat(completion, length/len(completion)+1)[:length])
	b.ReportAllocs()
	b.SetBytes(length)
	for b.Loop() {
		if got, want := len(split(text, MaxTextUnits)), length/MaxTextUnits; got < want {
			b.Fatalf("got %d messages, want at least %d", got, want)
		}
	}
}
