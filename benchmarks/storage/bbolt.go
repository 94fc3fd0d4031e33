package storage

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// bboltStore is bbolt with nothing around it: one bucket, a key an event.
type bboltStore struct {
	db     *bbolt.DB
	change func(*bbolt.DB, func(*bbolt.Tx) error) error
	number atomic.Uint64
}

// openBboltUpdate makes one transaction of each append.
func openBboltUpdate(_ context.Context, dir string, _, _ int) (store, error) {
	return openBbolt(dir, (*bbolt.DB).Update, 0)
}

// openBboltBatch lets appends share transactions. A batch runs as soon as all
// appenders wait in it, which suits them better than bbolt's own 1,000.
func openBboltBatch(_ context.Context, dir string, appenders, _ int) (store, error) {
	return openBbolt(dir, (*bbolt.DB).Batch, appenders)
}

var bboltBucket = []byte("events")

func openBbolt(dir string, change func(*bbolt.DB, func(*bbolt.Tx) error) error, batch int) (store, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bolt.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	if batch > 0 {
		db.MaxBatchSize = batch
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bboltBucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &bboltStore{db: db, change: change}, nil
}

func (s *bboltStore) append(_ context.Context, _, session int) error {
	key := eventKey(session, s.number.Add(1))
	return s.change(s.db, func(tx *bbolt.Tx) error { return tx.Bucket(bboltBucket).Put(key, payload) })
}

func (s *bboltStore) close() error { return s.db.Close() }
