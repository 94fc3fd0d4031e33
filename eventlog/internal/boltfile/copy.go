package boltfile

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/store"
)

// FillPercent packs pages densely: most events are appended at the end of their session.
const FillPercent = 0.9

// copyTxBytes is about how much one transaction of a copy writes. It is kept in memory
// until the commit.
const copyTxBytes = 8 << 20

// Record is a record that is copied from one file to another.
type Record struct {
	Bucket     store.Bucket
	Key, Value []byte
}

// CopyRecords writes every record of a file into a new, empty one, and syncs it. over says
// what lies over the records of the file; if it is nil, nothing does. rewrite may change a
// record, or drop it by returning keep false; if it is nil, all records are kept as they are.
// The new file must not be used before CopyRecords has returned.
func (c *File) CopyRecords(ctx context.Context, to string, over func(store.Reader) store.Reader, rewrite func(*Record) (keep bool, err error), copied func(bytes int)) (err error) {
	dst, err := bolt.Open(to, 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType,
		PageSize:     int(c.Head.PageSize),
		NoSync:       true, // synced at the end: nobody uses the file yet
		NoGrowSync:   true,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	out, err := dst.Begin(true)
	if err != nil {
		return err
	}
	defer func() { _ = out.Rollback() }() // does nothing after the commit
	written := 0
	err = c.DB.View(func(in *bolt.Tx) error {
		base := &Reader{Tx: in}
		var reader store.Reader = base
		if over != nil {
			reader = over(base)
		}
		for _, b := range store.Buckets() {
			if _, err := out.CreateBucket([]byte(b)); err != nil {
				return err
			}
			if in.Bucket([]byte(b)) == nil {
				continue // an older format does not have it
			}
			for key, value := range reader.Ascend(b, nil, nil) {
				if err := ctx.Err(); err != nil {
					return err
				}
				r := Record{b, key, value}
				if rewrite != nil {
					keep, err := rewrite(&r)
					if err != nil {
						return err
					}
					if !keep {
						continue
					}
				}
				bucket := out.Bucket([]byte(b))
				bucket.FillPercent = FillPercent
				if err := bucket.Put(r.Key, r.Value); err != nil {
					return fmt.Errorf("record %x of bucket %s: %w", key, b, err)
				}
				size := len(r.Key) + len(r.Value)
				copied(size)
				if written += size; written < copyTxBytes {
					continue
				}
				written = 0
				if err := out.Commit(); err != nil {
					return err
				}
				if out, err = dst.Begin(true); err != nil {
					return err
				}
			}
		}
		return base.Err
	})
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	return dst.Sync()
}
