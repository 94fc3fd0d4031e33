package agents_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"jrweb/internal/agents"
)

// fixtureDir is where what real agents printed and left is kept.
const fixtureDir = "../../eventlog/transcript/testdata/real"

// build makes the program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "jrweb")
	build := exec.Command("go", "build", "-o", program, "jrweb/cmd/jrweb")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // what other tests build as well is compiled once
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// What real agents printed and left once comes in as the script says, by jrweb run and
// by import. make test-agents does so with the agents themselves.
func TestWhatAgentsPrintedIsRecordedAsTheScriptSays(t *testing.T) {
	r := startRecorders(t, build(t))
	dirs, err := os.ReadDir(fixtureDir)
	if err != nil {
		t.Fatal(err)
	}
	replayed := 0
	for _, dir := range dirs {
		for _, a := range agents.All() {
			// The version begins after the name's dash.
			if version, ok := strings.CutPrefix(dir.Name(), a.Name+"-"); !ok || version[0] < '0' || version[0] > '9' {
				continue
			}
			for _, s := range agents.Scenarios() {
				base := filepath.Join(fixtureDir, dir.Name(), s.Name)
				text, err := os.ReadFile(base + ".played.json")
				if errors.Is(err, fs.ErrNotExist) {
					continue // the agent cannot, or it is too long
				}
				if err != nil {
					t.Fatal(err)
				}
				var played []agents.Played
				if err := json.Unmarshal(text, &played); err != nil {
					t.Fatal(err)
				}
				replayed++
				t.Run(dir.Name()+"/"+s.Name, func(t *testing.T) {
					t.Parallel()
					replay(t, r, dir.Name(), base, a, s, played)
				})
			}
		}
	}
	if replayed == 0 {
		t.Error("there are no fixtures")
	}
}

func replay(t *testing.T, r recorders, name, base string, a *agents.Agent, s agents.Scenario, played []agents.Played) {
	task := func(way agents.Way) string { return name + "." + s.Name + "." + string(way) }
	spool := t.TempDir()
	for i, p := range played {
		cmd := r[agents.ByRun].command(t, "run", "-task", task(agents.ByRun), "-spool", spool, "--", "sh", "-c", ending(s.Runs[i], p), numbered(base+".stdout", i))
		out, err := cmd.CombinedOutput()
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
			t.Fatalf("%v: %s", err, out)
		}
	}
	r[agents.ByImport].must(t, append([]string{"import", "-task", task(agents.ByImport), "-spool", spool}, left(t, base)...)...)
	place := agents.Place{Home: agents.FixtureHome, Work: agents.FixtureWork}
	for way, from := range map[agents.Way]agents.Source{agents.ByRun: agents.Stdout, agents.ByImport: agents.Disk} {
		want := a.Want(place, s, from, a.Answers(place, s, played))
		for _, d := range agents.Compare(want, r[way].task(t, task(way))) {
			t.Errorf("%s: %s", way, d)
		}
	}
}

// ending is a shell command that prints a file and ends as the agent did.
func ending(r agents.Run, p agents.Played) string {
	switch {
	case r.Cut == agents.Kill:
		return `cat "$0"; kill -KILL $$`
	case r.Cut == agents.Interrupt:
		return `sleep 30 & trap "kill $!; exit ` + strconv.Itoa(p.Code) + `" INT; cat "$0"; kill -INT $PPID; wait`
	}
	return `cat "$0"; exit ` + strconv.Itoa(p.Code)
}

// numbered is the file of a run.
func numbered(base string, run int) string {
	if run > 0 {
		base += "-" + strconv.Itoa(run+1)
	}
	return base + ".jsonl"
}

// left are the files that stood on disk, those of main threads first.
func left(t *testing.T, base string) (paths []string) {
	t.Helper()
	for i := 0; ; i++ {
		path := numbered(base+".disk", i)
		if _, err := os.Stat(path); err != nil {
			break
		}
		paths = append(paths, path)
	}
	err := filepath.WalkDir(base+".disk", func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(paths, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	return paths
}
