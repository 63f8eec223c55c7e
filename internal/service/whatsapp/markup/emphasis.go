package markup

import (
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// emphasisParser parses runs of *, _ and ~. It replaces goldmark's parsers of
// emphasis and strikethrough, because CommonMark refuses emphasis that people and
// models write: the second run of **Saa:**Leo may only open, as it follows a
// punctuation mark and precedes a letter. On the other hand, CommonMark takes the
// stars of COUNT(*) and of x**2 for emphasis.
//
// CommonMark's rules: https://spec.commonmark.org/0.31.2/#delimiter-run
type emphasisParser struct{}

// Trigger implements parser.InlineParser.
func (emphasisParser) Trigger() []byte { return []byte{'*', '_', '~'} }

// Parse implements parser.InlineParser.
func (emphasisParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	node := parser.ScanDelimiter(line, before, 1, delimiterProcessor{char: line[0]})
	if node.Char == '~' && (node.OriginalLength > 2 || before == '~') {
		return nil
	}
	run := delimiterRun{
		char:   node.Char,
		length: node.OriginalLength,
		before: before,
		after:  ' ',
		opens:  node.CanOpen,
		closes: node.CanClose,
	}
	if rest := line[run.length:]; len(rest) > 0 {
		run.after = util.ToRune(line, run.length)
		run.afterLone = isLoneLetter(run.after, firstRune(rest[utf8.RuneLen(run.after):]))
	}
	if isLatinLetter(before) {
		source := block.Source()[:segment.Start]
		beforeThat, _ := utf8.DecodeLastRune(source[:len(source)-utf8.RuneLen(before)])
		run.beforeLone = isLoneLetter(before, beforeThat)
	}
	node.CanOpen, node.CanClose = run.flanking()
	node.Segment = segment.WithStop(segment.Start + node.OriginalLength)
	block.Advance(node.OriginalLength)
	pc.PushDelimiter(node)
	return node
}

// delimiterProcessor implements parser.DelimiterProcessor for one character.
type delimiterProcessor struct{ char byte }

func (p delimiterProcessor) IsDelimiter(b byte) bool { return b == p.char }

func (delimiterProcessor) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	return opener.Char == closer.Char
}

func (p delimiterProcessor) OnMatch(consumes int) ast.Node {
	if p.char == '~' {
		return extast.NewStrikethrough()
	}
	return ast.NewEmphasis(consumes)
}

// delimiterRun is a run of one delimiter with the characters around it: white
// space at the start and the end of a line.
type delimiterRun struct {
	char          byte
	length        int
	before, after rune
	// These are true for a Latin or Greek letter that is a word of its own, like
	// the name of a variable.
	beforeLone, afterLone bool
	// These say whether the run can open and close a span by CommonMark's rules.
	opens, closes bool
}

// flanking returns whether the run can open and close a span.
func (r delimiterRun) flanking() (canOpen, canClose bool) {
	switch {
	case r.isProduct(), r.isWildcard():
		return false, false
	case r.isPower():
		return false, r.closes
	case r.length == 1 && r.char != '*':
		return r.opens, r.closes // snake_case, ~5: CommonMark is strict enough
	case util.IsPunctRune(r.before) && isWordRune(r.after):
		return r.opens, r.closes || r.closesAfterPunctuation()
	case isWordRune(r.before) && util.IsPunctRune(r.after):
		return r.opens || r.opensBeforePunctuation(), r.closes
	case isWordRune(r.before) && isWordRune(r.after):
		return r.opens, true // also for __, which CommonMark ignores inside words
	default:
		return r.opens, r.closes
	}
}

// closesAfterPunctuation reports whether the run can close a span although it
// follows a punctuation mark and precedes a letter, as in **Saa:**Leo.
func (r delimiterRun) closesAfterPunctuation() bool {
	switch {
	case unicode.In(r.before, unicode.Ps, unicode.Pi):
		return false
	case r.before != '.':
		return true
	case r.char == '_':
		return false // self.__name
	default:
		return r.length > 1 || unicode.IsUpper(r.after) // not the regular expression a.*b
	}
}

// opensBeforePunctuation reports whether the run can open a span although it
// follows a letter and precedes a punctuation mark, as in say**"hi"**.
func (r delimiterRun) opensBeforePunctuation() bool {
	switch {
	case r.char == '_':
		return false
	case unicode.In(r.after, unicode.Pe, unicode.Pf):
		return false
	case r.length == 1 && (r.after == '(' || r.after == '['):
		return false // a footnote mark: price*(net)
	}
	switch r.after {
	case '.', ',', ':', ';', '!', '?', '…', '%', '。', '、', '，', '！', '？', '；', '：':
		return false
	}
	return true
}

// isProduct reports whether the run is a multiplication sign.
func (r delimiterRun) isProduct() bool {
	if r.char != '*' || r.length != 1 || !r.followsOperand() {
		return false
	}
	return unicode.IsDigit(r.after) || r.afterLone || r.after == '(' || r.after == '-' || r.after == '+'
}

// isPower reports whether the run is the operator ** between two operands. It may
// still close a span: **Option A**2 pieces.
func (r delimiterRun) isPower() bool {
	return r.char == '*' && r.length == 2 && r.followsOperand() && (unicode.IsDigit(r.after) || r.afterLone)
}

func (r delimiterRun) followsOperand() bool {
	return unicode.IsDigit(r.before) || r.beforeLone || r.before == ')' || r.before == ']'
}

// isWildcard reports whether the run is a wildcard or the mark of a comment:
// COUNT(*), src/*.go, /* … */.
func (r delimiterRun) isWildcard() bool {
	if r.char != '*' || r.length != 1 {
		return false
	}
	switch {
	case unicode.Is(unicode.Ps, r.before) && unicode.Is(unicode.Pe, r.after):
		return true
	case r.before == '/':
		return r.after == '.' || r.after == '/' || util.IsSpaceRune(r.after)
	case r.after == '/':
		return util.IsSpaceRune(r.before)
	default:
		return false
	}
}

func isLoneLetter(r, neighbor rune) bool {
	return isLatinLetter(r) && !unicode.IsLetter(neighbor)
}

func isLatinLetter(r rune) bool {
	return r < utf8.RuneSelf && unicode.IsLetter(r) || unicode.In(r, unicode.Latin, unicode.Greek)
}

func isWordRune(r rune) bool { return !util.IsSpaceRune(r) && !util.IsPunctRune(r) }

func firstRune(s []byte) rune {
	r, _ := utf8.DecodeRune(s)
	return r
}
