package page

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// formulas finds TeX in Markdown, which is shown as it was written: its backslashes,
// underscores and asterisks mean something else in Markdown, and would be lost.
type formulas struct{}

// longestFormula bounds how far the end of a formula is searched for.
const longestFormula = 2000 // bytes

// kindFormula is the kind of a formula's node. Its children are its lines, raw.
var kindFormula = ast.NewNodeKind("Formula")

type formula struct{ ast.BaseInline }

func (*formula) Kind() ast.NodeKind            { return kindFormula }
func (f *formula) Dump(source []byte, lvl int) { ast.DumpHelper(f, source, lvl, nil, nil) }

var (
	_ parser.InlineParser = formulas{}
	_ ast.Node            = (*formula)(nil)
)

// formulaMarks are the marks around a formula. Longer ones come first.
var formulaMarks = []struct{ open, end string }{{"$$", "$$"}, {"$", "$"}, {`\(`, `\)`}, {`\[`, `\]`}}

// Trigger implements [parser.InlineParser].
func (formulas) Trigger() []byte { return []byte{'$', '\\'} }

// Parse implements [parser.InlineParser].
func (formulas) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	for _, mark := range formulaMarks {
		if !bytes.HasPrefix(line, []byte(mark.open)) {
			continue
		}
		if mark.open == "$" && isWordBefore(block.PrecendingCharacter()) {
			return nil // as in US$
		}
		return parseFormula(block, mark.open, mark.end)
	}
	return nil
}

// parseFormula takes a formula whose first mark is next, and returns nil if there is none.
func parseFormula(block text.Reader, open, end string) ast.Node {
	node := &formula{}
	inside, skip := 0, len(open)
	tex := open == "$" || open == "$$"
	for inside < longestFormula {
		line, segment := block.PeekLine()
		if line == nil {
			return nil
		}
		at := formulaEnd(line, skip, end)
		if at < 0 {
			tex = tex || hasTeX(line[skip:])
			inside += len(line)
			skip = 0
			node.AppendChild(node, lineOfFormula(segment, block.Source()))
			block.AdvanceLine()
			continue
		}
		tex = tex || hasTeX(line[skip:at])
		if !tex || inside+at-skip == 0 {
			return nil
		}
		at += len(end)
		node.AppendChild(node, ast.NewRawTextSegment(segment.WithStop(segment.Start+at)))
		block.Advance(at)
		return node
	}
	return nil
}

// lineOfFormula is a line before the last one.
func lineOfFormula(segment text.Segment, source []byte) *ast.Text {
	line := ast.NewRawTextSegment(segment.TrimRightSpace(source))
	line.SetSoftLineBreak(true)
	return line
}

// formulaEnd returns where the mark at the end of a formula is in a line, -1 if it is not
// in it. A single dollar is often one of money: then a space stands before it, or a letter
// or digit behind it.
func formulaEnd(line []byte, from int, end string) int {
	if end == "$" && from == 1 && (len(line) == 1 || isSpace(line[1])) {
		return -1
	}
	for at := from; at < len(line); at++ {
		if bytes.HasPrefix(line[at:], []byte(end)) {
			if end != "$" || at > from && !isSpace(line[at-1]) && !startsWord(line[at+1:]) {
				return at
			}
		}
		if line[at] == '\\' { // what it stands before is not a mark
			at++
		}
	}
	return -1
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isWordBefore(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func startsWord(text []byte) bool {
	r, _ := utf8.DecodeRune(text)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// hasTeX tells a formula from text in brackets that somebody has escaped.
func hasTeX(text []byte) bool { return bytes.ContainsAny(text, `\^_={}`) }
