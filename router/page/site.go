package page

import "html/template"

// sitePages are the pages that the header of every page leads to: their names, and their
// paths below the mount.
var sitePages = []struct{ name, path string }{
	{"Tasks", ""},
	{"Wall", "wall"},
	{"Usage", "usage"},
}

// site is what stands at the top of every page: links to the other pages, and the box that
// searches all runs.
type site struct {
	// Root leads to the mount, relative to the page, and ends with a slash.
	Root  template.URL
	Links []siteLink
	// Query is what was searched for.
	Query string
}

type siteLink struct {
	Name    string
	Address template.URL
	// Current says that the page is this one.
	Current bool
}

// newSite makes the header of a page. current is the page's name in sitePages, or empty.
func newSite(root template.URL, current, query string) site {
	s := site{Root: root, Query: query}
	for _, p := range sitePages {
		s.Links = append(s.Links, siteLink{Name: p.name, Address: root + template.URL(p.path), Current: p.name == current})
	}
	return s
}
