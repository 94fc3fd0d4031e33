package filestore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/store"
)

// A history is a row of changes, 1, 2, 3 …, each of which is known. So what a store holds
// says which change was its last one, and whether anything is missing or too much. A change
// has the position of its number.

// shortPace makes checkpoints of a few changes, in steps of fewer.
var shortPace = pace{halfBytes: 6000, halfAge: usualPace.halfAge, stepBytes: 2500}

var keyLast = []byte("last")

// content is what a store holds, by bucket and key.
type content map[store.Bucket]map[string]string

// change writes change n: one or two keys, a deletion from time to time, and its number. One
// of sixteen is so large that the disk begins to write its record before the sync.
func change(n int, put func(b store.Bucket, key, value []byte), remove func(b store.Bucket, key []byte)) {
	key := func(n int) []byte { return fmt.Appendf(nil, "key-%02d", n%11) }
	bucket := []store.Bucket{store.Events, store.Tasks}[n%2]
	times := 10 + n*7%120
	if n%16 == 5 {
		times = 1000
	}
	put(bucket, key(n), []byte(strings.Repeat(fmt.Sprintf("change %d ", n), times)))
	if n%4 == 0 {
		put(store.Said, key(n/4), []byte(strconv.Itoa(n)))
	}
	if n%3 == 0 {
		remove(bucket, key(n+4))
	}
	put(store.Meta, keyLast, []byte(strconv.Itoa(n)))
}

// after is what a store holds after change n.
func after(n int) content {
	c := content{}
	for i := 1; i <= n; i++ {
		change(i, func(b store.Bucket, key, value []byte) {
			if c[b] == nil {
				c[b] = map[string]string{}
			}
			c[b][string(key)] = string(value)
		}, func(b store.Bucket, key []byte) { delete(c[b], string(key)) })
	}
	return c
}

// make makes change n in a store.
func makeChange(ctx context.Context, s store.Store, n int) error {
	return s.Update(ctx, func(tx store.Tx) error {
		change(n, tx.Put, tx.Delete)
		return nil
	})
}

// lastOf returns the number of the last change that a state has. It is an error if the state
// is not exactly what all changes up to that one have made.
func lastOf(r store.Reader) (n int, err error) {
	if raw := r.Get(store.Meta, keyLast); raw != nil {
		if n, err = strconv.Atoi(string(raw)); err != nil {
			return 0, err
		}
	}
	want := after(n)
	for _, b := range store.Buckets() {
		got := map[string]string{}
		for key, value := range r.Ascend(b, nil, nil) {
			got[string(key)] = string(value)
		}
		if !maps.Equal(got, want[b]) && len(got)+len(want[b]) > 0 {
			return n, fmt.Errorf("bucket %s is not what change %d left there", b, n)
		}
		for key := range r.Descend(b, nil, nil) {
			if _, ok := got[string(key)]; !ok {
				return n, fmt.Errorf("bucket %s has %q in one direction only", b, key)
			}
			delete(got, string(key))
		}
		for key := range got {
			return n, fmt.Errorf("bucket %s has %q in one direction only", b, key)
		}
		for key, value := range want[b] {
			if string(r.Get(b, []byte(key))) != value {
				return n, fmt.Errorf("bucket %s has another value for %q after change %d", b, key, n)
			}
		}
	}
	return n, nil
}

// lastIn is lastOf for the newest state of a store.
func lastIn(ctx context.Context, s store.Store) (n int, err error) {
	err = s.View(ctx, func(r store.Reader) error {
		n, err = lastOf(r)
		return err
	})
	return n, err
}

// checkFile checks the file at path without its journal: it must be what some prefix of the
// history made, namely the one that its mark speaks of.
func checkFile(path string) (err error) {
	file, err := boltfile.OpenAtRest(path, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return boltfile.Guard(func() error { return checkContent(file) })
}

func checkContent(file *boltfile.File) (err error) {
	tx, err := file.DB.Begin(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	m, err := boltfile.ReadMark(tx)
	if err != nil {
		return err
	}
	r := &boltfile.Reader{Tx: tx}
	n, err := lastOf(r)
	if err == nil && uint64(n) != m.Position {
		err = fmt.Errorf("the last change is %d, and the mark has the position %d", n, m.Position)
	}
	if err := errors.Join(err, r.Err); err != nil {
		return fmt.Errorf("the file alone is no state that ever was: %w", err)
	}
	return nil
}

// checkCrashed checks what a crash has left at path: a whole state that has all of the
// changes up to least, and none that was not begun. If goOn is true, the store must work as
// well, and its close must leave one file.
func checkCrashed(ctx context.Context, path string, least, most int, goOn bool) (err error) {
	if _, err := os.Stat(path); err == nil {
		if err := checkFile(path); err != nil {
			return err
		}
	}
	s, err := Open(path, &Options{pace: shortPace})
	if err != nil {
		return err
	}
	defer func() {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	n, err := lastIn(ctx, s)
	switch {
	case err != nil:
		return err
	case n < least:
		return fmt.Errorf("change %d was acknowledged or shown, and the last one is %d", least, n)
	case n > most:
		return fmt.Errorf("the last change is %d, and %d is the last that was begun", n, most)
	case !goOn:
		return nil
	}
	if err := makeChange(ctx, s, n+1); err != nil {
		return fmt.Errorf("the store does not go on: %w", err)
	}
	err, s = s.Close(), nil
	if err != nil {
		return err
	}
	if left, err := filepath.Glob(path + "-journal.*"); err != nil || len(left) > 0 {
		return fmt.Errorf("after a close there is %q %w", left, err)
	}
	if s, err = Open(path, nil); err != nil {
		return err
	}
	got, err := lastIn(ctx, s)
	if err == nil && got != n+1 {
		err = fmt.Errorf("the last change is %d, and %d was acknowledged", got, n+1)
	}
	return err
}

// The checks of the crash tests notice what is not a prefix of the history.
func TestAStateThatNeverWasIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(put func(b store.Bucket, key, value []byte), remove func(b store.Bucket, key []byte))
		good   bool
	}{
		"a prefix": {func(func(store.Bucket, []byte, []byte), func(store.Bucket, []byte)) {}, true},
		"a key is missing": {func(_ func(store.Bucket, []byte, []byte), remove func(store.Bucket, []byte)) {
			remove(store.Events, []byte("key-06"))
		}, false},
		"a key is older": {func(put func(store.Bucket, []byte, []byte), _ func(store.Bucket, []byte)) {
			put(store.Meta, keyLast, []byte("16"))
		}, false},
		"a key is too much": {func(put func(store.Bucket, []byte, []byte), _ func(store.Bucket, []byte)) {
			put(store.Keys, []byte("x"), []byte("y"))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			s, err := Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 17 {
				if err := makeChange(t.Context(), s, n+1); err != nil {
					t.Fatal(err)
				}
			}
			err = s.Update(t.Context(), func(tx store.Tx) error {
				tx.Put(store.Keys, []byte("nothing"), nil)
				tx.Delete(store.Keys, []byte("nothing"))
				c.break_(tx.Put, tx.Delete)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := lastIn(t.Context(), s); (err == nil) != c.good {
				t.Errorf("in the store: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := checkFile(path); err == nil {
				t.Error("the file is taken for a state, and one change of it is not of the history")
			}
		})
	}
}
