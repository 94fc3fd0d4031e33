package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// StartWrite tells the system to begin to write a part of a file to the disk. It does not
// wait, and makes nothing durable.
func StartWrite(f *os.File, offset, length int64) {
	// It is only advice: the sync that follows reports what fails.
	_ = unix.SyncFileRange(int(f.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
}
