package dbfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Finding is one thing in a database that differs from what was written.
type Finding struct {
	// Place names the page or the record.
	Place string
	// Reason says what is wrong there.
	Reason string
}

// String returns "place: reason".
func (f Finding) String() string { return f.Place + ": " + f.Reason }

// Figures are the contents of a database in numbers.
type Figures struct {
	Tasks, Sessions, Events, Records int64
	// Size is the size of the file in bytes. Free is how many of them are free for reuse.
	Size, Free int64
}

// CheckOptions are the settings of [Check]. The zero value is good.
type CheckOptions struct {
	// Found is called for each finding. Nil: findings are only counted.
	Found func(Finding)
	// Progress is called from time to time with how much of the work is done.
	Progress func(done, total int64)
}

// Check verifies the database file at path, with its journal if one is in use. No log may
// have it open. Check verifies the pages, the checksum of every record, that sequences have
// no holes, and that data which is stored twice agrees (indexes, counts, totals). It changes
// nothing. Nil options are the defaults.
//
// The error wraps [store.ErrDamaged] if anything was found, [store.ErrHeld] if the file is
// in use, and [store.ErrFormat] if another version wrote it.
func Check(ctx context.Context, path string, o *CheckOptions) (Figures, error) {
	file, err := boltfile.OpenAtRest(path, false)
	if err != nil {
		return Figures{}, fmt.Errorf("eventlog: check %s: %w", path, err)
	}
	figures, err := check(ctx, file, o)
	if err := errors.Join(err, file.Close()); err != nil {
		return figures, fmt.Errorf("eventlog: check %s: %w", path, err)
	}
	return figures, nil
}

// check is [Check] for an open file.
func check(ctx context.Context, c *boltfile.File, o *CheckOptions) (Figures, error) {
	if o == nil {
		o = &CheckOptions{}
	}
	findings := 0
	found := func(place, reason string) {
		findings++
		if o.Found != nil {
			o.Found(Finding{place, reason})
		}
	}
	info, err := c.OS.Stat()
	if err != nil {
		return Figures{}, err
	}
	figures := Figures{Size: info.Size()}

	// Pages first, and the records on them: there is no other way to read a damaged tree.
	progress := progressTo(o.Progress, 2*int64(c.Head.Pages)) // pages, then records
	pages := 0                                                // findings about pages
	var version []byte                                        // payload of the record, nil if there is none
	walk := &boltfile.Walk{
		File: c.OS, Head: c.Head, Bad: c.Bad,
		Found: func(page uint64, reason string) {
			pages++
			found("page "+strconv.FormatUint(page, 10), reason)
		},
		Record: func(b store.Bucket, _ int64, key, value []byte) error {
			figures.Records++
			payload, err := record.Decode(b, key, value)
			if b == store.Meta && bytes.Equal(key, record.KeyFormat) {
				version = payload
			}
			if err != nil {
				if damage, ok := errors.AsType[*store.DamageError](err); ok {
					found(placeOf(b, key), damage.Reason)
				}
			}
			return nil
		},
		Walked: func(n uint64) error {
			progress.add(int64(n))
			return ctx.Err()
		},
	}
	if err := walk.Run(); err != nil {
		return figures, err
	}
	// A file of another version has other buckets. They are not findings.
	if findings == 0 && version == nil && isFormat2(walk) {
		return figures, &record.FormatError{Version: 2}
	}
	if n := record.ParseNumber(version); version != nil && n != record.FormatVersion {
		return figures, &record.FormatError{Version: n}
	}
	walk.Missing(store.Buckets())
	figures.Free = figures.Size - int64(c.Head.Pages-walk.Free)*c.Head.PageSize
	if pages == 0 {
		err = checkSound(ctx, c, &figures, progress, found)
	}
	if err == nil && findings > 0 {
		err = fmt.Errorf("%w: %d findings", store.ErrDamaged, findings)
		if findings == 1 {
			err = fmt.Errorf("%w: 1 finding", store.ErrDamaged)
		}
	}
	return figures, err
}

// checkSound checks what bbolt can read without danger, and the journal.
func checkSound(ctx context.Context, c *boltfile.File, figures *Figures, progress *progress, found func(place, reason string)) error {
	pending, err := filestore.ReadPending(c)
	switch {
	case errors.Is(err, store.ErrDamaged):
		found("journal", err.Error())
		pending = &filestore.Pending{} // the file alone is what was true a moment before
	case err != nil:
		return err
	}
	ops, err := pending.Ops()
	if err != nil {
		return err
	}
	for _, op := range ops {
		if _, err := record.Decode(op.Bucket, op.Key, op.Value); err != nil && !op.Delete {
			found("journal, "+placeOf(op.Bucket, op.Key), err.Error())
		}
	}
	return c.DB.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			found("pages", err.Error())
		}
		base := &boltfile.Reader{Tx: tx}
		for _, op := range ops {
			switch has := base.Get(op.Bucket, op.Key) != nil; {
			case op.Delete && has:
				figures.Records--
			case !op.Delete && !has:
				figures.Records++
			}
		}
		relations := &relations{ctx: ctx, Reader: pending.Over(base), figures: figures, progress: progress, found: found}
		return errors.Join(relations.check(), base.Err)
	})
}
