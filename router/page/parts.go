package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"jrweb/router/blob"
)

// The parts that rows are made of. None shows walls of base64.

// prose is Markdown, or what a program printed.
type prose struct {
	Head, Tail template.HTML
	Cut        *cut
}

// block is text whose lines and spaces matter.
type block struct {
	Class      string
	Head, Tail template.HTML
	Cut        *cut
}

// cut is what was left out of a text, and where it is.
type cut struct {
	Omitted string
	Size    string
	Raw     template.URL
	Pointer string // to the text in the event's data
}

// fieldView is one member of an object.
type fieldView struct {
	Name   string
	Value  string // of a short one
	Long   *block
	Folded bool // of a long one, Value is all that is seen at first
}

func plain(text string) template.HTML { return escaped(text) }

func (m *maker) prose(name string) *prose {
	text := m.withoutPlaceholders(blob.Elide(m.data.text(name)))
	if isPrinted(m.data) {
		return proseOf(m.block("text output", text, "/"+name, terminalHTML))
	}
	if m.view.offline && len(text) > shownAtMost {
		// Nothing is left out, but to parse so much as Markdown helps nobody.
		return &prose{Head: "<pre>" + escaped(text) + "</pre>"}
	}
	if looksLikeJSON(text) { // an answer in a form that was asked for
		return proseOf(m.json("text json", []byte(text), "/"+name))
	}
	x := m.space.take(text)
	p := &prose{Head: markdownHTML(x.head, &m.watch), Cut: m.cut(x, text, "/"+name)}
	if p.Cut != nil {
		p.Tail = markdownHTML(x.tail, &m.watch)
	}
	return p
}

// isPrinted reports whether the words of an agent are the output of a program, as package
// transcript marks it: no Markdown, but colours of a terminal.
func isPrinted(data fields) bool { return data.text("format") == "text" }

// proseOf is a block where prose stands as a rule.
func proseOf(b *block) *prose {
	p := &prose{Head: pre(b.Class, b.Head), Cut: b.Cut}
	if p.Cut != nil {
		p.Tail = pre(b.Class, b.Tail)
	}
	return p
}

func pre(class string, text template.HTML) template.HTML {
	return template.HTML(`<pre class="`+class+`" tabindex="0">`) + text + "</pre>"
}

func (m *maker) block(class, text, pointer string, render func(string) template.HTML) *block {
	text = blob.Elide(text)
	x := m.space.take(text)
	b := &block{Class: class, Head: render(x.head), Cut: m.cut(x, text, pointer)}
	if b.Cut != nil {
		b.Tail = render(x.tail)
	}
	return b
}

func (m *maker) json(class string, raw []byte, pointer string) *block {
	text := prettyJSON(json.RawMessage(blob.Elide(string(raw))))
	x := m.space.take(text)
	var head strings.Builder
	writeJSON(&head, x.head)
	// Where the tail begins, in a string or not, nobody knows.
	return &block{Class: class, Head: template.HTML(head.String()), Tail: escaped(x.tail), Cut: m.cut(x, text, pointer)}
}

func (m *maker) cut(x excerpt, text, pointer string) *cut {
	if x.omitted == 0 {
		return nil
	}
	return &cut{Omitted: byteSize(x.omitted), Size: byteSize(len(text)), Raw: m.row.Raw, Pointer: pointer}
}

// mostFields is how many members of an object are listed one by one.
const mostFields = 60

// fields lists members: short values in a line, long ones as a block.
func (m *maker) fields(members fields, pointer string) []fieldView {
	members = members.without(parentFields...)
	var list []fieldView
	for i, f := range members {
		if i == mostFields && !m.view.offline {
			rest := excerpt{omitted: len(m.entry.Data)}
			list = append(list, fieldView{
				Name: fmt.Sprintf("and %d more", len(members)-i),
				Long: &block{Class: "text", Cut: m.cut(rest, string(m.entry.Data), pointer)},
			})
			break
		}
		at := pointer + "/" + pointerEscaper.Replace(f.name)
		one := fieldView{Name: shorten(f.name)}
		text := textOf(f.value)
		switch structured := f.value[0] == '{' || f.value[0] == '['; {
		case len(text) <= 100 && !strings.Contains(text, "\n"):
			one.Value = text
			if text == "" {
				one.Value = "–"
			}
		case structured:
			one.Long = m.json("text json", f.value, at)
		default:
			one.Long = m.block("text", text, at, plain)
		}
		list = append(list, one)
	}
	return list
}

// folded leaves of long members what fits in a line, until a reader wants more: they
// would take more room than the row that they belong to.
func folded(list []fieldView, members fields) []fieldView {
	for i := range list {
		if one := &list[i]; one.Long != nil {
			one.Folded, one.Value = true, firstLine(blob.Elide(string(members.raw(one.Name))))
		}
	}
	return list
}

// pointerEscaper makes a name a part of a JSON pointer (RFC 6901).
var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
