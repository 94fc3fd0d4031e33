package agents_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/internal/agents"
)

func TestRecut(t *testing.T) {
	from, to := "/work/tmp/fixtures", os.Getenv("RECUT")
	if to == "" {
		t.Skip()
	}
	for _, s := range agents.Scenarios() {
		filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(from, path)
			parts := strings.Split(rel, "/")
			if d.IsDir() || len(parts) < 2 || !strings.HasPrefix(parts[1], s.Name+".") || !strings.HasPrefix(parts[0], os.Getenv("ONLY")) {
				return nil
			}
			data, _ := os.ReadFile(path)
			p := agents.Place{Home: agents.FixtureHome, Work: agents.FixtureWork, Bin: "/usr/lib/node_modules"}
			out := data
			if !strings.HasSuffix(path, "played.json") {
				out = agents.NewCutter(p, parts[0]+"/"+s.Name, s).Cut(data)
			}
			dst := filepath.Join(to, rel)
			os.MkdirAll(filepath.Dir(dst), 0o755)
			return os.WriteFile(dst, out, 0o644)
		})
	}
}
