package streaming

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// raiseFiles lets this process open so many files, if it may.
func raiseFiles(n uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	if limit.Cur >= n {
		return nil
	}
	limit.Cur, limit.Max = n, max(limit.Max, n) // beyond Max only root may go
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of open files to %d: %w", n, err)
	}
	return nil
}

// manyFiles is enough for the connections of every experiment.
const manyFiles = 12_000
