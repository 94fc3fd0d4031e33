package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"jrweb/eventlog"
)

// disk is an ext4 file system of its own, in a file, whose power can be cut:
// what is not on it at that moment, by a sync or by chance, is lost.
type disk struct {
	*testing.T
	image, dir string
}

// newDisk makes a disk and mounts it for the time of the test.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system and cut its power")
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skipf("this machine has no loop devices: %v", err)
	}
	d := &disk{T: t, image: filepath.Join(t.TempDir(), "image"), dir: filepath.Join(t.TempDir(), "disk")}
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
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(needs(t, "mkfs.ext4"), "-q", "-F", "-b", "4096", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	if out, err := d.mount(); err != nil {
		t.Skipf("root cannot mount a loop device here: %s", out)
	}
	t.Cleanup(func() {
		// Servers are killed by cleanups that were registered later, thus run before.
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *disk) mount() (out []byte, err error) {
	return exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput()
}

// The ioctl that ext4 has for such tests: from now on nothing reaches the disk,
// not even its journal.
const (
	ext4Shutdown           = 0x8004587d // _IOR('X', 125, __u32)
	ext4ShutdownNoLogFlush = 2
)

// cut cuts the power.
func (d *disk) cut() {
	d.Helper()
	dir, err := os.Open(d.dir)
	if err != nil {
		d.Fatal(err)
	}
	defer dir.Close()
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), ext4Shutdown, ext4ShutdownNoLogFlush); err != nil {
		d.Fatalf("shut the file system down: %v", err)
	}
}

// restore gives the power back. Nobody may have a file of the disk open.
func (d *disk) restore() {
	d.Helper()
	if err := syscall.Unmount(d.dir, 0); err != nil {
		d.Fatal(err)
	}
	if out, err := d.mount(); err != nil {
		d.Fatalf("mount again: %v\n%s", err, out)
	}
}

// A power cut takes back nothing that was acknowledged or shown.
func TestAPowerCutTakesBackNothingThatWasSeen(t *testing.T) {
	d := newDisk(t)
	cuts := 3
	if torture() {
		cuts = 100
	}
	s := &server{t: t, db: filepath.Join(d.dir, "jr.db"), addr: "127.0.0.1:0"}
	s.start()
	r := newKillRun("t-power")
	r.mayBreak, r.padding = true, 8<<10
	r.survive(t, s, cuts, func() {
		d.cut()
		_ = s.signal(syscall.SIGKILL) // its exit says that it was killed, or that its storage has failed
		d.restore()
		if _, err := eventlog.Check(t.Context(), s.db, nil); err != nil {
			t.Errorf("the file after a power cut: %v", err)
		}
	})
}

// withoutSyncs runs a program whose syncs do nothing.
func withoutSyncs(t *testing.T) []string {
	t.Helper()
	return []string{
		needs(t, "strace"), "-f", "--seccomp-bpf", "-s", "0", "-o", os.DevNull,
		"-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:retval=0",
	}
}

// The control: without syncs, a power cut does take something back.
func TestAPowerCutTakesBackWhatWasNotSynced(t *testing.T) {
	for name, wrap := range map[string][]string{"with syncs": nil, "without syncs": withoutSyncs(t)} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			s := &server{t: t, db: filepath.Join(d.dir, "jr.db"), addr: "127.0.0.1:0"}
			s.start()
			s.append("t-power", says("before"))
			s.stop()
			s.wrap = wrap
			s.start()
			r := newKillRun("t-power")
			r.sent["before"] = true
			for n := range uint64(20) {
				content := fmt.Sprint(n)
				r.sent[content] = true
				r.acknowledged[s.append("t-power", says("%s", content)).First] = content
			}
			d.cut()
			_ = s.signal(syscall.SIGKILL) // it may have ended by itself
			d.restore()
			s.wrap = nil
			s.start()
			stored := s.events("t-power")
			t.Logf("%d events were acknowledged, %d are stored", 1+len(r.acknowledged), len(stored))
			if err := r.check(stored); (err != nil) != (wrap != nil) {
				t.Errorf("check says %v", err)
			}
		})
	}
}

// A process that is killed before its sync has returned leaves a commit that is
// in the kernel's memory alone. The next one may show it only when it is on the disk.
func TestWhatAnOpenShowsIsOnTheDisk(t *testing.T) {
	d := newDisk(t)
	s := &server{t: t, db: filepath.Join(d.dir, "jr.db"), addr: "127.0.0.1:0"}
	s.start()
	s.append("t-power", says("before"))
	s.stop()
	s.wrap = withoutSyncs(t)
	s.start()
	s.append("t-power", says("not synced"))
	_ = s.signal(syscall.SIGKILL) // its exit says that it was killed
	s.wrap = nil
	s.start()
	shown := s.events("t-power")
	if len(shown) != 2 {
		t.Fatalf("%d events are shown: this shows nothing", len(shown))
	}
	d.cut()
	_ = s.signal(syscall.SIGKILL)
	d.restore()
	s.start()
	if stored := s.events("t-power"); !slices.Equal(stored, shown) {
		t.Errorf("shown was %q, stored is %q", shown, stored)
	}
}
