package disk

import "os"

// lengthen makes a file longer, if it ends before end.
func lengthen(f *os.File, end int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= end {
		return err
	}
	return f.Truncate(end)
}
