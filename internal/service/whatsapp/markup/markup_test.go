package markup

import (
	"slices"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ markdown, want string }{
		"plain_text":                         {"Habari yako?", "Habari yako?"},
		"bold":                               {"a **b c** d", "a *b c* d"},
		"bold_by_underscores":                {"a __b__ d", "a *b* d"},
		"italics":                            {"a *b* _c_ d", "a _b_ _c_ d"},
		"bold_italics":                       {"***x***", "*_x_*"},
		"bold_in_italics":                    {"*a **b** c*", "_a *b* c_"},
		"italics_in_bold":                    {"**a *b* c**", "*a _b_ c*"},
		"strikethrough":                      {"~~gone~~", "~gone~"},
		"inline_code":                        {"run `go *test*`", "run `go *test*`"},
		"bold_code":                          {"**`x`**", "*`x`*"},
		"bold_over_two_lines":                {"**one\ntwo**", "*one*\n*two*"},
		"bold_in_parentheses":                {"(**a**)", "(*a*)"},
		"bold_inside_a_word":                 {"foo**bar**baz qux", "foobarbaz qux"},
		"bold_that_begins_in_a_word":         {"un**friendly and mean** x", "unfriendly *and mean* x"},
		"code_before_a_letter":               {"two `int`s", "two ints"},
		"literal_delimiter_inside_its_style": {"**2*3 is six**", "2*3 *is six*"},
		"backtick_in_code":                   {"a `` b`c `` d", "a b`c d"},

		"heading":                           {"# One\n\ntwo", "*One*\n\ntwo"},
		"bold_in_a_heading":                 {"## One **two**", "*One two*"},
		"underlined_heading":                {"One\n===\ntwo", "*One*\n\ntwo"},
		"paragraphs":                        {"one\n\n\n\ntwo", "one\n\ntwo"},
		"soft_line_break":                   {"one\ntwo", "one\ntwo"},
		"hard_line_breaks":                  {"one  \ntwo\\\nthree", "one\ntwo\nthree"},
		"thematic_break":                    {"one\n\n---\n\ntwo", "one\n\n———\n\ntwo"},
		"bulleted_list":                     {"* one\n* two", "- one\n- two"},
		"loose_list":                        {"- one\n\n- two", "- one\n\n- two"},
		"numbered_list":                     {"3. one\n3. two", "3. one\n4. two"},
		"numbered_list_with_parentheses":    {"1) one\n2) two", "1. one\n2. two"},
		"nested_list":                       {"- one\n  - two\n    1. three\n- four", "- one\n  - two\n    1. three\n- four"},
		"list_after_text":                   {"one:\n- two", "one:\n\n- two"},
		"two_blocks_in_an_item":             {"- one\n\n  two", "- one\n\n  two"},
		"bold_item":                         {"- **one:** two", "- *one:* two"},
		"empty_item":                        {"- one\n-\n- two", "- one\n- \n- two"},
		"list_on_the_first_line_of_an_item": {"- - one", "- - one"},
		"task_list":                         {"- [x] one\n- [ ] two", "- ☑ one\n- ☐ two"},
		"quote":                             {"> one\n> **two**", "> one\n> *two*"},
		"paragraphs_of_a_quote":             {"> one\n>\n> two\n\nthree", "> one\n\n> two\n\nthree"},
		"quote_in_a_quote":                  {"> one\n> > two", "> one\n\n> > two"},
		"list_in_a_quote":                   {"> - one\n> - two", "> - one\n> - two"},
		"quote_in_a_list":                   {"- one\n  > two", "- one\n> two"},
		"code_block":                        {"a\n\n```go\nif x {\n\n  *y*\n}\n```\nb", "a\n\n```\nif x {\n\n  *y*\n}\n```\n\nb"},
		"indented_code":                     {"a\n\n    b\n      c", "a\n\n```\nb\n  c\n```"},
		"code_block_in_a_list":              {"1. ```\n   x\n   ```", "1.\n```\nx\n```"},
		"code_block_in_a_quote":             {"> ```\n> x y\n> z\n> ```", "> `x y`\n> `z`"},
		"fence_in_a_code_block":             {"~~~\n```\n~~~", "```\n``\uFEFF`\n```"},
		"empty_code_block":                  {"a\n\n```\n```\n\nb", "a\n\nb"},

		"link":                       {"see [here](https://a.ke/b_c_d).", "see here (https://a.ke/b_c_d)."},
		"link_in_bold":               {"**[a](https://b.ke)**", "*a* (https://b.ke)"},
		"link_with_a_title":          {`[a](https://b.ke "c")`, "a (https://b.ke “c”)"},
		"link_whose_text_is_its_url": {"[https://b.ke](https://b.ke)", "https://b.ke"},
		"link_to_an_email_address":   {"[a@b.ke](mailto:a@b.ke)", "a@b.ke"},
		"link_without_text":          {"[](https://b.ke)", "https://b.ke"},
		"link_without_a_url":         {"[a]()", "a"},
		"link_by_reference":          {"[a][1]\n\n[1]: https://b.ke", "a (https://b.ke)"},
		"link_with_spaces":           {"[a](<https://b.ke/c d>)", "a (https://b.ke/c%20d)"},
		"link_with_escapes":          {`[a](https://b.ke/?c&amp;d\_e)`, "a (https://b.ke/?c&d_e)"},
		"autolink":                   {"<https://b.ke> and www.c.ke", "https://b.ke and www.c.ke"},
		"autolink_in_bold":           {"**go to https://b.ke now**", "*go to* https://b.ke *now*"},
		"link_definition_only":       {"[a]: https://b.ke", "[a]: https://b.ke"},
		"image":                      {"![a *b*](https://b.ke/c.png)", "a _b_ (https://b.ke/c.png)"},
		"linked_image":               {"[![a](b.png)](https://c.ke)", "a (b.png) (https://c.ke)"},

		"table":                    {"|Name|Age|\n|:--|--:|\n|Ann **B**|7|\n|Li|10|", "```\nName   Age\n-----  ---\nAnn B    7\nLi      10\n```"},
		"table_of_wide_characters": {"|a|b|c|\n|-|:-:|-|\n|日本|🙂|x|\n|y|zzzz<br>z|", "```\na       b     c\n----  ------  -\n日本    🙂    x\ny     zzzz z\n```"},

		"html_break_tag":        {"one<br>two<br/>\nthree<BR />", "one\ntwo\nthree"},
		"other_html_tags":       {"a <b>c</b>", "a <b>c</b>"},
		"html_block":            {"<div>\na<br>\nb\n</div>\n\nc", "<div>\na\nb\n</div>\n\nc"},
		"html_entities":         {"a &amp; b &lt; c&nbsp;d &#39;", "a & b < c\u00a0d '"},
		"backslash_escapes":     {`\# a \[b\] \&amp; 1 \> 0`, "# a [b] &amp; 1 > 0"},
		"arithmetic":            {"2*3*4 and 2 * 3 * 4", "2*3*4 and 2 * 3 * 4"},
		"underscores_in_a_name": {"snake_case_names_", "snake_case_names_"},
		"powers_of_numbers":     {"2**3**4", "2\uFEFF*\uFEFF\uFEFF*\uFEFF3\uFEFF*\uFEFF\uFEFF*\uFEFF4"},
		"sums_of_products":      {"2*3 + 4*5 = 26", "2*3 + 4*5 = 26"},
		"single_literal_star":   {"rated 5* by us", "rated 5* by us"},
		"literal_stars":         {`\*not bold\*`, "*\uFEFFnot bold\uFEFF*"},
		"literal_fence":         {"\\`\\`\\`x", "`\uFEFF\uFEFF`\uFEFF\uFEFF`\uFEFFx"},
		"literal_beside_bold":   {`\*note: **b**`, "*\uFEFFnote: *b*"},
		"literal_tilde":         {"~5 to ~6", "~5 to ~6"},
		"literal_quote":         {`\> a`, "\uFEFF> a"},
		"literal_numbered_item": {"in\n1986. Great", "in\n\uFEFF1986. Great"},
		"literal_bullet":        {`\- a`, "\uFEFF- a"},

		"bold_before_a_letter_after_a_colon": {"**Saa:**Leo\n**Mahali**:Nairobi", "*Saa:*\uFEFFLeo\n*Mahali*:Nairobi"},
		"bold_quote_before_a_letter":         {`**"quoted"**word`, "*\"quoted\"*\uFEFFword"},
		"bold_quote_after_a_letter":          {`say**"hi"** now`, "say\uFEFF*\"hi\"* now"},
		"bold_word_in_a_word":                {"word**bold**word", "wordboldword"},
		"bold_words_between_words":           {"see**bold and more**now", "seebold *and* morenow"},
		"italics_before_a_letter":            {"*italic*text", "italictext"},
		"italics_with_a_colon":               {"*Saa:*Leo", "_Saa:_\uFEFFLeo"},
		"italics_with_a_full_stop":           {"*Kwisha.*Kesho", "_Kwisha._\uFEFFKesho"},
		"italic_quote_before_a_letter":       {"*“Ndiyo”*alisema", "_“Ndiyo”_\uFEFFalisema"},
		"underscores_before_a_letter":        {"__bold__word", "boldword"},
		"underscores_with_a_colon":           {"__Saa:__Leo", "*Saa:*\uFEFFLeo"},
		"bold_italics_before_a_letter":       {"***both***x", "bothx"},
		"bold_italics_with_a_colon":          {"***Saa:***Leo", "*_Saa:_*\uFEFFLeo"},
		"bold_with_an_apostrophe":            {"**Amina**'s book", "*Amina*'s book"},
		"bold_beside_chinese":                {"这是**重点**内容", "这是重点内容"},
		"bold_quote_beside_chinese":          {"这是**“重点”**内容", "这是\uFEFF*“重点”*\uFEFF内容"},
		"bold_label_beside_chinese":          {"**时间：**今天", "*时间：*\uFEFF今天"},
		"italics_beside_chinese":             {"这是*重点*内容", "这是重点内容"},
		"bold_after_an_emoji":                {"👋**Habari**", "👋*Habari*"},
		"bold_emoji_before_a_letter":         {"**Habari 👋**karibu", "*Habari 👋*\uFEFFkaribu"},
		"bold_emoji_after_a_letter":          {"karibu**👋 sana**", "karibu\uFEFF*👋 sana*"},
		"bold_price_between_letters":         {"costs**$5.00!**now", "costs\uFEFF*$5.00!*\uFEFFnow"},
		"letter_between_bold_marks":          {"**!**字**(x)**", "*!*\uFEFF字\uFEFF*(x)*"},
		"bold_after_a_full_stop":             {"Moja.**Mbili** tatu", "Moja.*Mbili* tatu"},
		"bold_sentences":                     {"**One.**Two. **Three.**Four.", "*One.*\uFEFFTwo. *Three.*\uFEFFFour."},
		"bold_before_a_link":                 {"**Tazama:**[hapa](https://a.ke)", "*Tazama:*\uFEFFhapa (https://a.ke)"},
		"bold_before_a_url":                  {"**Tazama:**<https://a.ke>", "Tazama:https://a.ke"},
		"bold_before_code":                   {"**Run:**`go`", "Run:`go`"},
		"code_with_brackets_before_a_letter": {"two `f()`s", "two `f()`\uFEFFs"},
		"strikethrough_before_a_letter":      {"~~Saa:~~Leo", "~Saa:~\uFEFFLeo"},
		"nested_before_a_letter":             {"**bold *both:***x", "*bold _both:_*\uFEFFx"},
		"quoted_bold_in_a_sentence":          {`he said "**never**" twice`, `he said "*never*" twice`},
		"bold_in_brackets_twice":             {"(**a**) and (**b**)", "(*a*) and (*b*)"},
		"italics_in_brackets":                {"*see (*this*)* now", "_see (this)_ now"},

		"bullets_by_stars":    {"* **Saa:**Leo\n* *mbili*", "- *Saa:*\uFEFFLeo\n- _mbili_"},
		"product_beside_bold": {"**Jumla:**3*4*5", "*Jumla:*\uFEFF3*4*5"},

		"right_to_left_override":           {"a\u202Eb\u2066c", "abc"},
		"right_to_left_override_by_entity": {"a&#x202e;b&#8294;c&rlm;d", "abcd"},
		"zero_width_characters":            {"a\u200Bb&ZeroWidthSpace;c\uFEFFd\u2060e", "abcde"},
		"joined_emoji":                     {"👩\u200D🌾 and 👩&zwj;🌾", "👩\u200D🌾 and 👩\u200D🌾"},
		"stars_with_invisible_characters":  {"*\u200B*x*\u200B*", "*x*"},

		"empty":                    {"", ""},
		"zero_width_space_only":    {"\u200B", ""},
		"invisible_by_entity":      {"&#x200b; &#x3164;&nbsp;", ""},
		"word_joiners_only":        {"\u2060\uFEFF\u00AD", ""},
		"fillers_only":             {"\u3164\u115F\u1160\uFFA0\u2800", ""},
		"bold_filler":              {"**\u3164**", ""},
		"filler_in_a_list":         {"- \u2800\n- \u3164", ""},
		"filler_in_code":           {"```\n\u2800\n```", ""},
		"heading_without_text":     {"##", ""},
		"empty_code_block_alone":   {"```\n```", ""},
		"lone_combining_mark":      {"\u0301", ""},
		"text_between_fillers":     {"\u3164a\u3164", "a"},
		"question_mark_only":       {"?", "?"},
		"emoji_only":               {"👍", "👍"},
		"blank":                    {" \n\t ", ""},
		"nul_character":            {"a\x00b &#0;", "ab \uFFFD"},
		"invalid_utf8":             {"a\xffb", "a\uFFFDb"},
		"crlf_line_ends":           {"a\r\nb", "a\nb"},
		"too_long_to_parse":        {strings.Repeat(" ", maxMarkdownBytes) + "**a**", "*\uFEFF\uFEFF*\uFEFFa\uFEFF*\uFEFF\uFEFF*"},
		"nested_too_deep_to_parse": {strings.Repeat("> ", 50) + "a", "\uFEFF" + strings.Repeat("> ", 50) + "a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Format(tt.markdown, MaxTextUnits)
			if want := []string{tt.want}; !slices.Equal(got, want) {
				t.Errorf("Format(%.200q)\n got %q\nwant %q", tt.markdown, got, want)
			}
		})
	}
}

// Stars, underscores and tildes that are no formatting stay in the text, and
// WhatsApp does not take them for formatting.
func TestFormat_LiteralDelimiters(t *testing.T) {
	t.Parallel()
	for name, markdown := range map[string]string{
		"unbalanced_bold":                 "**Saa: Leo",
		"unbalanced_end":                  "Saa:** Leo",
		"two_stars_alone":                 "**",
		"stars_between_spaces":            "a ** b ** c",
		"product_of_letters":              "a*b + c*d",
		"product_of_words":                "width*height*depth",
		"product_with_brackets":           "2*(3+4)*5",
		"product_of_brackets":             "(a)*(b)*(c)",
		"product_of_negative_numbers":     "2*-3 and 4*-5",
		"product_in_a_note":               "*note: 3*4 = 12",
		"powers_of_letters":               "x**2 + y**2",
		"powers_of_brackets":              "(a+b)**2 + (c)**2",
		"count_of_all_rows":               "COUNT(*) FROM a, COUNT(*) FROM b",
		"file_patterns":                   "src/*.go and test/*.go or *.txt",
		"comments_of_code":                "/* a */ and /* b */",
		"regular_expressions":             "a.*b and c.*d",
		"arguments_of_python":             "*args and **kwargs",
		"private_names_of_python":         "self.__name and self.__value",
		"footnote_marks":                  "price*(net) and weight*(gross)",
		"ratings":                         "5* hotel and 4* food",
		"snake_case_names":                "snake_case_names and _private_name",
		"double_underscores_inside_names": "my__long__name",
		"star_alone":                      "*",
		"hash_alone":                      "#",
		"tildes_of_numbers":               "~5 to ~6 and ~~7",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			messages := Format(markdown, MaxTextUnits)
			if got, want := strings.ReplaceAll(strings.Join(messages, "|"), zeroWidthNoBreakSpace, ""), markdown; got != want {
				t.Errorf("Format(%q) shows %q, want %q", markdown, got, want)
			}
			for _, message := range messages {
				if got := shownByWhatsApp(message); got != message {
					t.Errorf("Format(%q) = %q: WhatsApp would show %q", markdown, message, got)
				}
			}
		})
	}
}
