package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark|Example)[A-Z]\\w*)`")
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
)

// The documents name the test that keeps each promise. It must be there.
func TestTheTestsThatTheDocumentsNameExist(t *testing.T) {
	root := filepath.Join("..", "..")
	exist := map[string]bool{}
	named := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case entry.IsDir(), filepath.Ext(path) != ".md" && !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".md" {
			for _, match := range testName.FindAllSubmatch(content, -1) {
				named[string(match[1])] = append(named[string(match[1])], path)
			}
			return nil
		}
		for _, match := range testFunc.FindAllSubmatch(content, -1) {
			exist[string(match[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(named) < 50 {
		t.Errorf("only %d tests are named", len(named))
	}
	for name, paths := range named {
		if !exist[name] {
			t.Errorf("%v name %s, which does not exist", paths, name)
		}
	}
}
