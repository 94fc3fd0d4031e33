package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

// torture reports whether the long forms of the tests are asked for: make torture.
func torture() bool { return os.Getenv("JRWEB_TORTURE") != "" }

// suffixes are what the files of a store add to its path.
var suffixes = []string{"", "-journal.0", "-journal.1"}

// readFiles reads the files of a store, by suffix, as a crash would leave them now.
func readFiles(t testing.TB, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, suffix := range suffixes {
		data, err := os.ReadFile(path + suffix)
		if err == nil {
			files[suffix] = data
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return files
}

// writeFiles puts those files in place. What is not among them is removed, but not the
// database.
func writeFiles(t testing.TB, path string, files map[string][]byte) {
	t.Helper()
	for _, suffix := range suffixes {
		data, ok := files[suffix]
		var err error
		if ok {
			err = writeSparse(path+suffix, data)
		} else if suffix != "" {
			err = os.Remove(path + suffix)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// writeSparse writes a file without the pages that are zero: most are.
func writeSparse(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	const page = 4096
	var zero [page]byte
	for at := 0; at < len(data) && err == nil; at += page {
		if part := data[at:min(at+page, len(data))]; !bytes.Equal(part, zero[:len(part)]) {
			_, err = f.WriteAt(part, int64(at))
		}
	}
	if err == nil {
		err = f.Truncate(int64(len(data)))
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
