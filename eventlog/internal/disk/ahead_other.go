//go:build !linux

package disk

import "os"

// ReadAhead would tell the system that a part of a file will be read soon.
func ReadAhead(*os.File, int64, int64) {}
