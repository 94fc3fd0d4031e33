package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/metrics"
)

// The page for operators lists what there is, no more and no less.
func TestTheOperatorsPageListsEveryMetricAlertAndFlag(t *testing.T) {
	read := func(path ...string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("docs", "operations.md")
	_, help, _ := runIt(t, "", "serve", "-help")
	flags := matches(help, `(?m)^\s+--([a-z-]+)`)
	delete(flags, "help")
	for what, lists := range map[string][2]map[string]bool{
		"metric": {matches(page, "(?m)^\\| `(jrweb_[a-z_]+)` \\|"), exposed(t)},
		"alert":  {matches(page, "(?m)^\\| `(Jrweb[A-Za-z]+)` \\|"), matches(read("deploy", "prometheus", "jrweb-alerts.yml"), `- alert: (\w+)`)},
		"flag":   {matches(after(t, page, "\n## Flags\n"), "`-([a-z-]+)`"), flags},
	} {
		listed, there := lists[0], lists[1]
		for _, name := range slices.Sorted(maps.Keys(there)) {
			if !listed[name] {
				t.Errorf("docs/operations.md does not list the %s %s", what, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(listed)) {
			if !there[name] {
				t.Errorf("docs/operations.md lists the %s %s, which does not exist", what, name)
			}
		}
		if len(there) < 15 {
			t.Errorf("only %d of the kind %s are found", len(there), what)
		}
	}
	// What it says elsewhere of flags is of flags that exist, of one command or another.
	for _, command := range []string{"watch"} {
		_, help, _ := runIt(t, "", command, "-help")
		maps.Copy(flags, matches(help, `(?m)^\s+--([a-z-]+)`))
	}
	for name := range matches(page, "`-([a-z-]+)") {
		if !flags[name] {
			t.Errorf("docs/operations.md speaks of -%s, which neither serve nor watch has", name)
		}
	}
}

// after is the part of a text behind a heading.
func after(t *testing.T, text, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, heading)
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	return rest
}

// matches are the first groups of all matches.
func matches(text, pattern string) map[string]bool {
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		names[match[1]] = true
	}
	return names
}

// exposed are the names of our own metrics.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.New(eventlogtest.NewStore(), &eventlog.Options{Trace: m.LogTrace()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	m.CollectLog(log)
	m.RequestTrace().Answered("/tasks", "GET", 200, 0) // else it has no series yet
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, family := range families {
		if name := family.GetName(); strings.HasPrefix(name, "jrweb_") {
			names[name] = true
		}
	}
	return names
}
