package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Without room for its events, a command lives, and its user is told.
func TestACommandLivesWhenItsSpoolIsFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	spool := filepath.Join(t.TempDir(), "spool")
	if err := os.Mkdir(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", spool, "tmpfs", 0, "size=128k"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(spool, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	cmd := exec.Command("jrweb", "run", "-task", "t-1", "-url", "http://127.0.0.1:1", "-spool", spool, "-format", "text", "--",
		"sh", "-c", `i=0; while [ $i -lt 5000 ]; do echo "this is line $i, and it is quite a long one, as lines go"; i=$((i+1)); done; exit 5`)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	wantExit(t, cmd.Run(), 5)
	if n := strings.Count(out.String(), "\n"); n != 5000 {
		t.Errorf("%d lines are passed on", n)
	}
	if !strings.Contains(stderr.String(), "is not recorded now") || !strings.Contains(stderr.String(), "no space left on device") {
		t.Errorf("it says %q", stderr.String())
	}
	db := filepath.Join(t.TempDir(), "jr.db")
	server, url := serving(t, db)
	flush := exec.Command("jrweb", "flush", "-spool", spool, "-url", url)
	flush.Stderr = t.Output()
	if err := flush.Run(); err != nil {
		t.Fatal(err)
	}
	kill(server)
	if got := recorded(t, db, "t-1"); got[len(got)-1] != "failed" {
		t.Errorf("it ended as %q", got[len(got)-1])
	}
}
