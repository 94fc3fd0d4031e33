// Package disktest has disks for tests, whose power can be cut, or which are full. They need root.
package disktest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Disk is an ext4 file system of its own, in a file, whose power can be cut: what is not on it
// at that moment, by a sync or by chance, is lost. A sync that is under way may return without
// an error and have written nothing, so what it acknowledges counts only if that was seen before
// the cut began.
type Disk struct {
	testing.TB
	// Dir is where it is mounted.
	Dir   string
	image string
}

// New makes a disk and mounts it for the time of the test. It skips a test that may not do so.
func New(t testing.TB) *Disk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system and cut its power")
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skipf("this machine has no loop devices: %v", err)
	}
	d := &Disk{TB: t, image: filepath.Join(t.TempDir(), "image"), Dir: filepath.Join(t.TempDir(), "disk")}
	file, err := os.Create(d.image)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(1 << 30); err != nil { // sparse
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(d.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mkfs, err := exec.LookPath("mkfs.ext4")
	if err != nil {
		t.Fatal("mkfs.ext4 is not installed: run make test, which installs it")
	}
	if out, err := exec.Command(mkfs, "-q", "-F", "-b", "4096", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	if out, err := d.mount(); err != nil {
		t.Skipf("root cannot mount a loop device here: %s", out)
	}
	t.Cleanup(func() {
		// Its users are killed by cleanups that were registered later, so they run before this
		// one.
		if err := syscall.Unmount(d.Dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *Disk) mount() (out []byte, err error) {
	return exec.Command("mount", "-o", "loop", d.image, d.Dir).CombinedOutput()
}

// The ioctl that ext4 has for such tests: from now on nothing reaches the disk,
// not even its journal.
const (
	ext4Shutdown           = 0x8004587d // _IOR('X', 125, __u32)
	ext4ShutdownNoLogFlush = 2
)

// Cut cuts the power.
func (d *Disk) Cut() {
	d.Helper()
	d.control("shut the file system down", func(fd int) error {
		return unix.IoctlSetPointerInt(fd, ext4Shutdown, ext4ShutdownNoLogFlush)
	})
}

// Sync puts everything on the disk.
func (d *Disk) Sync() {
	d.Helper()
	d.control("sync the file system", unix.Syncfs)
}

func (d *Disk) control(what string, do func(fd int) error) {
	d.Helper()
	dir, err := os.Open(d.Dir)
	if err != nil {
		d.Fatal(err)
	}
	if err := errors.Join(do(int(dir.Fd())), dir.Close()); err != nil {
		d.Fatalf("%s: %v", what, err)
	}
}

// Restore gives the power back. Nobody may have a file of the disk open.
func (d *Disk) Restore() {
	d.Helper()
	if err := syscall.Unmount(d.Dir, 0); err != nil {
		d.Fatal(err)
	}
	// A program that has mounts of its own, as those in namespaces of the network do, may still
	// have this one. Then the same image would be mounted as it is, without power.
	copied := d.image + ".copy"
	if out, err := exec.Command("cp", "--sparse=always", d.image, copied).CombinedOutput(); err != nil {
		d.Fatalf("copy the disk: %v\n%s", err, out)
	}
	if err := os.Rename(copied, d.image); err != nil {
		d.Fatal(err)
	}
	if out, err := d.mount(); err != nil {
		d.Fatalf("mount again: %v\n%s", err, out)
	}
}
