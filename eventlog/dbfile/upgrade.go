package dbfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// isFormat2 reports whether a file has the buckets of format 2. It is for a file without a
// version, which was created but never opened.
func isFormat2(w *boltfile.Walk) bool {
	return !slices.ContainsFunc(store.Buckets()[len(record.Buckets2):], func(b store.Bucket) bool { return w.Seen[b] })
}

// Upgrade converts the file at path from format 2, 3 or 4 to the current format. No other process
// may have the file open. It returns the path where it keeps the old file. A crash at any
// moment leaves the old file, or the new one with the old one beside it. A program that
// opens a log does not need Upgrade: the open does it.
func Upgrade(ctx context.Context, path string) (kept string, err error) {
	return upgrade(ctx, path, nil)
}

// upgrade is Upgrade with a function step, which may be nil. It calls step before each step
// of the work; an error of step ends the upgrade.
func upgrade(ctx context.Context, path string, step func(string) error) (kept string, err error) {
	file, err := openSettled(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if step == nil {
		step = func(string) error { return nil }
	}
	u := &upgrading{File: file, ctx: ctx, step: step}
	err = u.run()
	return u.kept(), err
}

// openSettled opens a file that has everything, and needs no journal. So it can be kept under
// another name.
func openSettled(path string) (*boltfile.File, error) {
	for settled := false; ; settled = true {
		file, err := boltfile.OpenAtRest(path, true)
		if err != nil {
			return nil, err
		}
		var mark boltfile.Mark
		err = boltfile.Guard(func() error {
			return file.DB.View(func(tx *bolt.Tx) (err error) {
				mark, err = boltfile.ReadMark(tx)
				return err
			})
		})
		switch {
		case err == nil && !mark.InUse:
			return file, nil
		case err == nil && settled:
			err = errors.New("its journal cannot be taken into it: make room on the disk")
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
		if err := filestore.Settle(path); err != nil {
			return nil, err
		}
	}
}

type upgrading struct {
	*boltfile.File
	ctx  context.Context
	step func(string) error
	from uint64 // the format of the old file
	path string // of the new file, until it is finished
}

// kept is the path where the old file stays.
func (u *upgrading) kept() string { return u.File.Path + ".format-" + strconv.FormatUint(u.from, 10) }

func (u *upgrading) run() (err error) {
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"check the old file", u.checkOld},
		{"make the new file", func() error {
			u.path, err = u.NewLike()
			return err
		}},
		{"copy what stays", u.copy},
		{"count what sessions have cost", u.count},
		{"count what was spent by day", u.countUsage},
		{"name the format", u.nameFormat},
		{"check the new file", u.checkNew},
		{"keep the old file", u.keep},
		{"replace it", func() error { return os.Rename(u.path, u.File.Path) }},
		{"sync the directory", func() error { return disk.SyncDir(filepath.Dir(u.File.Path)) }},
	} {
		if err := u.step(s.name); err != nil {
			return err
		}
		if err := s.do(); err != nil {
			return fmt.Errorf("upgrade: %s: %w", s.name, err)
		}
		if s.name == "make the new file" {
			defer func() { _ = os.Remove(u.path) }() // after success it no longer exists
		}
	}
	return nil
}

// checkOld checks pages and records. Whether the records agree shows when they are counted.
func (u *upgrading) checkOld() error {
	var findings []error
	found := func(place, reason string) { findings = append(findings, fmt.Errorf("%s: %s", place, reason)) }
	walk := &boltfile.Walk{
		File: u.OS, Head: u.Head, Bad: u.Bad,
		Found: func(page uint64, reason string) { found("page "+strconv.FormatUint(page, 10), reason) },
		Record: func(b store.Bucket, _ int64, key, value []byte) error {
			payload, err := record.Decode(b, key, value)
			if err != nil {
				findings = append(findings, err)
			}
			if b == store.Meta && bytes.Equal(key, record.KeyFormat) {
				u.from = record.ParseNumber(payload)
			}
			return nil
		},
		Walked: func(uint64) error { return u.ctx.Err() },
	}
	if err := walk.Run(); err != nil {
		return err
	}
	switch {
	case u.from == 3, u.from == 4:
		walk.Missing(record.Buckets3)
	case u.from == 2, u.from == 0 && isFormat2(walk):
		u.from = 2
		walk.Missing(record.Buckets2)
	case len(findings) == 0:
		return fmt.Errorf("format %d is not upgraded", u.from)
	}
	if len(findings) > 0 {
		return fmt.Errorf("%w: %d findings, the first is %w", store.ErrDamaged, len(findings), findings[0])
	}
	return u.DB.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			findings = append(findings, err)
		}
		if len(findings) > 0 {
			return fmt.Errorf("%w: pages: %w", store.ErrDamaged, errors.Join(findings...))
		}
		return nil
	})
}

// copy copies all records, except the sessions of format 2: count writes these.
func (u *upgrading) copy() error {
	return u.CopyRecords(u.ctx, u.path, nil, func(r *boltfile.Record) (keep bool, err error) {
		switch {
		case r.Bucket == store.Sessions && u.from == 2, r.Bucket == store.Meta && bytes.Equal(r.Key, record.KeyFormat):
			return false, nil
		case r.Bucket == store.Spent:
			r.Value, err = spentOf4(r.Key, r.Value)
			return err == nil, err
		case u.from == 4:
			return true, nil // the rest has not changed since
		case r.Bucket == store.Tasks:
			t := &record.Task{}
			if err := record.DecodeJSON(r.Bucket, r.Key, r.Value, t); err != nil {
				return false, err
			}
			t.Carried = t.Open // no session of an old file says beside which others it ran
			r.Value = record.EncodeJSON(r.Bucket, r.Key, t)
		case r.Bucket == store.Events && !record.IsState(r.Value):
			r.Value, err = eventOf3(r.Key, r.Value)
			return err == nil, err
		case r.Bucket == store.Events && u.from == 2:
			s, err := decodeState2(r.Key, r.Value)
			if err != nil {
				return false, err
			}
			r.Value = record.EncodeState(r.Key, s.Task, &s.State)
		}
		return true, nil
	}, func(int) {})
}

// spentOf4 converts a spending record from format 3 or 4.
func spentOf4(key, raw []byte) ([]byte, error) {
	payload, err := record.Decode(store.Spent, key, raw)
	if err != nil {
		return nil, err
	}
	payload, ok := record.SpendingOf4(payload)
	if !ok {
		return nil, &store.DamageError{Bucket: store.Spent, Key: bytes.Clone(key), Reason: "is too short"}
	}
	return record.Encode(store.Spent, key, payload), nil
}

// eventOf3 converts the record of an event from format 3, which does not name the change that
// committed it: after the length of the type comes that of the actor.
func eventOf3(key, raw []byte) ([]byte, error) {
	payload, err := record.Decode(store.Events, key, raw)
	if err != nil {
		return nil, err
	}
	const lengths = 9 // the change is inserted before this offset
	if len(payload) < lengths {
		return nil, &store.DamageError{Bucket: store.Events, Key: bytes.Clone(key), Reason: "event is too short"}
	}
	return record.Encode(store.Events, key, slices.Concat(payload[:lengths], make([]byte, 8), payload[lengths:])), nil
}

// nameFormat writes the version of the new file.
func (u *upgrading) nameFormat() (err error) {
	db, err := filestore.Open(u.path, &filestore.Options{NoJournal: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Update(u.ctx, func(tx store.Tx) error {
		version := binary.BigEndian.AppendUint64(nil, record.FormatVersion)
		tx.Put(store.Meta, record.KeyFormat, record.Encode(store.Meta, record.KeyFormat, version))
		return nil
	})
}

// checkNew checks the new file as [Check] does.
func (u *upgrading) checkNew() (err error) {
	file, err := boltfile.OpenAtRest(u.path, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var first *Finding
	_, err = check(u.ctx, file, &CheckOptions{Found: func(f Finding) {
		if first == nil {
			first = &f
		}
	}})
	if first != nil {
		err = fmt.Errorf("%w, the first is %s", err, first)
	}
	return err
}

// keep gives the old file a second name, which it keeps. It fails if another file has that
// name, because that file may be just as valuable.
func (u *upgrading) keep() error {
	path := u.File.Path
	err := os.Link(path, u.kept())
	if errors.Is(err, fs.ErrExist) {
		if err := boltfile.StillNamed(u.OS, u.kept()); err != nil {
			return fmt.Errorf("%s is there already, and is another file: move it away", u.kept())
		}
		err = nil // an earlier upgrade got this far
	}
	if err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}
