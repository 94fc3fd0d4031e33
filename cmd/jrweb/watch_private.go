package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"jrweb/eventlog/transcript"
)

// ignoreMark is the name of a file that keeps what agents do in its folder, and below it,
// out of every log.
const ignoreMark = ".jrweb-ignore"

// privacy says what is not recorded.
type privacy struct {
	exclude []string // globs
	only    []string // projects; nil: all
}

// check finds what is wrong with the flags.
func (p *privacy) check() error {
	for _, glob := range p.exclude {
		if _, err := path.Match(glob, ""); err != nil {
			return usagef("-exclude %q: %w", glob, err)
		}
	}
	return nil
}

// why returns why a transcript is not recorded, "" if it is.
func (p *privacy) why(file string, o transcript.Origin) string {
	for _, glob := range p.exclude {
		if matchesAny(glob, file) || o.Dir != "" && matchesAny(glob, o.Dir) {
			return "-exclude " + glob
		}
	}
	if p.only != nil && !slices.Contains(p.only, projectOf(o.Dir)) {
		return "it is of no project of -only"
	}
	if mark := ignoredBy(o.Dir); mark != "" {
		return mark
	}
	return ""
}

// matchesAny reports whether a glob matches a path or a folder that it is in. A glob
// without a slash matches a name anywhere.
func matchesAny(glob, file string) bool {
	for at := filepath.Clean(file); ; at = filepath.Dir(at) {
		name := at
		if !strings.Contains(glob, "/") {
			name = filepath.Base(at)
		}
		if ok, err := path.Match(glob, name); err == nil && ok {
			return true
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

// ignoredBy returns the mark that keeps a directory private, "" if there is none.
func ignoredBy(dir string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		mark := filepath.Join(at, ignoreMark)
		if _, err := os.Lstat(mark); err == nil {
			return mark
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

// projectOf is what people call the work in a directory: the name of the git repository
// that it is in, or its own.
func projectOf(dir string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	dir = filepath.Clean(dir)
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return clip(filepath.Base(at), mostProject)
		}
	}
	if dir == "/" {
		return ""
	}
	return clip(filepath.Base(dir), mostProject)
}

// mostProject is how long the label of a project may be.
const mostProject = 200
