package page

import (
	"net/url"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"
)

// Links in Markdown: they lead to http and https only, and nothing is loaded from them.

// webAddress returns a link's destination as an attribute's value, "" unless it
// leads to http or https.
func webAddress(destination []byte) string {
	address := string(util.URLEscape(destination, true))
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return string(escaped(address))
}

func (m *markdownWriter) openLink(address string) {
	m.out.WriteString(`<a href="` + address + `" rel="noopener noreferrer nofollow" target="_blank">`)
}

func (m *markdownWriter) link(destination []byte, n ast.Node, depth int) {
	address := webAddress(destination)
	if address == "" { // of no use here, but perhaps to a reader: a file, for instance
		m.children(n, depth)
		if len(destination) > 0 {
			m.out.WriteString(` (<code>`)
			m.raw(destination)
			m.out.WriteString(`</code>)`)
		}
		return
	}
	m.openLink(address)
	m.children(n, depth)
	m.close("a")
}

// image writes a link: to load what an agent names would tell others who reads.
func (m *markdownWriter) image(n *ast.Image, depth int) {
	m.out.WriteString("🖼 ")
	if n.FirstChild() != nil || inLink(n) {
		if inLink(n) {
			m.children(n, depth)
		} else {
			m.link(n.Destination, n, depth)
		}
		return
	}
	if address := webAddress(n.Destination); address != "" {
		m.openLink(address)
		m.raw(n.Destination)
		m.close("a")
		return
	}
	m.raw(n.Destination)
}

// inLink reports whether a node is within a link, where there must not be another.
func inLink(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		switch p.(type) {
		case *ast.Link, *ast.Image:
			return true
		}
	}
	return false
}

func (m *markdownWriter) autoLink(n *ast.AutoLink) {
	address := ""
	if n.AutoLinkType == ast.AutoLinkURL && !inLink(n) {
		address = webAddress(n.URL(m.source))
	}
	if address == "" {
		m.raw(n.Label(m.source))
		return
	}
	m.openLink(address)
	m.raw(n.Label(m.source))
	m.close("a")
}
