package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// SyncData makes what was written to a file durable, with the length and the extents that
// it takes to read it, but not the times of the file.
func SyncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
