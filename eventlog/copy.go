package eventlog

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// copyTxBytes is how much one transaction of a copy writes: it is kept in memory
// until its commit.
const copyTxBytes = 8 << 20

// record is a record on its way from one file to another.
type record struct {
	bucket     Bucket
	key, value []byte
}

// copyRecords writes every record of a file into a new, empty one, and syncs it.
// Rewrite may change a record, or say that it is not to be kept; nil keeps all
// as they are. The new file is not to be used before copyRecords has returned.
func (c *closedFile) copyRecords(ctx context.Context, to string, rewrite func(*record) (keep bool, err error), copied func(bytes int)) (err error) {
	dst, err := bolt.Open(to, 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType,
		PageSize:     int(c.head.pageSize),
		NoSync:       true, // until the end: nobody knows the file yet
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
	defer func() { _ = out.Rollback() }() // once it is committed, this does nothing
	written := 0
	err = c.db.View(func(in *bolt.Tx) error {
		reader := &boltReader{tx: in}
		for _, b := range Buckets() {
			if _, err := out.CreateBucket([]byte(b)); err != nil {
				return err
			}
			if in.Bucket([]byte(b)) == nil {
				continue // an older format has none
			}
			for key, value := range reader.Ascend(b, nil, nil) {
				if err := ctx.Err(); err != nil {
					return err
				}
				r := record{b, key, value}
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
				bucket.FillPercent = fillPercent
				if err := bucket.Put(r.key, r.value); err != nil {
					return fmt.Errorf("record %x of bucket %s: %w", key, b, err)
				}
				size := len(r.key) + len(r.value)
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
		return reader.err
	})
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	return dst.Sync()
}
