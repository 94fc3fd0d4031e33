package page_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"jrweb/router/page"
)

// get asks for an asset as a router does that has stripped "/assets/".
func get(path string, header http.Header) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/assets/"+path, nil)
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	http.StripPrefix("/assets/", page.Assets()).ServeHTTP(w, r)
	return w.Result()
}

func TestAssetsAreServedByName(t *testing.T) {
	files, err := os.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, file := range files {
		_, extension, _ := strings.Cut(file.Name(), ".")
		got := get(file.Name(), nil)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != types[extension] {
			t.Errorf("%s: %s, %q", file.Name(), got.Status, got.Header.Get("Content-Type"))
		}
		if got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: a browser may guess its type", file.Name())
		}
		again := get(file.Name(), http.Header{"If-None-Match": {got.Header.Get("ETag")}})
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: with its ETag: %s", file.Name(), again.Status)
		}
	}
}

func TestOtherAssetsAreNotFound(t *testing.T) {
	for _, path := range []string{"", "/", "assets/app.css", "../page.go", "app.css/", "nothing.js", "templates/task.html"} {
		if got := get(path, nil); got.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %s", path, got.Status)
		}
	}
}

// A page that asks for a file that is not there would be found out only by a browser.
func TestPagesAndScriptsAskOnlyForAssetsThatExist(t *testing.T) {
	wanted := map[string]string{} // asset → who asks for it
	asset := regexp.MustCompile(`"(?:\.\./)?assets/([^"]+)"`)
	for name, html := range pages(t, "x") {
		for _, match := range asset.FindAllStringSubmatch(html, -1) {
			wanted[match[1]] = name
		}
	}
	scripts, err := os.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	module := regexp.MustCompile(`(?m)^import .* from "\./([^"]+)";$`)
	for _, script := range scripts {
		source, err := os.ReadFile("assets/" + script.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range module.FindAllSubmatch(source, -1) {
			wanted[string(match[1])] = script.Name()
		}
	}
	if len(wanted) < 10 {
		t.Fatalf("found only %v", wanted)
	}
	for name, who := range wanted {
		if got := get(name, nil); got.StatusCode != http.StatusOK {
			t.Errorf("%s asks for %s: %s", who, name, got.Status)
		}
	}
}

// What a script imports is asked for at once, not after the script has come.
func TestPagesNameAllTheirScripts(t *testing.T) {
	preload := regexp.MustCompile(`<link rel="modulepreload" href="(?:\.\./)?assets/([^"]+)">`)
	module := regexp.MustCompile(`(?m)^import .* from "\./([^"]+)";$`)
	for name, html := range pages(t, "x") {
		named := map[string]bool{}
		for _, match := range preload.FindAllStringSubmatch(html, -1) {
			if named[match[1]] {
				t.Errorf("%s names %s twice", name, match[1])
			}
			named[match[1]] = true
		}
		if len(named) < 5 {
			t.Errorf("%s names only %v", name, named)
		}
		for script := range named {
			source, err := os.ReadFile("assets/" + script)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range module.FindAllSubmatch(source, -1) {
				if !named[string(match[1])] {
					t.Errorf("%s runs %s, which imports %s, and does not name it", name, script, match[1])
				}
			}
		}
	}
}

// One script takes in what the server has rendered; for all others agent output is text.
func TestScriptsMakeNoMarkupFromText(t *testing.T) {
	scripts, err := os.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	dangerous := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment|\beval\(|new Function`)
	for _, script := range scripts {
		source, err := os.ReadFile("assets/" + script.Name())
		if err != nil {
			t.Fatal(err)
		}
		found := dangerous.Find(source)
		if script.Name() == "fragments.js" && string(found) == "DOMParser" {
			continue
		}
		if found != nil {
			t.Errorf("%s uses %s: agent output is text", script.Name(), found)
		}
	}
}
