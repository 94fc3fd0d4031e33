package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"jrweb/eventlog"
)

// Who types the README's commands in an empty folder has a program outside of this
// repository that builds, runs, and leaves the run that it records. Its lines are those of
// the README.
func TestTheLinesOfTheREADMEEmbedTheLogInAProgramOutside(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)\n## Embed it\n(.*?)\n## `).FindStringSubmatch(string(readme))
	if section == nil {
		t.Fatal("the README has no section \"Embed it\"")
	}
	lines := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(section[1])
	commands := regexp.MustCompile(`(?m)^    (.*)$`).FindAllStringSubmatch(section[1], -1)
	if lines == nil || len(commands) == 0 {
		t.Fatalf("the section has no lines of Go, or no commands:\n%s", section[1])
	}
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, c := range commands {
		command := strings.ReplaceAll(c[1], "../jrweb", repository)
		do := exec.CommandContext(t.Context(), "sh", "-c", command)
		do.Dir = dir
		do.Env = append(os.Environ(), "CGO_ENABLED=0") // what other tests build as well is compiled once
		if out, err := do.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	program, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ReplaceAll(string(program), "\n\t", "\n"), lines[1]) {
		t.Errorf("the program has other lines than the README:\n%s", program)
	}
	log, err := eventlog.Open(filepath.Join(dir, "jr.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	want(t, log, "t-1", "", `agent assistant {"content":"Hello"}`, `agent complete {"status":"succeeded"}`)
}
