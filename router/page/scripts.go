package page

import (
	"io/fs"
	"regexp"
	"slices"
)

// modules are the scripts that each page's script is made of, itself included. A
// page names them all, so that a browser fetches them side by side and not each
// after the one that imports it.
var modules = map[string][]string{
	"list.js":   modulesOf("list.js", nil),
	"task.js":   modulesOf("task.js", nil),
	"search.js": modulesOf("search.js", nil),
	"wall.js":   modulesOf("wall.js", nil),
}

var importLine = regexp.MustCompile(`(?m)^import .* from "\./([^"]+)";$`)

// modulesOf adds a script and what it imports to those that are known already.
func modulesOf(script string, known []string) []string {
	if slices.Contains(known, script) {
		return known
	}
	source, err := fs.ReadFile(assetFiles, "assets/"+script)
	if err != nil {
		panic(err) // embedded: cannot fail once it compiled
	}
	known = append(known, script)
	for _, imported := range importLine.FindAllSubmatch(source, -1) {
		known = modulesOf(string(imported[1]), known)
	}
	return known
}
