package disk

import (
	"errors"
	"syscall"
)

// IsFull reports whether an error says that there is no space: on the disk, within a quota,
// or below the largest size of a file.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
