package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/journal"
	"jrweb/eventlog/store"
)

// crashed are the files of a store whose process has died: some changes are in the file,
// more in the segment that was used before, the newest in the active one.
type crashed struct {
	files             map[string][]byte // by suffix
	base, older, last int               // the last change in each of them
	active, other     string            // suffixes of the segments
	records           []placed          // those behind base, in order
}

// placed is a record of the journal, and where it stands.
type placed struct {
	n        int
	segment  string
	from, to int
}

func newCrashed(t testing.TB) *crashed {
	t.Helper()
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	h.change(40) // so that both segments have been used before
	if err := h.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	release := h.hold()
	for h.now.Load().frozen == nil {
		h.change(1)
	}
	h.change(2)
	v := h.now.Load()
	c := &crashed{
		files: readFiles(t, h.path), base: int(v.older[0].Position) - 1,
		older: int(v.older[len(v.older)-1].Position), last: int(v.upto),
	}
	release()
	h.close()
	if err := os.Remove(h.path); err != nil {
		t.Fatal(err)
	}
	for _, d := range append(v.older, v.newer...) {
		r := placed{n: int(d.Position)}
		for _, segment := range suffixes[1:] {
			if at := bytes.Index(c.files[segment], d.Encoded); at >= 0 {
				r.segment, r.from, r.to = segment, at-journal.HeaderSize, at+len(d.Encoded)
			}
		}
		if r.segment == "" {
			t.Fatalf("change %d is in no segment", r.n)
		}
		c.records = append(c.records, r)
	}
	for _, segment := range suffixes[1:] { // most of it is zero
		data := c.files[segment]
		c.files[segment] = data[:min(len(data), len(bytes.TrimRight(data, "\x00"))+4096)]
	}
	c.other, c.active = c.records[0].segment, c.records[len(c.records)-1].segment
	if c.other == c.active || c.older-c.base < 3 || c.last-c.older < 2 {
		t.Fatalf("the crash is not as these tests want it: %+v", c.records)
	}
	return c
}

// with returns the files with some of them changed; nil takes one away.
func (c *crashed) with(changed map[string][]byte) map[string][]byte {
	files := maps.Clone(c.files)
	for suffix, data := range changed {
		if files[suffix] = data; data == nil {
			delete(files, suffix)
		}
	}
	return files
}

// withBytes returns the files with some bytes of one changed.
func (c *crashed) withBytes(suffix string, change func(data []byte) []byte) map[string][]byte {
	return c.with(map[string][]byte{suffix: change(bytes.Clone(c.files[suffix]))})
}

// opensWith checks that a store opens with all changes up to n, and goes on.
func opensWith(t *testing.T, path string, files map[string][]byte, n int) {
	t.Helper()
	writeFiles(t, path, files)
	if err := checkCrashed(t.Context(), path, n, n, true); err != nil {
		t.Error(err)
	}
}

// isDamaged checks that a store is refused with words that name a file, and left alone.
func isDamaged(t *testing.T, path string, files map[string][]byte, names string) {
	t.Helper()
	writeFiles(t, path, files)
	s, err := Open(path, nil)
	if err == nil {
		n, err := lastIn(t.Context(), s)
		t.Errorf("it opens, with change %d, %v", n, errors.Join(err, s.Close()))
		return
	}
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path+names) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open returned %q", err)
	}
	if !maps.EqualFunc(readFiles(t, path), files, bytes.Equal) {
		t.Error("a file has changed")
	}
}

// The last record may not be whole: the process or the machine stopped while it was written,
// so it was never acknowledged. Whatever there is of it, the store opens without it.
func TestALastRecordThatIsNotWholeNeverWas(t *testing.T) {
	c := newCrashed(t)
	path := filepath.Join(memoryDir(t, "64m"), "jr.db")
	opensWith(t, path, c.files, c.last) // the control
	last := c.records[len(c.records)-1]
	random := rand.New(rand.NewPCG(1, 2))
	for cut := last.from; cut < last.to; cut++ {
		if cut > last.from+journal.HeaderSize+16 && cut < last.to-8 && cut%32 != 0 && !torture() {
			continue
		}
		for what, change := range map[string]func(data []byte) []byte{
			"zeros": func(data []byte) []byte { clear(data[cut:last.to]); return data },
			"other bytes": func(data []byte) []byte {
				for i := cut; i < last.to; i++ {
					data[i] = byte(random.Uint32())
				}
				data[cut] = c.files[last.segment][cut] ^ 1
				return data
			},
			"the end of the file": func(data []byte) []byte { return data[:cut] },
		} {
			files := c.withBytes(last.segment, change)
			if bytes.Equal(files[last.segment], c.files[last.segment]) {
				continue // what is missing was zero
			}
			writeFiles(t, path, files)
			if err := checkCrashed(t.Context(), path, c.last-1, c.last-1, cut%8 == 0); err != nil {
				t.Errorf("%s from byte %d of %d: %v", what, cut-last.from, last.to-last.from, err)
			}
		}
	}
}

// After a torn record the journal goes on in its place, and nothing of it comes back.
func TestATornRecordIsOverwrittenAndNeverComesBack(t *testing.T) {
	c := newCrashed(t)
	path := filepath.Join(t.TempDir(), "jr.db")
	last := c.records[len(c.records)-1]
	for _, size := range []int{10, 2000} { // shorter than what is torn, and longer
		writeFiles(t, path, c.withBytes(last.segment, func(data []byte) []byte { clear(data[last.from : last.from+8]); return data }))
		h := &history{TB: t, path: path}
		h.open()
		value := bytes.Repeat([]byte("x"), size)
		put := func(n int) error {
			return h.Update(t.Context(), func(tx store.Tx) error { tx.Put(store.Keys, fmt.Append(nil, n), value); return nil })
		}
		for n := range 3 {
			if err := put(n); err != nil {
				t.Fatal(err)
			}
			files := readFiles(t, path) // and a crash again
			beside := filepath.Join(t.TempDir(), "jr.db")
			writeFiles(t, beside, files)
			again := &history{TB: t, path: beside}
			again.open()
			err := again.View(t.Context(), func(r store.Reader) error {
				got := 0
				for range r.Ascend(store.Keys, nil, nil) {
					got++
				}
				if got != n+1 {
					t.Errorf("%d keys after a crash, want %d", got, n+1)
				}
				if last := string(r.Get(store.Meta, keyLast)); last != fmt.Sprint(c.last-1) {
					t.Errorf("the last change is %s, want %d: what was torn has come back", last, c.last-1)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			again.close()
		}
		h.close()
	}
}

// A damaged record that others follow was acknowledged. It is named, and nothing is touched.
func TestDamageWithinTheJournalIsNamed(t *testing.T) {
	c := newCrashed(t)
	path := filepath.Join(memoryDir(t, "64m"), "jr.db")
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	flips := 4
	if torture() {
		flips = 200
	}
	for _, r := range c.records[:len(c.records)-1] {
		for range flips {
			at, bit := r.from+random.IntN(r.to-r.from), random.IntN(8)
			isDamaged(t, path, c.withBytes(r.segment, func(data []byte) []byte { data[at] ^= 1 << bit; return data }), "-journal.")
			if t.Failed() {
				t.Fatalf("seed %d: bit %d of byte %d of record %d", seed, bit, at-r.from, r.n)
			}
		}
		isDamaged(t, path, c.withBytes(r.segment, func(data []byte) []byte { clear(data[r.from:r.to]); return data }), "-journal.")
	}
}

// A flipped bit anywhere in the files of a store is never served: the store is refused or as
// it was, or the last record, which nobody can tell from a torn one, is missing.
func TestAFlippedBitInTheJournalIsNeverServed(t *testing.T) {
	c := newCrashed(t)
	path := filepath.Join(memoryDir(t, "64m"), "jr.db")
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	flips := 150
	if torture() {
		flips = 3000
	}
	last := c.records[len(c.records)-1]
	refused, whole, without := 0, 0, 0
	for range flips {
		segment := suffixes[1+random.IntN(2)]
		end := 0
		for _, r := range c.records {
			if r.segment == segment {
				end = r.to + 200
			}
		}
		at, bit := random.IntN(end), random.IntN(8)
		if random.IntN(4) == 0 {
			at = random.IntN(200) // the head
		}
		files := c.withBytes(segment, func(data []byte) []byte { data[at] ^= 1 << bit; return data })
		writeFiles(t, path, files)
		s, err := Open(path, nil)
		if errors.Is(err, store.ErrDamaged) {
			refused++
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		n, err := lastIn(t.Context(), s)
		inLast := segment == last.segment && last.from <= at && at < last.to
		switch {
		case err != nil, n != c.last && !inLast, n < c.last-1:
			t.Errorf("seed %d: with bit %d of byte %d of %s flipped the last change is %d of %d, %v", seed, bit, at, segment, n, c.last, err)
		case n == c.last:
			whole++
		default:
			without++
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d flips: %d refused, %d opened with everything, %d without the last record", flips, refused, whole, without)
}

// One of the two heads of the file may be damaged. Nothing is lost then: the other one says
// that there is a journal, which has what its state lacks, or the file is refused. That holds
// from the first change on. After a close, the other one says that there is no journal.
func TestADamagedHeadOfTheFileDoesNotHideTheJournal(t *testing.T) {
	path := filepath.Join(memoryDir(t, "64m"), "jr.db")
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	opened := 0
	tryHeads := func(files map[string][]byte, refusable bool) {
		t.Helper()
		for head := range 2 {
			damaged := maps.Clone(files)
			damaged[""] = bytes.Clone(files[""])
			clear(damaged[""][head*4096+16:][:64])
			writeFiles(t, path, damaged)
			s, err := Open(path, nil)
			if refusable && errors.Is(err, store.ErrDamaged) {
				continue
			}
			if err != nil {
				t.Fatalf("with head %d damaged after change %d: %v", head, h.n, err)
			}
			opened++
			if n, err := lastIn(t.Context(), s); err != nil || n != h.n {
				t.Errorf("with head %d damaged the last change is %d, want %d, %v", head, n, h.n, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	for i := range 30 {
		h.change(1)
		if i%7 == 6 {
			if err := h.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		release := h.hold() // so that the files stand still
		files := readFiles(t, h.path)
		release()
		tryHeads(files, true)
	}
	if opened < 30 {
		t.Errorf("only %d of 60 files opened: the other head is of no use", opened)
	}
	h.close()
	tryHeads(readFiles(t, h.path), false)
}

// The file and its segments belong together. What does not is refused by name, and left as
// it is.
func TestAJournalThatIsNotTheFilesIsRefused(t *testing.T) {
	c, other := newCrashed(t), newCrashed(t)
	zeros := func(data []byte) []byte { return make([]byte, len(data)) }
	for name, test := range map[string]struct {
		files map[string][]byte
		names string
	}{
		"a segment is missing":          {c.with(map[string][]byte{c.other: nil}), c.other},
		"the active segment is missing": {c.with(map[string][]byte{c.active: nil}), c.active},
		"the file was moved alone":      {c.with(map[string][]byte{c.other: nil, c.active: nil}), "-journal."},
		"a segment is zero":             {c.withBytes(c.other, zeros), c.other},
		"the active segment is zero":    {c.withBytes(c.active, zeros), c.active},
		"a segment is empty":            {c.with(map[string][]byte{c.active: {}}), c.active},
		"a segment was made again":      {c.with(map[string][]byte{c.active: make([]byte, 5<<20)}), c.active},
		"the records of the segment before are zero": {c.withBytes(c.other, func(data []byte) []byte {
			clear(data[4096:])
			return data
		}), "-journal."},
		"a segment of another database":    {c.with(map[string][]byte{c.active: other.files[other.active]}), c.active},
		"the segments of another database": {c.with(map[string][]byte{c.active: other.files[c.active], c.other: other.files[c.other]}), "-journal."},
		"the segments changed places":      {c.with(map[string][]byte{c.active: c.files[c.other], c.other: c.files[c.active]}), "-journal."},
		"both are the same segment":        {c.with(map[string][]byte{c.other: c.files[c.active]}), c.other},
	} {
		t.Run(name, func(t *testing.T) {
			isDamaged(t, filepath.Join(t.TempDir(), "jr.db"), test.files, test.names)
		})
	}
	t.Run("and as they were they open", func(t *testing.T) {
		opensWith(t, filepath.Join(t.TempDir(), "jr.db"), c.files, c.last)
	})
}

// An older copy of the file beside a newer journal opens with everything if the journal still
// has all that the copy lacks. Otherwise it is refused.
func TestAnOlderFileBesideANewerJournal(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	h.change(12)
	if err := h.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.change(1)
	old := readFiles(t, h.path)
	h.change(2)
	soon := readFiles(t, h.path)
	h.change(60)
	late := readFiles(t, h.path)
	h.close()
	closed := readFiles(t, h.path)
	beside := func(files map[string][]byte) map[string][]byte {
		files = maps.Clone(files)
		files[""] = old[""]
		return files
	}
	path := filepath.Join(t.TempDir(), "jr.db")
	opensWith(t, path, beside(soon), 15)
	isDamaged(t, path, beside(late), "")
	isDamaged(t, path, beside(closed), "-journal.0")
}

// Segments that are there when the file says that no journal is in use are never read: the
// removal at a close was not on the disk, or a backup was restored beside them.
func TestSegmentsOfAnEarlierUseAreNeverRead(t *testing.T) {
	c := newCrashed(t)
	path := filepath.Join(t.TempDir(), "jr.db")
	writeFiles(t, path, c.files)
	h := &history{TB: t, path: path, n: c.last}
	h.open()
	h.change(3)
	stale := readFiles(t, path)
	h.close()
	for range 2 {
		if left := readFiles(t, path); len(left) != 1 {
			t.Fatalf("after a close there are %d files", len(left))
		}
		stale[""] = readFiles(t, path)[""]
		writeFiles(t, path, stale)
		h.open()
		h.check()
		h.change(1) // and these start again
		h.check()
		crash := readFiles(t, path)
		h.close()
		opensWith(t, filepath.Join(t.TempDir(), "jr.db"), crash, h.n)
	}
}

// Behind the newest record of a segment stand records of an earlier use. They are not taken
// for newer ones, wherever the newest one ends.
func TestRecordsOfAnEarlierUseAreNotReadAgain(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	path := filepath.Join(memoryDir(t, "64m"), "jr.db")
	earlier := 0
	for range 40 {
		h.change(1)
		release := h.hold()
		files := readFiles(t, h.path)
		v := h.now.Load()
		release()
		for _, segment := range suffixes[1:] {
			for at, data := 0, files[segment]; ; at++ {
				next := bytes.Index(data[at:], []byte("\xff\xf8jrlog\xfe"))
				if next < 0 {
					break
				}
				if at += next; data[at+31] < byte(v.after) { // the position ends there
					earlier++
				}
			}
		}
		writeFiles(t, path, files)
		if err := checkCrashed(t.Context(), path, h.n, h.n, false); err != nil {
			t.Fatal(err)
		}
	}
	if earlier < 40 {
		t.Errorf("only %d records of an earlier use stood there: this shows little", earlier)
	}
}

// A mark of which a bit has flipped is damage. It does not make the file forget its journal.
func TestADamagedMarkIsRefused(t *testing.T) {
	c := newCrashed(t)
	path := filepath.Join(memoryDir(t, "64m"), "jr.db")
	writeFiles(t, path, c.files)
	file, err := boltfile.OpenAtRest(path, false)
	if err != nil {
		t.Fatal(err)
	}
	var mark []byte
	err = file.DB.View(func(tx *bolt.Tx) error {
		mark = bytes.Clone(tx.Bucket([]byte(boltfile.MarkBucket)).Get([]byte("mark")))
		return nil
	})
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	for i := range mark {
		files := c.withBytes("", func(data []byte) []byte {
			for at := 0; ; at++ { // all copies of it
				next := bytes.Index(data[at:], mark)
				if next < 0 {
					return data
				}
				at += next
				data[at+i] ^= 1 << (i % 8)
			}
		})
		if slices.Equal(files[""], c.files[""]) {
			t.Fatal("the mark is not in the file")
		}
		isDamaged(t, path, files, "")
	}
}

// A page that is damaged while the store runs, also the one that says how far the file is, gives
// errors. It does not end the process, and the store can be closed.
func TestADamagedRootIsAnErrorOfWhoeverReads(t *testing.T) {
	for name, damage := range map[string]func(page []byte){
		"its kind":     func(p []byte) { p[8] ^= 0x13 },
		"its entries":  func(p []byte) { p[10], p[11] = 0xFF, 0xFF },
		"its contents": func(p []byte) { copy(p[16:], bytes.Repeat([]byte{0xFF}, 2000)) },
		"all of it":    func(p []byte) { clear(p) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
			h.change(9)
			if err := h.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.change(1)
			files := readFiles(t, h.path)
			head, _ := boltfile.ReadHead(bytes.NewReader(files[""]))
			at := int64(head.Root) * head.PageSize
			page := files[""][at : at+head.PageSize]
			damage(page)
			if _, err := h.base.file.WriteAt(page, at); err != nil {
				t.Fatal(err)
			}
			if _, err := lastIn(t.Context(), h); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("View returned %v", err)
			}
			if err := makeChange(t.Context(), h, 11); err == nil {
				if err := h.Checkpoint(t.Context()); !errors.Is(err, store.ErrDamaged) {
					t.Errorf("Checkpoint returned %v", err)
				}
			} else if !errors.Is(err, store.ErrDamaged) {
				t.Errorf("Update returned %v", err)
			}
			if _, err := h.Backup(t.Context()); err == nil {
				t.Error("there is a backup")
			}
			_ = h.Stats()
			_ = h.Close()
			h.fileStore = nil
		})
	}
}
