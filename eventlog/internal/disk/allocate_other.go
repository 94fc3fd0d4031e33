//go:build !linux

package disk

import "os"

// Allocate makes the file longer if it ends before offset+n. The disk space is only taken
// when that part is written.
func Allocate(f *os.File, offset, n int64) error { return lengthen(f, offset+n) }
