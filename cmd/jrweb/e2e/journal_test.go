package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A database whose journal is in use is not served, checked, compacted or restored without it:
// exit code 4, nothing touched. Put back, it is all there.
func TestADatabaseMovedWithoutItsJournalIsRefused(t *testing.T) {
	s := serve(t)
	s.append("t-moved", says("first"))
	s.append("t-moved", says("second"))
	_ = s.signal(syscall.SIGKILL) // its exit says that it was killed
	content, err := os.ReadFile(s.db)
	if err != nil {
		t.Fatal(err)
	}
	home := s.db
	moved := filepath.Join(t.TempDir(), "jr.db")
	if err := os.Rename(home, moved); err != nil {
		t.Fatal(err)
	}
	const missing = "-journal.0 is missing"
	for says, command := range map[string][]string{
		moved + missing + ": they belong":           {"serve", "-addr", "127.0.0.1:0", "-db", moved},
		moved + missing:                             {"check", "-db", moved},
		"damaged: 1 finding: it was left untouched": {"compact", "-db", moved},
		"nothing was restored":                      {"restore", "-db", filepath.Join(t.TempDir(), "new.db"), moved},
	} {
		out, err := exec.Command(binary, command...).CombinedOutput()
		code := -1
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		}
		if code != 4 || !strings.Contains(string(out), says) {
			t.Errorf("%s: exit code %d, and it said %s", command[0], code, out)
		}
	}
	if left, err := os.ReadFile(moved); err != nil || !bytes.Equal(left, content) {
		t.Errorf("the file was changed, %v", err)
	}
	if err := os.Rename(moved, home); err != nil {
		t.Fatal(err)
	}
	s.start()
	if events := s.events("t-moved"); strings.Join(events, " ") != "first second" {
		t.Errorf("at home there is %q", events)
	}
	s.stop()
	if left, err := filepath.Glob(home + "*"); err != nil || len(left) != 1 {
		t.Errorf("after a clean end there is %q, %v", left, err)
	}
}

// What a killed server has acknowledged is there for every command that opens its database next,
// with the journal beside it or in a directory of its own, which the file remembers. What ends in
// order leaves one file.
func TestEveryCommandSeesTheJournalOfACrash(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second more to end
	for where, dir := range map[string]string{"beside the file": "", "in a directory of its own": t.TempDir()} {
		t.Run(where, func(t *testing.T) {
			s := &server{t: t, db: filepath.Join(t.TempDir(), "jr.db")}
			journal := s.db
			if dir != "" {
				s.flags, journal = []string{"-journal-dir", dir}, filepath.Join(dir, "jr.db")
			}
			s.start()
			words := []string{"the-first-word", "the-second-word", "the-third-word"}
			for _, word := range words {
				s.append("t-crashed", says("%s", word))
			}
			_ = s.signal(syscall.SIGKILL) // its exit says that it was killed
			paths := []string{s.db, journal + "-journal.0", journal + "-journal.1"}
			crashed := readAll(t, paths)
			if last := words[2]; strings.Contains(crashed[s.db], last) || !strings.Contains(crashed[paths[1]], last) {
				t.Fatal("the last event is in the file already, or not in the journal: this shows nothing")
			}
			outcome := func(command ...string) (out string, code int) {
				cmd := exec.Command(binary, command...)
				cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "JRWEB_SPOOL="+t.TempDir())
				said, err := cmd.CombinedOutput()
				if exit, ok := errors.AsType[*exec.ExitError](err); ok {
					code = exit.ExitCode()
				} else if err != nil {
					t.Fatal(err)
				}
				return string(said), code
			}
			copied := filepath.Join(t.TempDir(), "restored.db")
			for name, c := range map[string]struct {
				command []string
				reads   bool   // it changes nothing
				makes   string // the database that it leaves
				adds    int    // events
			}{
				"check":   {[]string{"check", "-db", s.db}, true, s.db, 0},
				"restore": {[]string{"restore", "-db", copied, s.db}, true, copied, 1},
				"compact": {[]string{"compact", "-db", s.db}, false, s.db, 0},
				"run":     {[]string{"run", "-db", s.db, "-task", "t-run", "-format", "text", "--", "echo", "more"}, false, s.db, 2},
				"watch":   {[]string{"watch", "-db", s.db, "-once"}, false, s.db, 0},
			} {
				writeAll(t, paths, crashed)
				if out, code := outcome(c.command...); code != 0 {
					t.Errorf("%s: exit code %d, and it said %s", name, code, out)
				}
				want := fmt.Sprintf(" %d events", len(words)+c.adds)
				if out, code := outcome("check", "-db", c.makes); code != 0 || !strings.Contains(out, want) {
					t.Errorf("after %s, check ended with %d and said %s", name, code, out)
				}
				left := readAll(t, paths)
				switch {
				case c.reads && !maps.Equal(left, crashed):
					t.Errorf("%s has changed something", name)
				case !c.reads && len(left) != 1:
					t.Errorf("%s has ended, and there is %q", name, slices.Collect(maps.Keys(left)))
				case !c.reads:
					s.start()
					if events := s.events("t-crashed"); !slices.Equal(events, words) {
						t.Errorf("after %s there is %q", name, events)
					}
					s.stop()
				}

				// The control: the file alone is refused, so each of them needs the journal.
				writeAll(t, paths, map[string]string{s.db: crashed[s.db]})
				_ = os.Remove(copied) // if the command has made it
				if out, code := outcome(c.command...); code != 4 {
					t.Errorf("%s without the journal: exit code %d, and it said %s", name, code, out)
				}
			}
			next := [][]string{nil} // the file remembers where its journal is
			if dir != "" {
				next = append(next, s.flags)
			}
			for _, flags := range next {
				writeAll(t, paths, crashed)
				s.flags = flags
				s.start()
				if events := s.events("t-crashed"); !slices.Equal(events, words) {
					t.Errorf("the next server, with %q, has %q", flags, events)
				}
				s.stop()
				if left := readAll(t, paths); len(left) != 1 {
					t.Errorf("the next server, with %q, has ended, and there is %q", flags, slices.Collect(maps.Keys(left)))
				}
			}
		})
	}
}

// readAll reads the files that exist.
func readAll(t *testing.T, paths []string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err == nil {
			files[path] = string(content)
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return files
}

// writeAll makes the files what readAll has read.
func writeAll(t *testing.T, paths []string, files map[string]string) {
	t.Helper()
	for _, path := range paths {
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if content, ok := files[path]; ok && err == nil {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
