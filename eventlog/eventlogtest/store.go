package eventlogtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"jrweb/eventlog/store"
)

// bucket is where the cases write. It does not matter which bucket it is.
var bucket = store.Buckets()[0]

var errRefused = errors.New("refused by the test")

// storeCases check the rules of [store.Store].
var storeCases = []testCase{
	{"every bucket exists and has keys of its own", func(s *subject) {
		s.reopen()
		s.update(func(tx store.Tx) error {
			for _, b := range store.Buckets() {
				tx.Put(b, []byte("key"), []byte(b))
			}
			return nil
		})
		s.view(func(r store.Reader) {
			for _, b := range store.Buckets() {
				if got := r.Get(b, []byte("key")); string(got) != string(b) {
					s.Errorf("The key in bucket %q has the value %q, not its own.", b, got)
				}
			}
		})
	}},

	{"an Update whose function fails changes nothing and returns that error", func(s *subject) {
		s.reopen()
		s.put(bucket, "kept", "old")
		err := s.store.Update(s.Context(), func(tx store.Tx) error {
			tx.Put(bucket, []byte("new"), []byte("new"))
			tx.Put(bucket, []byte("old"), []byte("changed"))
			tx.Delete(bucket, []byte("kept"))
			return errRefused
		})
		if !errors.Is(err, errRefused) {
			s.Errorf("Update returned %v: the error of the function is lost.", err)
		}
		s.holds("after the Update that failed", "kept", "old")
		s.put(bucket, "later")
		s.holds("after one more Update", "kept", "later", "old")
	}},

	{"an Update that returned nil is seen by every later View, whole", func(s *subject) {
		s.reopen()
		s.put(bucket, "a", "b", "c")
		s.holds("after an Update", "a", "b", "c")
	}},

	{"a state counts each commit that wrote something, if the store counts them", func(s *subject) {
		s.reopen()
		commits := func() (n uint64) {
			s.view(func(r store.Reader) { n = store.Commits(r) })
			return n
		}
		s.put(bucket, "a")
		n := commits()
		if n == 0 {
			return // it does not count them
		}
		s.update(func(tx store.Tx) error {
			if within := store.Commits(tx); within != n {
				s.Errorf("A transaction on a state of %d commits says that there are %d.", n, within)
			}
			tx.Delete(bucket, []byte("a"))
			return nil
		})
		s.update(func(store.Tx) error { return nil })
		if err := s.store.Update(s.Context(), func(tx store.Tx) error {
			tx.Put(bucket, []byte("b"), nil)
			return errRefused
		}); !errors.Is(err, errRefused) {
			s.Errorf("Update returned %v, not the error of its function.", err)
		}
		_, shared := s.store.(store.NotifyingStore) // others may commit as well
		if now := commits(); now < n+1 || now > n+1 && !shared {
			s.Errorf("After one commit more than %d there are %d.", n, now)
		}
		s.reopen()
		if now := commits(); now < n+1 || now > n+1 && !shared {
			s.Errorf("After it was opened again a store of %d commits has %d.", n+1, now)
		}
	}},

	{"a transaction sees what it wrote, in Get, Ascend and Descend", func(s *subject) {
		s.reopen()
		s.put(bucket, "a", "b", "c")
		s.update(func(tx store.Tx) error {
			tx.Put(bucket, []byte("bb"), []byte("bb"))
			tx.Delete(bucket, []byte("b"))
			tx.Put(bucket, []byte("c"), []byte("new"))
			if got := tx.Get(bucket, []byte("bb")); string(got) != "bb" {
				s.Errorf("Get of a key that was just written returned %q.", got)
			}
			if got := tx.Get(bucket, []byte("b")); got != nil {
				s.Errorf("Get of a key that was just deleted returned %q.", got)
			}
			if got := tx.Get(bucket, []byte("c")); string(got) != "new" {
				s.Errorf("Get of a key that was just overwritten returned %q.", got)
			}
			s.sameKeys("Ascend within the transaction", tx.Ascend(bucket, nil, nil), "a", "bb", "c")
			s.sameKeys("Descend within the transaction", tx.Descend(bucket, nil, nil), "c", "bb", "a")
			return nil
		})
	}},

	{"Ascend and Descend yield the keys in [from, to) in byte order", func(s *subject) {
		s.reopen()
		s.put(bucket, "b", "\x00", "a", "c", "ab", "\xff\xff", "b\x00", "\xff")
		const all = "\x00 a ab b b\x00 c \xff \xff\xff"
		for _, c := range []struct {
			from, to string // "" is nil
			want     string
		}{
			{"", "", all},
			{"a", "", "a ab b b\x00 c \xff \xff\xff"},
			{"", "b", "\x00 a ab"},
			{"a", "c", "a ab b b\x00"},
			{"aa", "bb", "ab b b\x00"},
			{"b", "b\x00", "b"},
			{"b", "b", ""},
			{"c", "a", ""},
			{"d", "e", ""},
			{"\xff", "\xff\xff", "\xff"},
			{"\xff\xff\x00", "", ""},
			{"", "\x00", ""},
			{"", "\xff\xff\xff", all},
		} {
			want := strings.Fields(c.want)
			var from, to []byte
			if c.from != "" {
				from = []byte(c.from)
			}
			if c.to != "" {
				to = []byte(c.to)
			}
			s.view(func(r store.Reader) {
				s.sameKeys(fmt.Sprintf("Ascend from %q to %q", c.from, c.to), r.Ascend(bucket, from, to), want...)
				slices.Reverse(want)
				s.sameKeys(fmt.Sprintf("Descend from %q to %q", c.from, c.to), r.Descend(bucket, from, to), want...)
			})
		}
	}},

	{"Ascend and Descend stop when the loop does", func(s *subject) {
		s.reopen()
		s.put(bucket, "a", "b", "c")
		s.view(func(r store.Reader) {
			for key := range r.Ascend(bucket, nil, nil) {
				if string(key) != "a" {
					s.Errorf("Ascend began with %q, not with the first key.", key)
				}
				break
			}
			for key := range r.Descend(bucket, nil, nil) {
				if string(key) != "c" {
					s.Errorf("Descend began with %q, not with the last key.", key)
				}
				break
			}
		})
	}},

	{"many keys stay in order", func(s *subject) {
		s.reopen()
		var keys []string
		for i := range 5000 {
			keys = append(keys, fmt.Sprintf("%05d", i*7919%5000))
		}
		s.put(bucket, keys...)
		slices.Sort(keys)
		s.view(func(r store.Reader) {
			s.sameKeys("Ascend", r.Ascend(bucket, nil, nil), keys...)
			s.sameKeys("Ascend from the middle", r.Ascend(bucket, []byte("02500"), nil), keys[2500:]...)
			slices.Reverse(keys)
			s.sameKeys("Descend", r.Descend(bucket, nil, nil), keys...)
			s.sameKeys("Descend from the middle", r.Descend(bucket, nil, []byte("02500")), keys[2500:]...)
		})
	}},

	{"values are kept byte for byte, empty ones and large ones too", func(s *subject) {
		s.reopen()
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		large := bytes.Repeat(every, 4096)
		s.update(func(tx store.Tx) error {
			tx.Put(bucket, []byte("empty"), []byte{})
			tx.Put(bucket, []byte("every byte"), every)
			tx.Put(bucket, []byte("large"), large)
			tx.Put(bucket, every, []byte("key of every byte"))
			return nil
		})
		s.view(func(r store.Reader) {
			if got := r.Get(bucket, []byte("empty")); got == nil || len(got) != 0 {
				s.Errorf("An empty value reads as %#v: it must not look like no value, which is nil.", got)
			}
			if got := r.Get(bucket, []byte("every byte")); !bytes.Equal(got, every) {
				s.Errorf("A value of every byte came back as %q.", got)
			}
			if got := r.Get(bucket, []byte("large")); !bytes.Equal(got, large) {
				s.Errorf("A value of %d bytes came back with %d, or changed.", len(large), len(got))
			}
			if got := r.Get(bucket, every); string(got) != "key of every byte" {
				s.Errorf("A key of every byte is not found: %q.", got)
			}
		})
	}},

	{"one Update takes as much as the largest append, or the largest event if it says so", func(s *subject) {
		s.reopen()
		const keys, large, values = 10_000, 4 << 20, 8 // as much as one request may have in all
		putKeys := func(tx store.Tx) {
			for i := range keys {
				tx.Put(bucket, fmt.Appendf(nil, "key %04d", i), fmt.Append(nil, i))
			}
		}
		putValue := func(tx store.Tx, i int) {
			tx.Put(bucket, fmt.Appendf(nil, "value %d", i), bytes.Repeat([]byte{byte('0' + i)}, large))
		}
		err := s.store.Update(s.Context(), func(tx store.Tx) error {
			putKeys(tx)
			for i := range values {
				putValue(tx, i)
			}
			return nil
		})
		switch {
		case errors.Is(err, store.ErrUpdateTooLarge):
			s.holds("after an Update that was too large")
			s.update(func(tx store.Tx) error { putKeys(tx); return nil })
			for i := range values {
				s.update(func(tx store.Tx) error { putValue(tx, i); return nil })
			}
		case err != nil:
			s.Fatalf("Update failed: %v", err)
		}
		s.reopen()
		s.view(func(r store.Reader) {
			for i := range keys {
				if got := r.Get(bucket, fmt.Appendf(nil, "key %04d", i)); string(got) != fmt.Sprint(i) {
					s.Fatalf("Key %d of %d has the value %q.", i, keys, got)
				}
			}
			for i := range values {
				got := r.Get(bucket, fmt.Appendf(nil, "value %d", i))
				if len(got) != large || bytes.Count(got, []byte{byte('0' + i)}) != large {
					s.Errorf("Value %d of %d bytes came back with %d, or changed.", i, large, len(got))
				}
			}
		})
	}},

	{"a key that is not there reads as nil, and deleting it is no error", func(s *subject) {
		s.reopen()
		s.put(bucket, "b")
		s.update(func(tx store.Tx) error {
			tx.Delete(bucket, []byte("a"))
			return nil
		})
		s.view(func(r store.Reader) {
			for _, key := range []string{"a", "bb", "b\x00", ""} {
				if got := r.Get(bucket, []byte(key)); got != nil {
					s.Errorf("Get of %q, which was never written, returned %q.", key, got)
				}
			}
		})
	}},

	{"a deleted key is gone, and its neighbours stay", func(s *subject) {
		s.reopen()
		s.put(bucket, "a", "b", "c")
		s.update(func(tx store.Tx) error {
			tx.Delete(bucket, []byte("b"))
			return nil
		})
		s.holds("after a deletion", "a", "c")
		s.put(bucket, "b")
		s.holds("after the key was written again", "a", "b", "c")
	}},

	{"the caller's memory is its own again after the transaction", func(s *subject) {
		s.reopen()
		key, value := []byte("key"), []byte("value")
		s.update(func(tx store.Tx) error {
			tx.Put(bucket, key, value)
			return nil
		})
		copy(key, "XXX")
		copy(value, "XXXXX")
		s.view(func(r store.Reader) {
			if got := r.Get(bucket, []byte("key")); string(got) != "value" {
				s.Errorf("The value is %q after the caller reused its memory.", got)
			}
		})
	}},

	{"a View shows one state, however many Updates return while it is open", func(s *subject) {
		s.reopen()
		s.put(bucket, "a")
		s.view(func(r store.Reader) {
			s.put(bucket, "b")
			s.update(func(tx store.Tx) error {
				tx.Delete(bucket, []byte("a"))
				return nil
			})
			s.sameKeys("a View that was opened before two Updates", r.Ascend(bucket, nil, nil), "a")
			if r.Get(bucket, []byte("b")) != nil {
				s.Errorf("Get in a View found what was written after it was opened.")
			}
		})
		s.holds("in a View opened after them", "b")
	}},

	{"a View shows nothing of an Update that has not returned", func(s *subject) {
		s.reopen()
		s.put(bucket, "a")
		s.update(func(tx store.Tx) error {
			tx.Put(bucket, []byte("b"), []byte("b"))
			seen := make(chan []string)
			go func() { // not in this goroutine: a store may forbid a View within an Update
				var keys []string
				if err := s.store.View(s.Context(), func(r store.Reader) error {
					keys = keysOf(r.Ascend(bucket, nil, nil))
					return nil
				}); err != nil {
					s.Errorf("View failed during an Update: %v", err)
				}
				seen <- keys
			}()
			if got := <-seen; !slices.Equal(got, []string{"a"}) {
				s.Errorf("A View during an Update shows %q: a reader must not see what may still fail.", got)
			}
			return nil
		})
	}},

	{"Views beside Updates always see whole Updates, and never go back", func(s *subject) {
		s.reopen()
		const updates, readers = 50, 4
		names := []string{"x", "y", "z"}
		s.put(bucket, names...)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				last := ""
				for {
					select {
					case <-stop:
						return
					default:
					}
					err := s.store.View(s.Context(), func(r store.Reader) error {
						x := string(r.Get(bucket, []byte("x")))
						for _, name := range names[1:] {
							if got := string(r.Get(bucket, []byte(name))); x != "x" && got != x {
								return fmt.Errorf("one View shows x of Update %s and %s of Update %s", x, name, got)
							}
						}
						if x != "x" && x < last {
							return fmt.Errorf("a View shows Update %s after one showed %s", x, last)
						}
						if x != "x" {
							last = x
						}
						return nil
					})
					if err != nil {
						s.Error(err)
						return
					}
				}
			})
		}
		for i := range updates {
			s.update(func(tx store.Tx) error {
				for _, name := range names {
					tx.Put(bucket, []byte(name), fmt.Appendf(nil, "%04d", i))
				}
				return nil
			})
			s.view(func(r store.Reader) {
				if got := string(r.Get(bucket, []byte("x"))); got != fmt.Sprintf("%04d", i) {
					s.Errorf("Update %d has returned, but a View shows %s.", i, got)
				}
			})
		}
		close(stop)
		wg.Wait()
	}},

	{"Updates that are called together run one after the other", func(s *subject) {
		s.reopen()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				err := s.store.Update(s.Context(), func(tx store.Tx) error {
					tx.Put(bucket, []byte("count"), append(bytes.Clone(tx.Get(bucket, []byte("count"))), '|'))
					return nil
				})
				if err != nil {
					s.Errorf("Update failed beside others: %v", err)
				}
			})
		}
		wg.Wait()
		s.view(func(r store.Reader) {
			if got := r.Get(bucket, []byte("count")); len(got) != 8 {
				s.Errorf("8 Updates each added one mark; there are %d. One of them did not see another.", len(got))
			}
		})
	}},

	{"a context that has ended stops a transaction before it begins", func(s *subject) {
		s.reopen()
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		err := s.store.Update(ctx, func(tx store.Tx) error {
			tx.Put(bucket, []byte("a"), nil)
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			s.Errorf("Update returned %v, not the context's error.", err)
		}
		if err := s.store.View(ctx, func(store.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
			s.Errorf("View returned %v, not the context's error.", err)
		}
		s.holds("after an Update that was called off")
	}},

	{"a View returns the error of its function", func(s *subject) {
		s.reopen()
		if err := s.store.View(s.Context(), func(store.Reader) error { return errRefused }); !errors.Is(err, errRefused) {
			s.Errorf("View returned %v: the error of the function is lost.", err)
		}
	}},

	{"what was written is there when the store is opened again", func(s *subject) {
		s.reopen()
		s.put(bucket, "a", "b", "c")
		s.update(func(tx store.Tx) error {
			tx.Delete(bucket, []byte("b"))
			tx.Put(bucket, []byte("empty"), []byte{})
			return nil
		})
		s.reopen()
		s.view(func(r store.Reader) {
			s.sameKeys("the store opened again", r.Ascend(bucket, nil, nil), "a", "c", "empty")
			if got := r.Get(bucket, []byte("empty")); got == nil {
				s.Errorf("An empty value became none when the store was opened again.")
			}
		})
		s.put(bucket, "d")
		s.reopen()
		s.holds("after the store was opened a third time", "a", "c", "d", "empty")
	}},
}

// holds checks that the bucket has the keys, and no others.
func (s *subject) holds(when string, want ...string) {
	s.Helper()
	s.view(func(r store.Reader) {
		s.Helper()
		s.sameKeys("the store "+when, r.Ascend(bucket, nil, nil), want...)
		for _, key := range want {
			if got := r.Get(bucket, []byte(key)); got == nil {
				s.Errorf("Get does not find %q %s.", key, when)
			}
		}
	})
}

func (s *subject) sameKeys(what string, got iter.Seq2[[]byte, []byte], want ...string) {
	s.Helper()
	if keys := keysOf(got); !slices.Equal(keys, want) {
		if len(keys)+len(want) > 100 {
			s.Errorf("%s has %d keys, or another order, not the %d that were written.", what, len(keys), len(want))
			return
		}
		s.Errorf("%s has the keys %q, not %q.", what, keys, want)
	}
}

func keysOf(seq iter.Seq2[[]byte, []byte]) []string {
	var keys []string
	for key := range seq {
		keys = append(keys, string(key))
	}
	return keys
}
