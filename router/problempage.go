package router

import (
	"bytes"
	"html/template"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"jrweb/router/page"
)

// wantsPage reports whether a person's browser requests a page. Scripts and other programs
// get problems as JSON.
func wantsPage(r *http.Request) bool {
	return wants(r, "text/html") && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// failPage answers a problem as a page. It returns false if it could not.
func failPage(w http.ResponseWriter, r *http.Request, p *problem) bool {
	root := "./" + strings.Repeat("../", max(strings.Count(r.URL.Path, "/")-1, 0))
	var html bytes.Buffer
	if err := page.Problem(&html, page.ProblemPage{Title: p.Title, Detail: p.Detail, Root: template.URL(root)}); err != nil {
		return false
	}
	h := w.Header()
	maps.Copy(h, p.header)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.ContentSecurityPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(html.Len()))
	w.WriteHeader(p.Status)
	_, _ = w.Write(html.Bytes()) // the client may be gone
	return true
}
