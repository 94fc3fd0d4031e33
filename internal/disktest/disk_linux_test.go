package disktest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"jrweb/internal/disktest"
)

// What was synced is there when the power is back, and the disk works, although another program
// still has the disk as it was.
func TestPowerComesBackWhoeverElseHasTheDisk(t *testing.T) {
	d := disktest.New(t)
	path := filepath.Join(d.Dir, "file")
	if err := os.WriteFile(path, []byte("synced"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Sync()
	other := exec.Command("unshare", "--mount", "cat") // which begins when it has mounts of its own
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = other.Wait()
	})
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	d.Cut()
	d.Restore()
	if text, err := os.ReadFile(path); err != nil || string(text) != "synced" {
		t.Errorf("the file has %q, %v", text, err)
	}
	if err := os.WriteFile(path, []byte("again"), 0o600); err != nil {
		t.Error(err)
	}
}
