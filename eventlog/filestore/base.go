package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/store"
)

// base is the bbolt file. It changes in checkpoints only.
type base struct {
	db   *bolt.DB
	path string   // see boltfile.Resolve
	file *os.File // the file of db
	room room

	// Used by the one goroutine that checkpoints.
	committed int // number of the last transaction whose commit returned
	mark      boltfile.Mark
}

// openBase opens the file at path, and changes nothing.
func openBase(path string, o *Options) (*base, error) {
	file, err := boltfile.Hold(path)
	if err != nil {
		return nil, err
	}
	b := &base{path: path, file: file}
	err = boltfile.Guard(func() (err error) {
		b.db, err = openBolt(path, file)
		return err
	})
	if err != nil {
		_ = file.Close() // does nothing if bbolt has closed the file; bbolt does not after a panic
		return nil, err
	}
	var used int64
	err = boltfile.Guard(func() error {
		// A write transaction, because bbolt counts the free pages at its end.
		tx, err := b.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // it has written nothing
		used, b.committed = tx.Size(), tx.ID()-1
		if err := admitted(tx, o); err != nil {
			return err
		}
		if b.mark, err = boltfile.ReadMark(tx); err != nil {
			return err
		}
		return b.room.init(file, used, o.MaxBytes)
	})
	if err != nil {
		return nil, errors.Join(err, b.db.Close())
	}
	b.count(used)
	return b, nil
}

// count measures the file when bbolt uses it up to used.
func (b *base) count(used int64) {
	b.room.counted(used, int64(b.db.Stats().FreeAlloc))
}

// admitted returns the error of Admit, or an error if the file lacks a bucket.
func admitted(tx *bolt.Tx, o *Options) error {
	var missing []store.Bucket
	for _, b := range store.Buckets() {
		if tx.Bucket([]byte(b)) == nil {
			missing = append(missing, b)
		}
	}
	if o.Admit != nil {
		r := &boltfile.Reader{Tx: tx}
		if err := errors.Join(o.Admit(r, missing), r.Err); err != nil {
			return err
		}
	}
	if len(missing) > 0 && !o.older {
		return fmt.Errorf("%w: it has no bucket %q", store.ErrDamaged, missing[0])
	}
	return nil
}

// openBolt opens a file that bbolt treats as the one at path.
func openBolt(path string, file *os.File) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:      boltfile.LockTimeout,
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return file, nil },
		FreelistType: bolt.FreelistMapType,
		// To grow the map, bbolt waits for every read transaction and stops all commits
		// meanwhile. Address space costs nothing.
		InitialMmapSize: 1 << 30,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, store.ErrHeld
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("%w: %w", store.ErrDamaged, err)
	case err != nil:
		return nil, err
	}
	db.AllocSize = 0 // room grows the file; bbolt then counts in pages
	return db, nil
}

// createMissing makes an empty database appear at path in one step, if there is none: a
// crash leaves either no file there or a complete one. A hard link, unlike a rename, never
// replaces a file that another process has made in the meantime.
func createMissing(path string, fill func(put func(store.Bucket, []byte, []byte) error) error) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	temporary, err := boltfile.NewUnfinished(path)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // else the next process that opens path does it
	db, err := openBolt(temporary.Name(), temporary)
	if err != nil {
		_ = temporary.Close()
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range store.Buckets() {
			if _, err := tx.CreateBucket([]byte(b)); err != nil {
				return err
			}
		}
		if fill == nil {
			return nil
		}
		return fill(func(b store.Bucket, key, value []byte) error { return tx.Bucket([]byte(b)).Put(key, value) })
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil {
		// Another process may have made it, and have removed what it took for left by a dead one.
		if _, absent := os.Stat(path); absent != nil {
			return err
		}
	}
	return disk.SyncDir(filepath.Dir(path))
}

// stats measures the file.
func (b *base) stats() store.Stats {
	stats := b.db.Stats()
	out := store.Stats{Free: int64(stats.FreeAlloc), Views: stats.OpenTxN}
	if info, err := b.file.Stat(); err == nil {
		out.Size = info.Size()
	}
	if tx, err := b.db.Begin(false); err == nil {
		out.Free += max(0, out.Size-tx.Size())
		_ = tx.Rollback() // fails only when it has ended before
	}
	return out
}

// closing joins the error of closing something to err, which is why it is closed.
func closing(err, closed error) error {
	if err == nil {
		return closed
	}
	return errors.Join(err, closed)
}
