package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A database whose journal is in use is not served without it, nor with another one: exit
// code 4, the missing file named, nothing touched. Put back, it is all there.
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
