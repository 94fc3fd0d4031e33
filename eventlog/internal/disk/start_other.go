//go:build !linux

package disk

import "os"

// StartWrite would tell the system to begin to write a part of a file to the disk.
func StartWrite(*os.File, int64, int64) {}
