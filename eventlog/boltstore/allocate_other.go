//go:build !linux

package boltstore

import "os"

// allocate makes the file longer if it ends before offset+n. The disk gives it
// the space only as it is written to.
func allocate(f *os.File, offset, n int64) error { return lengthen(f, offset+n) }
