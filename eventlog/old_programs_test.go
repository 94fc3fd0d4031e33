package eventlog_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog"
	"jrweb/eventlog/filestore"
)

// takenByProgramOf reports whether the last program of an earlier format would take a file for
// one of its own. It is what formats 2, 3 and 4 do at an open, without any of today's code:
// they look for their buckets, and then for the version in the record of the key "format". They
// know nothing of a journal, or look at it later. What has no version they take for a file that
// was just made.
func takenByProgramOf(t *testing.T, format uint64, path string) bool {
	t.Helper()
	buckets := strings.Fields("meta tasks activity sessions open ended events keys trash")
	if format > 2 {
		buckets = append(buckets, "external", "spent", "accounts", "said")
	}
	file, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	taken := false
	err = file.View(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if tx.Bucket([]byte(b)) == nil {
				return fmt.Errorf("there is no bucket %s: that is called damage, not another format", b)
			}
		}
		record := tx.Bucket([]byte("meta")).Get([]byte("format"))
		if record == nil {
			taken = true
			return nil
		}
		if len(record) != 13 || record[0] != 1 {
			return fmt.Errorf("the record of the format is %x: that is called damage, not another format", record)
		}
		sum := crc32.Checksum([]byte("meta"+"format"+string(record[5:])), crc32.MakeTable(crc32.Castagnoli))
		if binary.BigEndian.Uint32(record[1:]) != sum {
			return errors.New("the checksum of the format does not match: that is called damage, not another format")
		}
		taken = binary.BigEndian.Uint64(record[5:]) == format
		return nil
	})
	if err != nil {
		t.Errorf("a program of format %d: %v", format, err)
	}
	return taken
}

// A program of an earlier format sees that a file is of a later one, from its first open on:
// also while what it holds is in the journal only. scripts/old-programs runs those programs.
func TestAProgramOfAnEarlierFormatSeesThatAFileIsNewer(t *testing.T) {
	for name, open := range map[string]func(path string) (*eventlog.Log, error){
		"a log": func(path string) (*eventlog.Log, error) { return eventlog.Open(path, nil) },
		"a log on a store, which was made without a format": func(path string) (*eventlog.Log, error) {
			s, err := filestore.Open(path, nil)
			if err != nil {
				return nil, err
			}
			return eventlog.New(s, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			refused := func(what string) {
				t.Helper()
				left := filepath.Join(t.TempDir(), "jr.db") // as a kill leaves it
				content, err := os.ReadFile(path)
				if err := errors.Join(err, os.WriteFile(left, content, 0o600)); err != nil {
					t.Fatal(err)
				}
				for _, format := range []uint64{2, 3, 4} {
					if takenByProgramOf(t, format, left) {
						t.Errorf("%s: a program of format %d takes it for its own", what, format)
					}
				}
			}
			batch := &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{{Type: eventlog.TypeThought, Data: []byte(`{"content":"hm"}`)}}}
			for range 2 {
				log, err := open(path)
				if err != nil {
					t.Fatal(err)
				}
				refused("before an append")
				if _, err := log.Append(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(path + "-journal.0"); err != nil {
					t.Fatalf("the journal is not in use, so this shows nothing of it: %v", err)
				}
				refused("after an append")
				if err := log.Close(); err != nil {
					t.Fatal(err)
				}
				refused("closed")
			}
		})
	}
}

// The control: a file of its own format is taken, and so is one that does not say its format.
func TestAProgramOfAnEarlierFormatTakesItsOwnFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	log, err := eventlog.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if !takenByProgramOf(t, 5, path) {
		t.Error("a program of this format does not take it")
	}
	file, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = file.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Delete([]byte("format")) })
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	for _, format := range []uint64{2, 3, 4} {
		if !takenByProgramOf(t, format, path) {
			t.Errorf("a program of format %d does not take a file without a format", format)
		}
	}
}
