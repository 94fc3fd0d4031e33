package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// ReadAhead tells the system that a part of a file will be read soon. It does not wait.
func ReadAhead(f *os.File, offset, length int64) {
	// It is only advice.
	_ = unix.Fadvise(int(f.Fd()), offset, length, unix.FADV_WILLNEED)
}
