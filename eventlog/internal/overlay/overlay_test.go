package overlay

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	rand "math/rand/v2"
	"slices"
	"sync"
	"testing"

	"jrweb/eventlog/store"
)

// model is a store in a map, of one bucket.
type model map[string]string

const bucket = store.Events

func (m model) Get(_ store.Bucket, key []byte) []byte {
	if v, ok := m[string(key)]; ok {
		return []byte(v)
	}
	return nil
}

func (m model) keys(from, to []byte) (keys []string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k >= string(from) && (to == nil || k < string(to)) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (m model) all(keys []string) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for _, k := range keys {
			if !yield([]byte(k), []byte(m[k])) {
				return
			}
		}
	}
}

func (m model) Ascend(_ store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return m.all(m.keys(from, to))
}

func (m model) Descend(_ store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	keys := m.keys(from, to)
	slices.Reverse(keys)
	return m.all(keys)
}

func pairs(seq iter.Seq2[[]byte, []byte]) (out []string) {
	for k, v := range seq {
		out = append(out, string(k)+"="+string(v))
	}
	return out
}

// same compares all ways of reading two stores.
func same(t *testing.T, what string, got, want store.Reader, keys int, random *rand.Rand) {
	t.Helper()
	bound := func() []byte {
		if random.IntN(4) == 0 {
			return nil
		}
		return fmt.Appendf(nil, "%03d", random.IntN(keys+2))
	}
	for range 20 {
		from, to := bound(), bound()
		if g, w := pairs(got.Ascend(bucket, from, to)), pairs(want.Ascend(bucket, from, to)); !slices.Equal(g, w) {
			t.Fatalf("%s: Ascend %q %q: got %v, want %v", what, from, to, g, w)
		}
		if g, w := pairs(got.Descend(bucket, from, to)), pairs(want.Descend(bucket, from, to)); !slices.Equal(g, w) {
			t.Fatalf("%s: Descend %q %q: got %v, want %v", what, from, to, g, w)
		}
	}
	for i := range keys {
		key := fmt.Appendf(nil, "%03d", i)
		if g, w := got.Get(bucket, key), want.Get(bucket, key); !bytes.Equal(g, w) || (g == nil) != (w == nil) {
			t.Fatalf("%s: Get %q: got %q, want %q", what, key, g, w)
		}
	}
}

func delta(t testing.TB, tx *Tx) []byte {
	t.Helper()
	encoded, err := tx.Delta(0)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// Random transactions, over a base that has a part of the older half already, show what a
// map holds. Readers of earlier positions still show what they did.
func TestAReaderShowsWhatAMapHolds(t *testing.T) {
	const keys = 60
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 0))
		base, want := model{}, model{}
		for range random.IntN(keys) {
			k := fmt.Sprintf("%03d", random.IntN(keys))
			base[k], want[k] = "base", "base"
		}
		older, newer := NewHalf(), NewHalf()
		var deltas []Delta
		type earlier struct {
			reader Reader
			want   model
		}
		var earliers []earlier
		halves := []*Half{older}
		for position := uint64(1); position <= 40; position++ {
			if position == 20 {
				halves = []*Half{newer, older}
			}
			tx := NewTx(NewReader(base, position-1, halves...))
			for range 1 + random.IntN(8) {
				k := fmt.Sprintf("%03d", random.IntN(keys))
				switch random.IntN(3) {
				case 0:
					tx.Delete(bucket, []byte(k))
					delete(want, k)
				case 1:
					tx.Put(bucket, []byte(k), nil)
					want[k] = ""
				default:
					v := fmt.Sprint(position, random.IntN(100))
					tx.Put(bucket, []byte(k), []byte(v))
					want[k] = v
				}
			}
			same(t, fmt.Sprintf("seed %d, within transaction %d", seed, position), tx, want, keys, random)
			d := Delta{Position: position, Encoded: delta(t, tx)}
			deltas = append(deltas, d)
			if err := halves[0].Add(d); err != nil {
				t.Fatal(err)
			}
			now := NewReader(base, position, halves...)
			same(t, fmt.Sprintf("seed %d, after transaction %d", seed, position), &now, want, keys, random)
			earliers = append(earliers, earlier{now, maps.Clone(want)})
		}
		for i, e := range earliers {
			same(t, fmt.Sprintf("seed %d, as of %d", seed, i+1), &e.reader, e.want, keys, random)
		}
		// A base that takes over runs of whole deltas shows the same through what lies over it.
		for len(deltas) > 0 {
			n := 1 + random.IntN(len(deltas))
			ops, err := Merge(deltas[:n])
			if err != nil {
				t.Fatal(err)
			}
			for i, op := range ops {
				if i > 0 && bytes.Compare(ops[i-1].Key, op.Key) >= 0 {
					t.Fatalf("ops are not in order, or twice: %q, %q", ops[i-1].Key, op.Key)
				}
				if op.Delete {
					delete(base, string(op.Key))
				} else {
					base[string(op.Key)] = string(op.Value)
				}
			}
			deltas = deltas[n:]
			now := NewReader(base, 40, halves...)
			same(t, fmt.Sprintf("seed %d, with %d deltas left", seed, len(deltas)), &now, want, keys, random)
		}
		if !maps.Equal(base, want) {
			t.Fatalf("seed %d: the base has %v, want %v", seed, base, want)
		}
	}
}

// Readers of one position see the same while another goroutine adds, under the race
// detector too.
func TestReadersSeeOnePositionWhileItGrows(t *testing.T) {
	h := NewHalf()
	add := func(position uint64) {
		tx := NewTx(NewReader(model{}, position-1, h))
		key := binary.BigEndian.AppendUint64(nil, position*7919%1000)
		tx.Put(bucket, key, binary.BigEndian.AppendUint64(nil, position))
		tx.Put(bucket, []byte("count"), binary.BigEndian.AppendUint64(nil, position))
		if err := h.Add(Delta{Position: position, Encoded: delta(t, tx)}); err != nil {
			t.Error(err)
		}
	}
	for position := range uint64(100) {
		add(position + 1)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 300 {
				r := NewReader(model{}, 100, h)
				n := 0
				for k, v := range r.Ascend(bucket, nil, nil) {
					n++
					if at := binary.BigEndian.Uint64(v); at > 100 {
						t.Errorf("%x has a value of position %d", k, at)
					}
				}
				down := 0
				for range r.Descend(bucket, nil, nil) {
					down++
				}
				if n != 101 || down != 101 || binary.BigEndian.Uint64(r.Get(bucket, []byte("count"))) != 100 {
					t.Errorf("%d keys up, %d down", n, down)
				}
			}
		})
	}
	for position := range uint64(3000) {
		add(position + 101)
	}
	wg.Wait()
	r := NewReader(model{}, 3100, h)
	if n := len(pairs(r.Ascend(bucket, nil, nil))); n != 1001 { // the control: later readers see more
		t.Errorf("%d keys at the end", n)
	}
}

// A checkpoint takes a run of deltas out of a half that has more of them, before and behind.
func TestTheChangesOfARunOfDeltasAreWhatTheyMerge(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	h := NewHalf()
	var deltas []Delta
	for position := range uint64(60) {
		tx := NewTx(NewReader(model{}, position, h))
		for range 1 + random.IntN(8) {
			key := fmt.Appendf(nil, "%02d", random.IntN(40))
			b := store.Buckets()[random.IntN(3)]
			if random.IntN(3) == 0 {
				tx.Delete(b, key)
			} else {
				tx.Put(b, key, fmt.Appendf(nil, "%d", position))
			}
		}
		d := Delta{Position: position + 1, Encoded: delta(t, tx)}
		if err := h.Add(d); err != nil {
			t.Fatal(err)
		}
		deltas = append(deltas, d)
	}
	for after := range len(deltas) {
		for upto := after + 1; upto <= len(deltas); upto++ {
			want, err := Merge(deltas[after:upto])
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Collect(h.Changes(uint64(after), uint64(upto)))
			if !slices.EqualFunc(got, want, func(a, b Op) bool {
				return a.Bucket == b.Bucket && a.Delete == b.Delete && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
			}) {
				t.Fatalf("behind %d, up to %d: got %v, want %v", after, upto, got, want)
			}
		}
	}
}

func TestWhatIsNoDeltaIsAnError(t *testing.T) {
	tx := NewTx(NewReader(model{}, 0))
	tx.Put(bucket, []byte("key"), []byte("value"))
	tx.Delete(store.Tasks, []byte("gone"))
	good := delta(t, tx)
	for name, c := range map[string]struct {
		encoded []byte
		want    error
	}{
		"nothing":                {nil, store.ErrFormat},
		"of another version":     {append([]byte{9}, good[1:]...), store.ErrFormat},
		"cut":                    {good[:len(good)-1], store.ErrDamaged},
		"of an unknown bucket":   {[]byte{deltaVersion, 0x7F, 1, 'k', 1, 'v'}, store.ErrDamaged},
		"with a key that is cut": {[]byte{deltaVersion, 0, 200, 'k'}, store.ErrDamaged},
		"with an endless length": {append([]byte{deltaVersion, 0}, bytes.Repeat([]byte{0xFF}, 20)...), store.ErrDamaged},
	} {
		if err := NewHalf().Add(Delta{Position: 1, Encoded: c.encoded}); !errors.Is(err, c.want) {
			t.Errorf("%s: Add returned %v", name, err)
		}
		if _, err := Merge([]Delta{{Position: 1, Encoded: c.encoded}}); !errors.Is(err, c.want) {
			t.Errorf("%s: Merge returned %v", name, err)
		}
	}
	if err := NewHalf().Add(Delta{Position: 1, Encoded: good}); err != nil { // the control
		t.Error(err)
	}
}

func FuzzDelta(f *testing.F) {
	tx := NewTx(NewReader(model{}, 0))
	tx.Put(bucket, []byte("key"), []byte("value"))
	f.Add(delta(f, tx))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		h := NewHalf()
		if err := h.Add(Delta{Position: 1, Encoded: encoded}); err != nil {
			return
		}
		ops, err := Merge([]Delta{{Position: 1, Encoded: encoded}})
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(model{}, 1, h)
		for _, op := range ops {
			if got := r.Get(op.Bucket, op.Key); !bytes.Equal(got, op.Value) {
				t.Errorf("%s %x: got %x, want %x", op.Bucket, op.Key, got, op.Value)
			}
		}
	})
}

// A change here is a change of the format, which needs a new version: see docs/format.md.
func TestDeltasAreAsTheFormatSays(t *testing.T) {
	tx := NewTx(NewReader(model{}, 0))
	tx.Delete(store.Tasks, []byte("old"))
	tx.Put(store.Meta, []byte("k"), []byte{2})
	tx.Put(store.Meta, []byte("k"), []byte{1})
	if got := hex.EncodeToString(delta(t, tx)); got != "0100016b010181036f6c64" {
		t.Errorf("a delta is %s", got)
	}
}
