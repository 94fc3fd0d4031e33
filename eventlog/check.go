package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// Finding is one thing in a database that is not as it was written.
type Finding struct {
	// Place says where: a page, or a record.
	Place string
	// Reason says what is wrong there.
	Reason string
}

// String returns "place: reason".
func (f Finding) String() string { return f.Place + ": " + f.Reason }

// Figures say what a database holds.
type Figures struct {
	Tasks, Sessions, Events, Records int64
	// Size is the size of the file in bytes, Free how many of them are free for reuse.
	Size, Free int64
}

// CheckOptions are the settings of [Check]. The zero value is good.
type CheckOptions struct {
	// Found is called for each finding. Nil: they are only counted.
	Found func(Finding)
	// Progress is called now and then with how much of the work is done.
	Progress func(done, total int64)
}

// Check verifies the database file at path, which no log may have open: its
// pages, the checksum of every record, that sequences are dense, and that what
// is stored twice agrees (indexes, counts, totals). It changes nothing. Nil
// options are the defaults.
//
// The error wraps [ErrDamaged] if anything was found, [ErrHeld] if the file is
// in use, and [ErrFormat] if another version wrote it.
func Check(ctx context.Context, path string, o *CheckOptions) (Figures, error) {
	file, err := openClosed(path, false)
	if err != nil {
		return Figures{}, fmt.Errorf("eventlog: check %s: %w", path, err)
	}
	figures, err := check(ctx, file, o)
	if err := errors.Join(err, file.Close()); err != nil {
		return figures, fmt.Errorf("eventlog: check %s: %w", path, err)
	}
	return figures, nil
}

// check does the work of [Check] on a file that is open.
func check(ctx context.Context, c *closedFile, o *CheckOptions) (Figures, error) {
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
	info, err := c.file.Stat()
	if err != nil {
		return Figures{}, err
	}
	figures := Figures{Size: info.Size()}

	// Pages first, with the records on them: a damaged tree cannot be read in
	// any other way.
	progress := progressTo(o.Progress, 2*int64(c.head.pages)) // pages, then records
	pages := 0                                                // findings about pages
	var version []byte                                        // payload of the record, nil if there is none
	walk := &pageWalk{
		file: c.file, head: c.head, bad: c.bad,
		found: func(page uint64, reason string) {
			pages++
			found("page "+strconv.FormatUint(page, 10), reason)
		},
		record: func(b Bucket, _ int64, key, value []byte) error {
			figures.Records++
			payload, err := decodeRecord(b, key, value)
			if b == bucketMeta && bytes.Equal(key, keyFormat) {
				version = payload
			}
			if err != nil {
				if damage, ok := errors.AsType[*DamageError](err); ok {
					found(placeOf(b, key), damage.Reason)
				}
			}
			return nil
		},
		walked: func(n uint64) error {
			progress.add(int64(n))
			return ctx.Err()
		},
	}
	if err := walk.run(); err != nil {
		return figures, err
	}
	// A file of another version has other buckets, and they are no findings.
	if findings == 0 && version == nil && isFormat2(walk) {
		return figures, &formatError{2}
	}
	if n := parseNumber(version); version != nil && n != formatVersion {
		return figures, &formatError{n}
	}
	walk.missing(Buckets())
	figures.Free = figures.Size - int64(c.head.pages-walk.free)*c.head.pageSize
	if pages == 0 {
		err = checkSound(ctx, c, &figures, progress, found)
	}
	if err == nil && findings > 0 {
		err = fmt.Errorf("%w: %d findings", ErrDamaged, findings)
		if findings == 1 {
			err = fmt.Errorf("%w: 1 finding", ErrDamaged)
		}
	}
	return figures, err
}

// checkSound checks what bbolt can read without danger.
func checkSound(ctx context.Context, c *closedFile, figures *Figures, progress *progress, found func(place, reason string)) error {
	return c.db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			found("pages", err.Error())
		}
		reader := &boltReader{tx: tx}
		relations := &relations{ctx: ctx, Reader: reader, figures: figures, progress: progress, found: found}
		return errors.Join(relations.check(), reader.err)
	})
}
