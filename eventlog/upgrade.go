package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// formatError says that another version wrote a file.
type formatError struct{ version uint64 }

func (e *formatError) Error() string {
	says := fmt.Sprintf("%v: %d, this version reads %d: ", ErrFormat, e.version, formatVersion)
	switch {
	case e.version > formatVersion:
		return says + "use a newer jrweb"
	case e.upgradable():
		return says + "jrweb serve upgrades it, and keeps it as it is beside the new one"
	}
	return says + "it was never released: jrweb export of the version that wrote it, then jrweb import, carry its events over"
}

func (e *formatError) Unwrap() error { return ErrFormat }

// upgradable reports whether upgrade reads the format.
func (e *formatError) upgradable() bool { return e.version == 2 }

// upgradable reports whether err says that a file has an older format that can be
// upgraded.
func upgradable(err error) bool {
	e, ok := errors.AsType[*formatError](err)
	return ok && e.upgradable()
}

// buckets2 are the buckets of format 2, and buckets3 those that came with format 3.
var (
	buckets2 = Buckets()[:9]
	buckets3 = Buckets()[9:]
)

// isFormat2 reports whether a file that has no version, because it was made and never
// opened, has the buckets of format 2.
func isFormat2(w *pageWalk) bool {
	return !slices.ContainsFunc(buckets3, func(b Bucket) bool { return w.seen[b] })
}

// admit refuses a store of another format, whose buckets may be others.
func admit(r Reader, missing []Bucket) error {
	if slices.Contains(missing, bucketMeta) {
		return nil // nothing can be said of it
	}
	if err := checkVersion(r); err != nil {
		return err
	}
	if r.Get(bucketMeta, keyFormat) == nil && slices.Equal(missing, buckets3) {
		return &formatError{2} // it was made, and never opened
	}
	return nil
}

// upgrade makes a file of this format of one of format 2, which nobody may have open,
// and returns where the old one is kept. A crash at any moment leaves the old file, or
// the new one with the old one beside it. Step, which may be nil, is called before
// each step, and its error ends the upgrade.
func upgrade(ctx context.Context, path string, step func(string) error) (kept string, err error) {
	file, err := openClosed(path, true)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if step == nil {
		step = func(string) error { return nil }
	}
	u := &upgrading{closedFile: file, ctx: ctx, step: step}
	err = u.run()
	return u.kept(), err
}

type upgrading struct {
	*closedFile
	ctx  context.Context
	step func(string) error
	path string // of the new file, while it is not finished
}

// kept is where the old file stays.
func (u *upgrading) kept() string { return u.closedFile.path + ".format-2" }

func (u *upgrading) run() (err error) {
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"check the old file", u.checkOld},
		{"make the new file", func() error {
			u.path, err = u.newLike()
			return err
		}},
		{"copy what stays", u.copy},
		{"count what sessions have cost", u.count},
		{"check the new file", u.checkNew},
		{"keep the old file", u.keep},
		{"replace it", func() error { return os.Rename(u.path, u.closedFile.path) }},
		{"sync the directory", func() error { return syncDir(filepath.Dir(u.closedFile.path)) }},
	} {
		if err := u.step(s.name); err != nil {
			return err
		}
		if err := s.do(); err != nil {
			return fmt.Errorf("upgrade: %s: %w", s.name, err)
		}
		if s.name == "make the new file" {
			defer func() { _ = os.Remove(u.path) }() // it is not there any more if all went well
		}
	}
	return nil
}

// checkOld checks pages and records. Whether they agree shows when they are counted.
func (u *upgrading) checkOld() error {
	var findings []error
	found := func(place, reason string) { findings = append(findings, fmt.Errorf("%s: %s", place, reason)) }
	walk := &pageWalk{
		file: u.file, head: u.head, bad: u.bad,
		found: func(page uint64, reason string) { found("page "+strconv.FormatUint(page, 10), reason) },
		record: func(b Bucket, _ int64, key, value []byte) error {
			if _, err := decodeRecord(b, key, value); err != nil {
				findings = append(findings, err)
			}
			return nil
		},
		walked: func(uint64) error { return u.ctx.Err() },
	}
	if err := walk.run(); err != nil {
		return err
	}
	walk.missing(buckets2)
	if len(findings) > 0 {
		return fmt.Errorf("%w: %d findings, the first is %w", ErrDamaged, len(findings), findings[0])
	}
	return u.db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			findings = append(findings, err)
		}
		if len(findings) > 0 {
			return fmt.Errorf("%w: pages: %w", ErrDamaged, errors.Join(findings...))
		}
		return nil
	})
}

// copy copies all records but those of sessions, which count writes.
func (u *upgrading) copy() error {
	return u.copyRecords(u.ctx, u.path, func(r *record) (keep bool, err error) {
		switch {
		case r.bucket == bucketSessions, r.bucket == bucketMeta && string(r.key) == string(keyFormat):
			return false, nil
		case r.bucket == bucketEvents && isState(r.value):
			s, err := decodeState2(r.key, r.value)
			if err != nil {
				return false, err
			}
			r.value = encodeState(r.key, s.task, &s.sessionState)
		}
		return true, nil
	}, func(int) {})
}

// checkNew checks the new file as check does.
func (u *upgrading) checkNew() (err error) {
	file, err := openClosed(u.path, false)
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

// keep gives the old file a second name, under which it stays. If the name is taken
// by another file, that may be worth as much as this one.
func (u *upgrading) keep() error {
	path := u.closedFile.path
	err := os.Link(path, u.kept())
	if errors.Is(err, fs.ErrExist) {
		if err := stillNamed(u.file, u.kept()); err != nil {
			return fmt.Errorf("%s is there already, and is another file: move it away", u.kept())
		}
		err = nil // an upgrade before this one came so far
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
