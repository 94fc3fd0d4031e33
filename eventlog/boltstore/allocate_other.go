//go:build !linux

package boltstore

import "os"

// allocate makes the file longer if it ends before offset+n. The disk space is only taken
// when that part is written.
func allocate(f *os.File, offset, n int64) error { return lengthen(f, offset+n) }
