package page_test

import (
	"strings"
	"testing"

	"jrweb/router/page"
)

// Every page leads to the others and to the search of all runs, under any mount.
func TestEveryPageHasTheHeaderOfTheSite(t *testing.T) {
	var problem strings.Builder
	if err := page.Problem(&problem, page.ProblemPage{Title: "x", Root: "./../../"}); err != nil {
		t.Fatal(err)
	}
	all := pages(t, "x")
	all["problem"] = problem.String()
	for name, html := range all {
		root := "../"
		switch {
		case strings.HasPrefix(name, "list"), name == "wall":
			root = "./"
		case name == "problem":
			root = "./../../"
		}
		for _, want := range []string{
			"<nav aria-label=\"Pages\">\n      <a href=\"" + root + `"`, `role="search"`, `method="get" action="` + root + `search"`,
			`<input id="search-all" name="q" type="search"`,
		} {
			if n := strings.Count(html, want); n != 1 {
				t.Errorf("%s: %s is there %d times", name, want, n)
			}
		}
		if isList := strings.HasPrefix(name, "list"); strings.Contains(html, `<a href="./" aria-current="page">Tasks</a>`) != isList {
			t.Errorf("%s: says wrongly whether it is the list", name)
		}
	}
}
