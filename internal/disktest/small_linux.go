package disktest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Small is a small file system of its own in memory, which can be full.
type Small struct {
	testing.TB
	// Dir is where it is mounted.
	Dir string
}

// NewSmall makes a small disk, of a size like 40m, for the time of the test. It skips a test that
// may not do so.
func NewSmall(t testing.TB, size string) *Small {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	s := &Small{t, t.TempDir()}
	s.mount(0, size)
	t.Cleanup(func() {
		if err := syscall.Unmount(s.Dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Resize gives the disk another size.
func (s *Small) Resize(size string) {
	s.Helper()
	s.mount(syscall.MS_REMOUNT, size)
}

func (s *Small) mount(flags uintptr, size string) {
	s.Helper()
	if err := syscall.Mount("tmpfs", s.Dir, "tmpfs", flags, "size="+size); err != nil {
		s.Fatalf("mount a tmpfs, as root: %v", err)
	}
}

// Leave fills the disk until only some bytes are free, as another program may do.
func (s *Small) Leave(free int64) {
	s.Helper()
	s.Empty()
	file, err := os.Create(s.ballast())
	if err != nil {
		s.Fatal(err)
	}
	for range 100 {
		// Users of the disk may take room between the measure and the filling.
		if err = s.fill(file, free); !errors.Is(err, syscall.ENOSPC) {
			break
		}
	}
	if err := errors.Join(err, file.Close()); err != nil {
		s.Fatal(err)
	}
}

func (s *Small) fill(file *os.File, free int64) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(s.Dir, &stat); err != nil {
		return err
	}
	size := int64(stat.Bavail)*stat.Bsize - free
	if size <= 0 {
		return nil
	}
	return syscall.Fallocate(int(file.Fd()), 0, 0, size)
}

// Empty removes what Leave has filled it with.
func (s *Small) Empty() {
	s.Helper()
	if err := os.Remove(s.ballast()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Fatal(err)
	}
}

func (s *Small) ballast() string { return filepath.Join(s.Dir, "ballast") }
