package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog/store"
)

var testID = ID{1, 2, 3}

// bench is a journal in a folder of its own.
type bench struct {
	*testing.T
	place Place
}

func newBench(t *testing.T) *bench {
	return &bench{t, Place{Database: filepath.Join(t.TempDir(), "jr.db")}}
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func payload(position uint64) string {
	return fmt.Sprintf("record %d %s", position, strings.Repeat("x", int(position*37%300)))
}

// add appends a record, durable.
func add(j *Journal, payload []byte) error {
	if err := j.Write(append(make([]byte, HeaderSize), payload...), false); err != nil {
		return err
	}
	return j.Sync()
}

func (b *bench) append(j *Journal, n int) {
	b.Helper()
	for range n {
		b.ok(add(j, []byte(payload(j.Next()))))
	}
}

// filled is a journal with records 1 to 10 in one segment, and 11 to 15 in the other.
func (b *bench) filled() {
	b.Helper()
	j, err := Create(b.place, testID, 0)
	b.ok(err)
	b.append(j, 10)
	j.Switch()
	b.append(j, 5)
	b.ok(j.Close())
	for n, s := range j.segments { // what is behind is space, and slow to read again and again
		b.ok(os.Truncate(b.place.Segment(n), s.end+100))
	}
}

// want reads the journal and compares the positions of what is behind after.
func (b *bench) want(after, older, newer uint64) *Contents {
	b.Helper()
	c, err := Read(b.place, testID, after)
	b.ok(err)
	position := after
	for _, entries := range [][]Entry{c.Older, c.Newer} {
		for _, e := range entries {
			if position++; e.Position != position || string(e.Payload) != payload(position) {
				b.Fatalf("at %d there is record %d, %q", position, e.Position, e.Payload)
			}
		}
	}
	if uint64(len(c.Older)) != older || uint64(len(c.Newer)) != newer {
		b.Fatalf("behind %d there are %d and %d records, want %d and %d", after, len(c.Older), len(c.Newer), older, newer)
	}
	return c
}

func (b *bench) change(segment int, fn func(data []byte) []byte) {
	b.Helper()
	data, err := os.ReadFile(b.place.Segment(segment))
	b.ok(err)
	b.ok(os.WriteFile(b.place.Segment(segment), fn(data), 0o600))
}

func (b *bench) files() map[string]string {
	b.Helper()
	files := map[string]string{}
	for n := range 2 {
		data, err := os.ReadFile(b.place.Segment(n))
		if err == nil {
			files[b.place.Segment(n)] = string(data)
		}
	}
	return files
}

func TestWhatWasAppendedIsRead(t *testing.T) {
	b := newBench(t)
	b.filled()
	b.want(0, 10, 5)
	b.want(7, 3, 5)
	b.want(10, 0, 5)
	b.want(12, 0, 3)
	b.want(15, 0, 0)
}

// Segments are used again and again, and what stood in them before never counts.
func TestRecordsOfAnEarlierUseDoNotCount(t *testing.T) {
	b := newBench(t)
	j, err := Create(b.place, testID, 0)
	b.ok(err)
	covered, switched := uint64(0), uint64(0)
	for n := range 30 {
		b.append(j, 1+n*7%13) // long uses and short ones
		b.want(covered, switched-covered, j.Next()-1-switched)
		covered, switched = switched, j.Next()-1 // the older half is in the database
		j.Switch()
	}
	b.ok(j.Close())
}

func TestAppendsGoOnAfterAnOpen(t *testing.T) {
	b := newBench(t)
	b.filled()
	for round := range uint64(4) {
		j, err := b.want(7, 3, 5+2*round).Open(b.place)
		b.ok(err)
		b.append(j, 2)
		b.ok(j.Close())
	}
	c := b.want(17, 0, 6)
	j, err := c.Open(b.place)
	b.ok(err)
	j.Switch()
	b.append(j, 1)
	b.ok(j.Close())
	b.want(17, 6, 1)
}

// A record that was being written when the machine stopped ends the journal, wherever it
// was cut.
func TestANewestRecordThatIsNotWholeEndsTheJournal(t *testing.T) {
	b := newBench(t)
	b.filled()
	c := b.want(0, 10, 5)
	newest := c.Newer[4]
	good := b.files()[b.place.Segment(newest.segment)]
	for n := range newest.size {
		for _, rest := range []byte{0, 0xA5} {
			b.change(newest.segment, func([]byte) []byte {
				data := []byte(good)
				copy(data[newest.at+n:newest.at+newest.size], bytes.Repeat([]byte{rest}, newest.size-n))
				return data
			})
			b.want(0, 10, 4)
			if n%40 > 0 {
				continue
			}
			j, err := b.want(0, 10, 4).Open(b.place)
			b.ok(err)
			b.append(j, 1)
			b.ok(j.Close())
			b.want(0, 10, 5)
		}
		b.change(newest.segment, func([]byte) []byte { return []byte(good)[:newest.at+n] })
		b.want(0, 10, 4)
	}
	b.change(newest.segment, func([]byte) []byte { return []byte(good) })
	b.want(0, 10, 5)
}

func (b *bench) damaged(what string, after uint64, names string) {
	b.Helper()
	before := b.files()
	_, err := Read(b.place, testID, after)
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(fmt.Sprint(err), names) {
		b.Errorf("%s: got error %v, want one that names %q", what, err, names)
	}
	if !maps.Equal(before, b.files()) {
		b.Errorf("%s: files were changed", what)
	}
}

func TestDamageBeforeTheNewestRecordIsNamed(t *testing.T) {
	b := newBench(t)
	b.filled()
	c := b.want(0, 10, 5)
	good := b.files()
	entries := append(c.Older, c.Newer[:4]...)
	for _, e := range entries {
		for n := range e.size {
			b.change(e.segment, func([]byte) []byte {
				data := []byte(good[b.place.Segment(e.segment)])
				data[e.at+n] ^= 1 << (n % 8)
				return data
			})
			b.damaged(fmt.Sprintf("byte %d of record %d", n, e.Position), 0, fmt.Sprintf("no whole record %d,", e.Position))
			if n%50 == 0 {
				b.want(e.Position, max(10, e.Position)-e.Position, 15-max(10, e.Position)) // the control: it is needed no more
			}
		}
		b.change(e.segment, func([]byte) []byte { return []byte(good[b.place.Segment(e.segment)]) })
	}
	b.want(0, 10, 5)
}

func TestASegmentThatIsNotTheJournalsIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(b *bench)
		names string
	}{
		"the older one is missing": {func(b *bench) { b.ok(os.Remove(b.place.Segment(0))) }, "journal.0 is missing"},
		"the newer one is missing": {func(b *bench) { b.ok(os.Remove(b.place.Segment(1))) }, "journal.1 is missing"},
		"one is empty":             {func(b *bench) { b.ok(os.Truncate(b.place.Segment(1), 0)) }, "journal.1 has no head"},
		"one was preallocated again": {func(b *bench) {
			b.change(1, func(d []byte) []byte { return make([]byte, len(d)) })
		}, "journal.1 has no head"},
		"the older one lost its records": {func(b *bench) {
			b.change(0, func(d []byte) []byte { clear(d[headSize:]); return d })
		}, "no whole record 1,"},
		"they were exchanged": {func(b *bench) {
			b.ok(os.Rename(b.place.Segment(0), b.place.Segment(0)+"x"))
			b.ok(os.Rename(b.place.Segment(1), b.place.Segment(0)))
			b.ok(os.Rename(b.place.Segment(0)+"x", b.place.Segment(1)))
		}, "journal.0 is of another journal"},
		"they are of another journal": {func(b *bench) {
			j, err := Create(b.place, ID{9}, 0)
			b.ok(err)
			b.ok(j.Close())
		}, "journal.0 is of another journal"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.filled()
			c.do(b)
			b.damaged(name, 0, c.names)
		})
	}
}

// Records stand behind each other in the order of their positions, those of one use in one
// segment. A whole one that stands elsewhere is damage: an append behind it would end where
// another record begins.
func TestARecordInTheWrongPlaceIsNamed(t *testing.T) {
	exchange := func(b *bench, first, second Entry) {
		b.change(first.segment, func(data []byte) []byte {
			copy(data[first.at:], slices.Concat(data[second.at:second.at+second.size], data[first.at:first.at+first.size]))
			return data
		})
	}
	for name, c := range map[string]struct {
		do       func(b *bench, c *Contents)
		names    string
		needless uint64 // the control: behind this position all is well
	}{
		"two of the active segment are exchanged": {
			func(b *bench, c *Contents) { exchange(b, c.Newer[1], c.Newer[2]) }, "record 13 of its journal is in the wrong place, in %[2]s at", 12,
		},
		"two of the other segment are exchanged": {
			func(b *bench, c *Contents) { exchange(b, c.Older[3], c.Older[4]) }, "record 5 of its journal is in the wrong place, in %[1]s at", 4,
		},
		"one of the active segment is in the other one": {
			func(b *bench, c *Contents) {
				var record []byte
				e, last := c.Newer[2], c.Older[9]
				b.change(e.segment, func(data []byte) []byte {
					record = bytes.Clone(data[e.at : e.at+e.size])
					clear(data[e.at : e.at+e.size])
					return data
				})
				b.change(last.segment, func(data []byte) []byte { return append(data[:last.at+last.size], record...) })
			}, "record 13 of its journal is in the wrong place, in %[1]s at", 13,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.filled()
			c.do(b, b.want(0, 10, 5))
			b.damaged(name, 0, fmt.Sprintf(c.names, b.place.Segment(0), b.place.Segment(1)))
			b.want(c.needless, max(10, c.needless)-c.needless, 15-max(10, c.needless))
		})
	}
}

// A database that is older than its journal, as one of a backup, is not joined to it.
func TestAJournalThatBeginsLaterIsDamage(t *testing.T) {
	b := newBench(t)
	j, err := Create(b.place, testID, 100)
	b.ok(err)
	b.append(j, 3)
	b.ok(j.Close())
	b.damaged("the database is at 90", 90, "no whole record 91,")
	b.want(100, 0, 3) // the control
}

// A record whose write has failed does not count, whatever of it is in the file.
func TestARecordThatIsVoidDoesNotCount(t *testing.T) {
	b := newBench(t)
	j, err := Create(b.place, testID, 0)
	b.ok(err)
	b.append(j, 3)
	s := j.segments[0]
	record := append(make([]byte, HeaderSize), "refused"...)
	seal(record, testID, 4)
	failed := errors.New("the write failed")
	for name, n := range map[string]int{"none of it": 0, "half of it": len(record) / 2, "all of it": len(record)} {
		_, err := s.file.WriteAt(record[:n], s.end)
		b.ok(err)
		if n == len(record) {
			if c, err := Read(b.place, testID, 0); err != nil || len(c.Newer) != 4 { // the control: it would count
				t.Fatalf("before it is void, got %v, %v", c, err)
			}
		}
		if err := s.void(failed, record); !errors.Is(err, store.ErrNotCommitted) || !errors.Is(err, failed) {
			t.Errorf("%s: got error %v", name, err)
		}
		b.want(0, 0, 3)
	}
	b.append(j, 1)
	b.ok(j.Close())
	b.want(0, 0, 4)
}

// Zeros that are written ahead of the records never reach them.
func TestSpaceIsFilledBehindTheRecordsOnly(t *testing.T) {
	b := newBench(t)
	j, err := Create(b.place, testID, 0)
	b.ok(err)
	s := j.segments[0]
	for _, size := range []int{100, fillStep / 8, fillStep / 3, 3 * fillStep, 1, fillStep} {
		for range 5 {
			if err := add(j, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if s.filled > s.size || s.size < s.end+reserve {
				t.Fatalf("the records end at %d, filled %d, size %d", s.end, s.filled, s.size)
			}
		}
	}
	b.ok(j.Close())
	c, err := Read(b.place, testID, 0)
	b.ok(err)
	if len(c.Newer) != 30 {
		t.Errorf("%d records are left", len(c.Newer))
	}
}

func TestTheJournalOfAnotherDatabaseIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	first := Place{Database: filepath.Join(t.TempDir(), "jr.db"), Dir: dir}
	if err := os.WriteFile(first.Database, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := Create(first, testID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	second := Place{Database: filepath.Join(t.TempDir(), "jr.db"), Dir: dir}
	if _, err := Create(second, ID{9}, 0); err == nil || !strings.Contains(err.Error(), first.Database) {
		t.Errorf("got error %v", err)
	}
	if _, err := Read(first, testID, 0); err != nil {
		t.Errorf("the first journal: %v", err)
	}
	if err := os.Remove(first.Database); err != nil { // the control: nobody needs it any more
		t.Fatal(err)
	}
	j, err = Create(second, ID{9}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Remove(); err != nil {
		t.Error(err)
	}
}

// The database of a journal may be in a folder that this user must not look into.
func TestTheJournalOfADatabaseThatCannotBeSeenIsNotReplaced(t *testing.T) {
	dir, loop := t.TempDir(), filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	first := Place{Database: filepath.Join(loop, "jr.db"), Dir: dir}
	j, err := Create(first, testID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	second := Place{Database: filepath.Join(t.TempDir(), "jr.db"), Dir: dir}
	if _, err := Create(second, ID{9}, 0); err == nil || !strings.Contains(err.Error(), first.Database) {
		t.Errorf("got error %v", err)
	}
	if _, err := Read(first, testID, 0); err != nil {
		t.Errorf("the first journal: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	place := Place{Database: filepath.Join(dir, "jr.db")}
	j, err := Create(place, testID, 0)
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		if err := add(j, []byte("payload")); err != nil {
			f.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(place.Segment(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[headSize : headSize+200])
	head := data[:headSize]
	f.Fuzz(func(t *testing.T, records []byte) {
		entries := find(append(bytes.Clone(head), records...), testID, 0, 0)
		for _, e := range entries {
			if e.at < headSize || e.at+e.size > headSize+len(records) {
				t.Errorf("record %d stands at %d, and has %d bytes", e.Position, e.at, e.size)
			}
		}
	})
}

// A change here is a change of the format, which needs a new version: see docs/format.md.
func TestSegmentsAndRecordsAreAsTheFormatSays(t *testing.T) {
	var id ID
	for i := range id {
		id[i] = byte(i)
	}
	payload, err := hex.DecodeString("0100016b010181036f6c64")
	if err != nil {
		t.Fatal(err)
	}
	record := append(make([]byte, HeaderSize), payload...)
	seal(record, id, 258)
	const want = "fff86a726c6f67fe" + "000102030405060708090a0b0c0d0e0f" + "0000000000000102" + "0000000b" + "d2de382a" + "0100016b010181036f6c64"
	if got := hex.EncodeToString(record); got != want {
		t.Errorf("a record is %s, want %s", got, want)
	}
	head := encodeHead("/a", id, 1)
	const wantHead = "fff86a72736567fe" + "00000001" + "00000001" + "000102030405060708090a0b0c0d0e0f" + "00000002" + "2f61" + "0c5dfa12"
	if got := hex.EncodeToString(head[:len(wantHead)/2]); got != wantHead || len(head) != headSize {
		t.Errorf("a head of %d bytes begins with %s, want %s", len(head), got, wantHead)
	}
}
