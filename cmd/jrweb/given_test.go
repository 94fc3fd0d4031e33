package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAVariableThatDoesNotFitTheCommandLineIsNoError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.ndjson")
	if err := os.WriteFile(file, []byte(`{"task":"A","session":"06H0EN8RFSHIM9CO6AS2L51TAO","sequence":1,"time":"2026-01-02T00:00:00Z","type":"status","data":{"content":"x"}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env, args string // split at |
		refused   string // the same on the command line, "" for nothing to say
	}{
		{"JRWEB_AGENT=a", "ls|A", "ls|A|-agent|a"},
		{"JRWEB_STATUS=open|JRWEB_Q=x|JRWEB_MODEL=m|JRWEB_PROJECT=p|JRWEB_OWNER=o", "ls|A", "ls|A|-status|open"},
		{"JRWEB_JSON=true", "ls|-o|wide", "ls|-o|wide|-json"},
		{"JRWEB_O=wide", "ls|-json", ""},
		{"JRWEB_JSON=true", "tail|A|-details", "tail|A|-details|-json"},
		{"JRWEB_DETAILS=true", "tail|A|-json", ""},
		{"JRWEB_ANSWER=3", "say|A|-comment|x", "say|A|-comment|-answer|3|x"},
		{"JRWEB_TITLE=x", "import|" + file, "import|-title|x|" + file},
		{"JRWEB_FOLLOW=true", "import|" + file, "import|-follow|" + file},
	} {
		t.Run(c.env+" "+strings.ReplaceAll(c.args, "|", " "), func(t *testing.T) {
			t.Setenv("JRWEB_URL", "http://127.0.0.1:1")
			if c.refused != "" {
				if code, _, stderr := runIt(t, "", strings.Split(c.refused, "|")...); code != exitUsage {
					t.Errorf("%q: exit code %d, stderr %q", c.refused, code, stderr)
				}
			}
			for variable := range strings.SplitSeq(c.env, "|") {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			// The server that nobody answers for proves that the command line was understood.
			code, stdout, stderr := runIt(t, "", strings.Split(c.args, "|")...)
			if code != exitFailed || !strings.Contains(stderr, "cannot reach http://127.0.0.1:1") {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

func TestVariablesThatContradictEachOtherAreAnError(t *testing.T) {
	t.Setenv("JRWEB_URL", "http://127.0.0.1:1")
	t.Setenv("JRWEB_JSON", "true")
	t.Setenv("JRWEB_DETAILS", "true")
	if code, _, stderr := runIt(t, "", "tail", "A"); code != exitUsage || !strings.Contains(stderr, "give only one of them") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestACommandThatIsNotSpokenToRunsAllTheSame(t *testing.T) {
	dir := t.TempDir()
	line := []string{"run", "-db", filepath.Join(dir, "jr.db"), "-task", "A", "-spool", dir}
	for _, c := range []struct {
		env  string
		more []string
	}{{"JRWEB_STEER", []string{"-steer"}}, {"JRWEB_STDIN", []string{"-stdin"}}, {"JRWEB_SERVE", nil}} {
		t.Run(c.env, func(t *testing.T) {
			if c.more != nil {
				if code, _, stderr := runIt(t, "", append(append(slices.Clip(line), c.more...), "--", "true")...); code != exitUsage {
					t.Errorf("exit code %d, stderr %q", code, stderr)
				}
			}
			t.Setenv(c.env, "true")
			t.Setenv("JRWEB_ADDR", "127.0.0.1:0")
			if code, _, stderr := runIt(t, "", append(line, "--", "true")...); code != 0 {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
		})
	}
}
