package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

func TestAnotherFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	for _, c := range []struct {
		version uint64
		want    string // in the error; empty: none
	}{
		{record.FormatVersion, ""},
		{record.FormatVersion + 1, "6, this version reads 5: use a newer jrweb"},
		{1, "1, this version reads 5: it was never released: jrweb export of the version that wrote it, then jrweb import"},
		{record.FormatVersion, ""},
	} {
		db, err := filestore.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(t.Context(), func(tx store.Tx) error {
			version := binary.BigEndian.AppendUint64(nil, c.version)
			tx.Put(store.Meta, record.KeyFormat, record.Encode(store.Meta, record.KeyFormat, version))
			return nil
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, checked := dbfile.Check(t.Context(), path, nil)
		log, opened := Open(path, nil)
		if opened == nil {
			opened = log.Close()
		}
		for what, err := range map[string]error{"check": checked, "open": opened} {
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s of format %d: %v", what, c.version, err)
			case c.want != "" && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s of format %d: got error %v", what, c.version, err)
			}
		}
		if after, err := os.ReadFile(path); c.want != "" && (err != nil || !bytes.Equal(after, before)) {
			t.Errorf("the file of format %d was changed, or is gone: %v", c.version, err)
		}
	}
}
