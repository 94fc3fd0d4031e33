package boltstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate gives a part of the file its space on the disk, and makes the file
// longer if it ends before. What the part holds stays. A file system that cannot
// give space in advance only makes the file longer.
func allocate(f *os.File, offset, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, offset, n)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return lengthen(f, offset+n)
		}
		return os.NewSyscallError("fallocate", err)
	}
}
