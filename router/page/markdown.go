package page

import (
	"bufio"
	"bytes"
	"html/template"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown parses what agents and people write. Its own renderer is not used.
var markdown = goldmark.New(goldmark.WithExtensions(
	extension.Strikethrough, extension.TaskList, extension.Table,
	extension.NewLinkify(extension.WithLinkifyAllowedProtocols([]string{"http:", "https:"})),
), goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(formulas{}, 50)))).Parser() // before code and links

// markdownHTML renders Markdown. It writes the elements that it knows and no
// others: markup in the text is shown as text, images become links, and a link
// leads to http and https only.
func markdownHTML(source string, watch *stopwatch) template.HTML {
	m := markdownWriter{watch: watch}
	for source != "" {
		piece := source[:pieceEnd(source)]
		source = source[len(piece):]
		m.piece(piece)
	}
	return template.HTML(m.out.String()) // every text in it was escaped
}

// piece renders text that is parsed at once. What the parser cannot take stays as
// it was written.
func (m *markdownWriter) piece(source string) {
	before := m.out.Len()
	defer func() {
		if recover() != nil {
			whole := m.out.String()[:before]
			m.out.Reset()
			m.out.WriteString(whole)
			m.verbatim(source)
		}
	}()
	if laborious(source) {
		m.verbatim(source)
		return
	}
	m.source = []byte(source)
	m.node(markdown.Parse(text.NewReader(m.source)), 0)
}

func (m *markdownWriter) verbatim(source string) {
	m.out.WriteString(`<pre class="verbatim" tabindex="0">`)
	writeEscaped(&m.out, source)
	m.close("pre")
}

// parsedAtOnce is how many bytes of Markdown are parsed at once. Some texts take
// time by the square of their length.
const parsedAtOnce = 32 << 10

// pieceEnd returns the end of the piece at the start of a text: before a paragraph,
// and not within code, if there is such a place.
func pieceEnd(source string) int {
	if len(source) <= parsedAtOnce {
		return len(source)
	}
	end, at, blank, fenced := 0, 0, false, false
	for line := range strings.Lines(source[:runeStart(source, parsedAtOnce)]) {
		trimmed := strings.TrimSpace(line)
		if blank && !fenced && at > 0 && line[0] != ' ' && line[0] != '\t' {
			end = at
		}
		if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
			fenced = !fenced
		}
		blank = trimmed == ""
		at += len(line)
	}
	if end == 0 {
		return at
	}
	return end
}

// laborious reports whether a text would keep the parser busy for long, or would
// become far more markup than text. What people and agents really write is not.
func laborious(source string) bool {
	const (
		mostBrackets   = 1500 // each may begin a link
		mostDelimiters = 3000 // each may begin an emphasis
		mostContainers = 40   // quotes in lists in quotes
		mostCells      = 20_000
	)
	if strings.Count(source, "[") > mostBrackets ||
		strings.Count(source, "*")+strings.Count(source, "_")+strings.Count(source, "~") > mostDelimiters {
		return true
	}
	columns, rows := 0, 0
	for line := range strings.Lines(source) {
		rows++
		if containers(line) > mostContainers {
			return true
		}
		// A table's rows are filled up to the width of its first one.
		if strings.Trim(line, "|:- \t\r\n>") == "" {
			columns = max(columns, strings.Count(line, "|")+1)
		}
	}
	return columns*rows > mostCells
}

// containers counts the marks of quotes and list items that a line begins with,
// and the steps by which it is indented.
func containers(line string) int {
	n, spaces, inMark := 0, 0, false
	for i := range len(line) {
		switch c := line[i]; {
		case c == '>':
			n++
			inMark = false
		case c == ' ' || c == '\t':
			spaces++
			inMark = false
		case strings.IndexByte("-+*.)0123456789", c) >= 0:
			if !inMark {
				n++
			}
			inMark = true
		default:
			return max(n, spaces/4)
		}
	}
	return n
}

// markdownWriter walks a document.
type markdownWriter struct {
	source []byte
	out    strings.Builder
	watch  *stopwatch
}

// mostDepth is how deep elements stand in each other. Browsers stop at 512, and
// honest texts long before.
const mostDepth = 40

func (m *markdownWriter) node(n ast.Node, depth int) {
	switch n := n.(type) {
	case *ast.Text:
		m.text(n)
	case *ast.String:
		m.raw(n.Value)
	case *ast.CodeBlock:
		m.code("", m.lines(n.Lines()))
	case *ast.FencedCodeBlock:
		m.code(string(n.Language(m.source)), m.lines(n.Lines()))
	case *ast.HTMLBlock: // nobody meant it for this page
		source := m.lines(n.Lines())
		if n.HasClosure() {
			source += string(n.ClosureLine.Value(m.source))
		}
		m.code("html", source)
	case *ast.RawHTML:
		m.raw([]byte(m.lines(n.Segments)))
	case *ast.ThematicBreak:
		m.open("hr")
	case *extast.TaskCheckBox:
		if n.IsChecked {
			m.out.WriteString("☑ ")
		} else {
			m.out.WriteString("☐ ")
		}
	case *ast.AutoLink:
		m.autoLink(n)
	case *ast.Link:
		m.link(n.Destination, n, depth)
	case *ast.Image:
		m.image(n, depth)
	case *ast.Heading:
		m.out.WriteString(`<p class="heading" data-level="` + strconv.Itoa(n.Level) + `">`)
		m.children(n, depth)
		m.close("p")
	case *ast.Paragraph:
		m.wrap("p", n, depth)
	case *ast.Blockquote:
		m.wrap("blockquote", n, depth)
	case *ast.List:
		m.list(n, depth)
	case *ast.ListItem:
		m.wrap("li", n, depth)
	case *ast.CodeSpan:
		m.codeSpan(n)
	case *ast.Emphasis:
		if n.Level == 2 {
			m.wrap("strong", n, depth)
		} else {
			m.wrap("em", n, depth)
		}
	case *extast.Strikethrough:
		m.wrap("del", n, depth)
	case *extast.Table:
		m.table(n, depth)
	case *ast.TextBlock:
		m.children(n, depth)
		if n.NextSibling() != nil {
			m.out.WriteByte('\n')
		}
	default: // the document, and what a newer parser may bring
		m.children(n, depth)
	}
}

func (m *markdownWriter) children(n ast.Node, depth int) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		m.node(c, depth+1)
	}
}

func (m *markdownWriter) open(name string)  { m.out.WriteString("<" + name + ">") }
func (m *markdownWriter) close(name string) { m.out.WriteString("</" + name + ">") }

func (m *markdownWriter) wrap(name string, n ast.Node, depth int) {
	if depth > mostDepth {
		m.children(n, depth)
		return
	}
	m.open(name)
	m.children(n, depth)
	m.close(name)
}

// raw writes text as it stands.
func (m *markdownWriter) raw(value []byte) { writeEscaped(&m.out, string(value)) }

// resolved writes text whose entities and backslashes mean something.
func (m *markdownWriter) resolved(value []byte) {
	w := bufio.NewWriter(&m.out)
	html.DefaultWriter.Write(w, value)
	_ = w.Flush() // a Builder takes everything
}

func (m *markdownWriter) text(n *ast.Text) {
	value := n.Value(m.source)
	if n.IsRaw() {
		m.raw(value)
	} else {
		m.resolved(value)
	}
	// A line break that somebody wrote is one.
	if n.HardLineBreak() || n.SoftLineBreak() {
		m.open("br")
	}
}

func (m *markdownWriter) lines(segments *text.Segments) string {
	var b strings.Builder
	for i := range segments.Len() {
		segment := segments.At(i)
		b.Write(segment.Value(m.source))
	}
	return b.String()
}

func (m *markdownWriter) code(language, code string) {
	m.out.WriteString(`<pre class="code" tabindex="0"`)
	if language = shorten(language); language != "" {
		m.out.WriteString(` data-language="`)
		writeEscaped(&m.out, language)
		m.out.WriteString(`"`)
	}
	m.out.WriteString(`><code>`)
	m.out.WriteString(string(codeHTML(code, lexerOf(language), m.watch)))
	m.out.WriteString("</code></pre>")
}

func (m *markdownWriter) codeSpan(n *ast.CodeSpan) {
	m.open("code")
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			m.raw(bytes.ReplaceAll(t.Value(m.source), []byte("\n"), []byte(" ")))
		}
	}
	m.close("code")
}

func (m *markdownWriter) list(n *ast.List, depth int) {
	if !n.IsOrdered() || depth > mostDepth {
		m.wrap("ul", n, depth)
		return
	}
	m.out.WriteString("<ol")
	if n.Start != 1 {
		m.out.WriteString(` start="` + strconv.Itoa(n.Start) + `"`)
	}
	m.out.WriteString(">")
	m.children(n, depth)
	m.close("ol")
}

func (m *markdownWriter) table(n *extast.Table, depth int) {
	m.out.WriteString(`<div class="scroll" tabindex="0"><table>`)
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		name := "td"
		if _, isHeader := row.(*extast.TableHeader); isHeader {
			name = "th"
		}
		m.open("tr")
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			m.out.WriteString("<" + name)
			if c, ok := cell.(*extast.TableCell); ok && c.Alignment != extast.AlignNone {
				m.out.WriteString(` align="` + c.Alignment.String() + `"`)
			}
			m.out.WriteString(">")
			m.children(cell, depth+2)
			m.close(name)
		}
		m.close("tr")
	}
	m.out.WriteString("</table></div>")
}
