package filestore

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"jrweb/eventlog/store"
)

// modelled is a store, and what it must hold.
type modelled struct {
	*rapid.T
	ctx  context.Context
	dir  string
	path string
	s    *fileStore
	want content
}

func (m *modelled) ok(err error) {
	if err != nil {
		m.Fatal(err)
	}
}

func (m *modelled) open(path string) {
	s, err := Open(path, &Options{pace: pace{halfBytes: 3000, halfAge: usualPace.halfAge, stepBytes: 800}})
	m.ok(err)
	m.s, m.path = s.(*fileStore), path
}

// newPath is where no file is yet.
func (m *modelled) newPath() string {
	dir, err := os.MkdirTemp(m.dir, "")
	m.ok(err)
	return filepath.Join(dir, "jr.db")
}

func (m *modelled) view(s store.Store, check func(r store.Reader)) {
	m.ok(s.View(m.ctx, func(r store.Reader) error { check(r); return nil }))
}

var (
	modelBuckets = []store.Bucket{store.Meta, store.Events, store.Said}
	modelKey     = rapid.StringOfN(rapid.SampledFrom([]rune("ab\x00")), 1, 3, -1)
)

// checkRange compares a range of a bucket, in both directions.
func (m *modelled) checkRange(r store.Reader, want map[string]string, b store.Bucket, from, to []byte) {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if key >= string(from) && (to == nil || key < string(to)) {
			keys = append(keys, key)
		}
	}
	var up, down []string
	for key, value := range r.Ascend(b, from, to) {
		up = append(up, string(key))
		if want[string(key)] != string(value) {
			m.Fatalf("%s %q is %q, want %q", b, key, value, want[string(key)])
		}
	}
	for key := range r.Descend(b, from, to) {
		down = append(down, string(key))
	}
	slices.Reverse(down)
	if !slices.Equal(up, keys) || !slices.Equal(down, keys) {
		m.Fatalf("%s from %q to %q has %q upwards and %q downwards, want %q", b, from, to, up, down, keys)
	}
}

func (m *modelled) checkAll(s store.Store) {
	m.view(s, func(r store.Reader) {
		for _, b := range modelBuckets {
			m.checkRange(r, m.want[b], b, nil, nil)
		}
	})
}

// make torture says how many it tries; a usual run tries fewer than rapid would by itself.
func init() {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
}

// A store holds what a map holds, whatever is done with it: changes, checkpoints, closes,
// crashes, backups.
func TestAStoreHoldsWhatAModelHolds(t *testing.T) {
	dir := memoryDir(t, "1g")
	rapid.Check(t, func(r *rapid.T) {
		all, err := os.MkdirTemp(dir, "") //nolint:usetesting // in memory, and gone after each check
		if err != nil {
			r.Fatal(err)
		}
		defer os.RemoveAll(all)
		m := &modelled{T: r, ctx: t.Context(), dir: all, want: content{}}
		for _, b := range modelBuckets {
			m.want[b] = map[string]string{}
		}
		m.open(m.newPath())
		defer func() { _ = m.s.Close() }()

		update := func(r *rapid.T) {
			m.T = r
			after := content{}
			for b, keys := range m.want {
				after[b] = maps.Clone(keys)
			}
			fails := rapid.IntRange(0, 9).Draw(r, "fails") == 0
			err := m.s.Update(m.ctx, func(tx store.Tx) error {
				for range rapid.IntRange(0, 6).Draw(r, "ops") {
					b := rapid.SampledFrom(modelBuckets).Draw(r, "bucket")
					key := modelKey.Draw(r, "key")
					if rapid.IntRange(0, 2).Draw(r, "delete") == 0 {
						tx.Delete(b, []byte(key))
						delete(after[b], key)
					} else {
						value := bytes.Repeat([]byte(rapid.SampledFrom([]string{"x", "y", "z"}).Draw(r, "value")), rapid.SampledFrom([]int{0, 1, 100, 900}).Draw(r, "size"))
						tx.Put(b, []byte(key), value)
						after[b][key] = string(value)
					}
					m.checkRange(tx, after[b], b, nil, nil)
				}
				if fails {
					return io.ErrUnexpectedEOF
				}
				return nil
			})
			if fails {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					r.Fatal(err)
				}
				return
			}
			m.ok(err)
			m.want = after
		}
		r.Repeat(map[string]func(*rapid.T){
			"update":       update,
			"update again": update, // twice as likely
			"range": func(r *rapid.T) {
				m.T = r
				b := rapid.SampledFrom(modelBuckets).Draw(r, "bucket")
				from, to := []byte(modelKey.Draw(r, "from")), []byte(modelKey.Draw(r, "to"))
				m.view(m.s, func(tx store.Reader) { m.checkRange(tx, m.want[b], b, from, to) })
			},
			"checkpoint": func(r *rapid.T) {
				m.T = r
				m.ok(m.s.Checkpoint(m.ctx))
			},
			"close and open": func(r *rapid.T) {
				m.T = r
				m.ok(m.s.Close())
				if left := readFiles(t, m.path); len(left) != 1 {
					r.Fatalf("after a close there are %d files", len(left))
				}
				m.open(m.path)
			},
			"crash": func(r *rapid.T) {
				m.T = r
				release := (&history{TB: t, fileStore: m.s}).hold()
				files := readFiles(t, m.path)
				release()
				m.ok(m.s.Close())
				path := m.newPath()
				writeFiles(t, path, files)
				m.open(path)
			},
			"backup": func(r *rapid.T) {
				m.T = r
				backup, err := m.s.Backup(m.ctx)
				m.ok(err)
				data, err := io.ReadAll(backup)
				m.ok(err)
				m.ok(backup.Close())
				path := m.newPath()
				m.ok(writeSparse(path, data))
				s, err := Open(path, nil)
				m.ok(err)
				m.checkAll(s)
				m.ok(s.Close())
			},
			"": func(r *rapid.T) {
				m.T = r
				m.checkAll(m.s)
			},
		})
	})
}
