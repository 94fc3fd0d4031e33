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

// around is what stands around the lines of the README in a program.
const around = `package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"jrweb/eventlog"
	"jrweb/router"
	"jrweb/streamer"
)

func main() {
	if err := embed(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func embed(ctx context.Context) error {
	LINES
	return err
}
`

// A program outside of this repository is made of the README's own lines, in an empty
// folder: it builds, runs, and leaves the run that they record.
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
	program := strings.Replace(around, "LINES", lines[1], 1)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		command := strings.ReplaceAll(c[1], "../jrweb", repository)
		do := exec.CommandContext(t.Context(), "sh", "-c", command)
		do.Dir = dir
		if out, err := do.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s\n%s", command, err, out, program)
		}
	}
	log, err := eventlog.Open(filepath.Join(dir, "jr.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	want(t, log, "t-1", "", `agent assistant {"content":"Hello"}`, `agent complete {"status":"succeeded"}`)
}
