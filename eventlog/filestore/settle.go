package filestore

import "fmt"

// Settle takes the journal of the file at path into the file, as an open and a close do. It
// knows nothing of the records, so they may be of an earlier format, and the file may lack
// buckets that formats have added since.
func Settle(path string) error {
	s, err := open(path, &Options{older: true})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		return fmt.Errorf("take the journal of %s into it: %w", path, err)
	}
	return nil
}
