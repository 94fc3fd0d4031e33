package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Allocate reserves disk space for a part of the file, and makes the file longer if it ends
// before. The content of the part does not change. On a file system that cannot reserve
// space, it only makes the file longer.
func Allocate(f *os.File, offset, n int64) error {
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
