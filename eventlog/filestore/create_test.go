package filestore

import (
	"os"
	"path/filepath"
	"testing"

	"jrweb/eventlog/store"
)

// Another process may create and open the file while this one makes it. It removes what this one
// has made so far, as it would if this one had been killed, and that makes no difference.
func TestTwoProcessesMayCreateAFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	names := func() (all []string) {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	err := createMissing(path, func(func(store.Bucket, []byte, []byte) error) error {
		if n := len(names()); n != 1 {
			t.Errorf("%d files are there, want the one that is being made", n)
		}
		other, err := Open(path, nil)
		if err != nil {
			return err
		}
		if err := other.Close(); err != nil {
			return err
		}
		if left := names(); len(left) != 1 || left[0] != "jr.db" {
			t.Errorf("the other process leaves %v", left)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := names(); len(left) != 1 || left[0] != "jr.db" {
		t.Errorf("there are %v", left)
	}
	s, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
