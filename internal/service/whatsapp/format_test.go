package whatsapp

import (
	"strings"
	"testing"
)

func TestFormatWritesWhatWhatsAppShows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ markdown, want string }{
		"plain text stays":     {"Habari yako?", "Habari yako?"},
		"bold":                 {"a **b c** d", "a *b c* d"},
		"bold by underscores":  {"a __b__ d", "a *b* d"},
		"italics":              {"a *b* _c_ d", "a _b_ _c_ d"},
		"bold italics":         {"***x***", "*_x_*"},
		"bold in italics":      {"*a **b** c*", "_a *b* c_"},
		"italics in bold":      {"**a *b* c**", "*a _b_ c*"},
		"strike":               {"~~gone~~", "~gone~"},
		"inline code":          {"run `go *test*`", "run `go *test*`"},
		"bold code":            {"**`x`**", "*`x`*"},
		"bold over two lines":  {"**one\ntwo**", "*one*\n*two*"},
		"in brackets":          {"(**a**)", "(*a*)"},
		"inside a word":        {"foo**bar**baz qux", "foobarbaz qux"},
		"beginning in a word":  {"un**friendly and mean** x", "unfriendly *and mean* x"},
		"code before a letter": {"two `int`s", "two ints"},
		"own mark inside":      {"**2*3 is six**", "2*3 *is six*"},
		"backtick in code":     {"a `` b`c `` d", "a b`c d"},

		"heading":                     {"# One\n\ntwo", "*One*\n\ntwo"},
		"bold in a heading":           {"## One **two**", "*One two*"},
		"underlined heading":          {"One\n===\ntwo", "*One*\n\ntwo"},
		"paragraphs":                  {"one\n\n\n\ntwo", "one\n\ntwo"},
		"soft break":                  {"one\ntwo", "one\ntwo"},
		"hard breaks":                 {"one  \ntwo\\\nthree", "one\ntwo\nthree"},
		"thematic break":              {"one\n\n---\n\ntwo", "one\n\n———\n\ntwo"},
		"bulleted list":               {"* one\n* two", "- one\n- two"},
		"loose list":                  {"- one\n\n- two", "- one\n\n- two"},
		"numbered list":               {"3. one\n3. two", "3. one\n4. two"},
		"numbered with a parenthesis": {"1) one\n2) two", "1. one\n2. two"},
		"nested list":                 {"- one\n  - two\n    1. three\n- four", "- one\n  - two\n    1. three\n- four"},
		"list after text":             {"one:\n- two", "one:\n\n- two"},
		"two blocks in an item":       {"- one\n\n  two", "- one\n\n  two"},
		"bold item":                   {"- **one:** two", "- *one:* two"},
		"empty item":                  {"- one\n-\n- two", "- one\n- \n- two"},
		"list in a list's first line": {"- - one", "- - one"},
		"tasks":                       {"- [x] one\n- [ ] two", "- ☑ one\n- ☐ two"},
		"quote":                       {"> one\n> **two**", "> one\n> *two*"},
		"paragraphs of a quote":       {"> one\n>\n> two\n\nthree", "> one\n\n> two\n\nthree"},
		"quote in a quote":            {"> one\n> > two", "> one\n\n> > two"},
		"list in a quote":             {"> - one\n> - two", "> - one\n> - two"},
		"quote in a list":             {"- one\n  > two", "- one\n> two"},
		"code block":                  {"a\n\n```go\nif x {\n\n  *y*\n}\n```\nb", "a\n\n```\nif x {\n\n  *y*\n}\n```\n\nb"},
		"indented code":               {"a\n\n    b\n      c", "a\n\n```\nb\n  c\n```"},
		"code block in a list":        {"1. ```\n   x\n   ```", "1.\n```\nx\n```"},
		"code block in a quote":       {"> ```\n> x y\n> z\n> ```", "> `x y`\n> `z`"},
		"fence in a code block":       {"~~~\n```\n~~~", "```\n``\uFEFF`\n```"},
		"empty code block":            {"a\n\n```\n```\n\nb", "a\n\nb"},

		"link":                     {"see [here](https://a.ke/b_c_d).", "see here (https://a.ke/b_c_d)."},
		"link in bold":             {"**[a](https://b.ke)**", "*a* (https://b.ke)"},
		"link with a title":        {`[a](https://b.ke "c")`, "a (https://b.ke “c”)"},
		"link that is its text":    {"[https://b.ke](https://b.ke)", "https://b.ke"},
		"link to an address":       {"[a@b.ke](mailto:a@b.ke)", "a@b.ke"},
		"link without a text":      {"[](https://b.ke)", "https://b.ke"},
		"link without a target":    {"[a]()", "a"},
		"link by reference":        {"[a][1]\n\n[1]: https://b.ke", "a (https://b.ke)"},
		"link with spaces":         {"[a](<https://b.ke/c d>)", "a (https://b.ke/c%20d)"},
		"link escapes resolved":    {`[a](https://b.ke/?c&amp;d\_e)`, "a (https://b.ke/?c&d_e)"},
		"autolink":                 {"<https://b.ke> and www.c.ke", "https://b.ke and www.c.ke"},
		"autolink in bold":         {"**go to https://b.ke now**", "*go to* https://b.ke *now*"},
		"only a link's definition": {"[a]: https://b.ke", "[a]: https://b.ke"},
		"image":                    {"![a *b*](https://b.ke/c.png)", "a _b_ (https://b.ke/c.png)"},
		"linked image":             {"[![a](b.png)](https://c.ke)", "a (b.png) (https://c.ke)"},

		"table":               {"|Name|Age|\n|:--|--:|\n|Ann **B**|7|\n|Li|10|", "```\nName   Age\n-----  ---\nAnn B    7\nLi      10\n```"},
		"table of wide signs": {"|a|b|c|\n|-|:-:|-|\n|日本|🙂|x|\n|y|zzzz<br>z|", "```\na       b     c\n----  ------  -\n日本    🙂    x\ny     zzzz z\n```"},

		"break tag":           {"one<br>two<br/>\nthree<BR />", "one\ntwo\nthree"},
		"other tags":          {"a <b>c</b>", "a <b>c</b>"},
		"block of tags":       {"<div>\na<br>\nb\n</div>\n\nc", "<div>\na\nb\n</div>\n\nc"},
		"entities":            {"a &amp; b &lt; c&nbsp;d &#39;", "a & b < c\u00a0d '"},
		"escapes":             {`\# a \[b\] \&amp; 1 \> 0`, "# a [b] &amp; 1 > 0"},
		"arithmetic":          {"2*3*4 and 2 * 3 * 4", "2*3*4 and 2 * 3 * 4"},
		"names":               {"snake_case_names_", "snake_case_names_"},
		"powers":              {"2**3**4", "2\uFEFF**\uFEFF3\uFEFF**\uFEFF4"},
		"sums of products":    {"2*3 + 4*5 = 26", "2*3 + 4*5 = 26"},
		"a single mark":       {"rated 5* by us", "rated 5* by us"},
		"literal marks":       {`\*not bold\*`, "*\uFEFFnot bold\uFEFF*"},
		"literal fence":       {"\\`\\`\\`x", "`\uFEFF\uFEFF`\uFEFF`\uFEFFx"},
		"literal beside bold": {`\*note: **b**`, "*\uFEFFnote: *b*"},
		"literal tilde":       {"~5 to ~6", "~5 to ~6"},
		"literal quote":       {`\> a`, "\uFEFF> a"},
		"literal list":        {"in\n1986. Great", "in\n\uFEFF1986. Great"},
		"literal bullet":      {`\- a`, "\uFEFF- a"},

		"nothing":            {"", ""},
		"blank":              {" \n\t ", ""},
		"a NUL":              {"a\x00b &#0;", "ab \uFFFD"},
		"broken UTF-8":       {"a\xffb", "a\uFFFDb"},
		"line ends of DOS":   {"a\r\nb", "a\nb"},
		"too long":           {strings.Repeat(" ", maxMarkdown) + "**a**", "*\uFEFF*\uFEFFa\uFEFF*\uFEFF*"},
		"too deep to follow": {strings.Repeat("> ", 50) + "a", "\uFEFF" + strings.Repeat("> ", 50) + "a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(format(tt.markdown, maxTextUnits), "|"); got != tt.want {
				t.Errorf("format(%.200q)\n got %q\nwant %q", tt.markdown, got, tt.want)
			}
		})
	}
}

func BenchmarkFormat(b *testing.B) {
	section := "## A heading\n\nSome **bold** and *slanted* words with `code`, and a [link](https://example.com/a_b).\n\n" +
		"1. one **item**\n2. two\n   - three\n\n> a quote\n\n```go\nx := 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n"
	for name, markdown := range map[string]string{
		"sentence": "Habari! You are number **12** on the waiting list.",
		"answer":   strings.Repeat(section, 5),
		"64KiB":    strings.Repeat(section, maxMarkdown/len(section)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(markdown)))
			for b.Loop() {
				format(markdown, maxTextUnits)
			}
		})
	}
}
