package disk

import (
	"errors"
	"fmt"
	"syscall"

	"jrweb/eventlog/store"
)

// IsFull reports whether an error says that there is no space: on the disk, within a quota,
// or below the largest size of a file.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// NotCommitted wraps an error of an operation that is known to have changed nothing, in
// [store.ErrFull] if there is no space, else in [store.ErrNotCommitted].
func NotCommitted(err error) error {
	if IsFull(err) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
}
