package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var assetFiles embed.FS

// asset is one embedded file, ready to be served.
type asset struct {
	content     []byte
	contentType string
	etag        string
}

// contentTypes are spelled out because mime.TypeByExtension depends on files
// of the machine, and a script with a wrong type does not run.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// Assets serves the style, the scripts and the icon of the pages by their name,
// for instance app.css: strip the path it is mounted at. A browser asks each time
// whether its copy is still good, so that pages never meet a script of an older build.
func Assets() http.Handler {
	assets := loadAssets()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, found := assets[strings.TrimPrefix(r.URL.Path, "/")]
		if !found {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		h.Set("ETag", a.etag)
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
	})
}

func loadAssets() map[string]asset {
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		panic(err) // embedded: cannot fail once it compiled
	}
	assets := make(map[string]asset, len(entries))
	for _, entry := range entries {
		content, err := fs.ReadFile(assetFiles, path.Join("assets", entry.Name()))
		if err != nil {
			panic(err)
		}
		contentType, known := contentTypes[path.Ext(entry.Name())]
		if !known {
			contentType = "application/octet-stream"
		}
		sum := sha256.Sum256(content)
		assets[entry.Name()] = asset{content, contentType, `"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	return assets
}
