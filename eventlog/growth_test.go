package eventlog_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// workStore counts the work of write transactions.
type workStore struct {
	store.Store
	mu   sync.Mutex
	work int // records read and written, and KiB written
}

// Update implements [store.Store].
func (s *workStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(workTx{tx, s}) })
}

func (s *workStore) did(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work += n
}

type workTx struct {
	store.Tx
	store *workStore
}

func (t workTx) Get(b store.Bucket, key []byte) []byte {
	value := t.Tx.Get(b, key)
	t.store.did(1 + len(value)>>10)
	return value
}

func (t workTx) Put(b store.Bucket, key, value []byte) {
	t.store.did(1 + len(value)>>10)
	t.Tx.Put(b, key, value)
}

func (t workTx) Delete(b store.Bucket, key []byte) {
	t.store.did(1)
	t.Tx.Delete(b, key)
}

func (t workTx) count(seq iter.Seq2[[]byte, []byte]) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for k, v := range seq {
			t.store.did(1 + len(v)>>10)
			if !yield(k, v) {
				return
			}
		}
	}
}

func (t workTx) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return t.count(t.Tx.Ascend(b, from, to))
}

func (t workTx) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return t.count(t.Tx.Descend(b, from, to))
}

// TestWhatAClientMakesGrowMakesNoChangeDearer repeats something that adds to the log, and
// then counts the work of one more change: it must be the same after 20 times as many.
func TestWhatAClientMakesGrowMakesNoChangeDearer(t *testing.T) {
	append1 := func(f *fixture, e ...eventlog.Event) {
		_, err := f.Append(f.Context(), &eventlog.Batch{Task: "t-1", Events: e})
		f.ok(err)
	}
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	sealed := func(f *fixture, o *eventlog.StartOptions) *eventlog.Session {
		s, err := f.Start(f.Context(), "t-1", o)
		f.ok(err)
		f.ok(s.Complete(f.Context(), eventlog.Succeeded, ""))
		return s
	}
	for name, grow := range map[string]struct {
		from int                     // how often it is repeated at first; 0: 100
		one  func(f *fixture, n int) // what is repeated
		more func(f *fixture, n int) // what is counted; nil: one
		// dearer says that it makes changes more expensive, up to a limit: the control.
		dearer bool
	}{
		"events": {one: func(f *fixture, n int) { append1(f, says(fmt.Sprint(n))) }},
		"models": {from: 1000, one: func(f *fixture, n int) {
			append1(f, spends(fmt.Sprintf(`{"usd":1,"model":"m-%d","scope":"cumulative"}`, n)))
		}},
		"costs":   {one: func(f *fixture, n int) { append1(f, spends(fmt.Sprintf(`{"usd":1,"id":"%d"}`, n))) }},
		"members": {one: func(f *fixture, n int) { append1(f, spends(fmt.Sprintf(`{"usd":1,"id":"%d","part_of":"x"}`, n))) }},
		"sessions that said the same cost": {one: func(f *fixture, n int) {
			s := f.start("t-1")
			f.append(s, spends(fmt.Sprintf(`{"usd":%d,"id":"x"}`, n)), complete())
		}},
		"idempotency keys": {one: func(f *fixture, n int) {
			_, err := f.Append(f.Context(), &eventlog.Batch{Task: "t-1", Events: many(1), Key: withKey(fmt.Sprint(n))})
			f.ok(err)
		}},
		"titles":   {one: func(f *fixture, n int) { append1(f, event("session", fmt.Sprintf(`{"title":"%d"}`, n))) }},
		"sessions": {one: func(f *fixture, _ int) { sealed(f, nil) }},
		"open sessions, control": {
			from: 10, dearer: true,
			one: func(f *fixture, _ int) { f.startBeside("t-1") },
			more: func(f *fixture, _ int) {
				_, _, err := f.PutTask(f.Context(), "t-1", eventlog.TaskChange{})
				f.ok(err)
			},
		},
		"tasks": {one: func(f *fixture, n int) {
			_, _, err := f.PutTask(f.Context(), fmt.Sprint(n), eventlog.TaskChange{Title: new("x")})
			f.ok(err)
		}},
		"runs with one external id": {
			from: 1000,
			one: func(f *fixture, n int) {
				sealed(f, &eventlog.StartOptions{ExternalID: "x", Started: began.Add(time.Duration(n) * time.Second)})
			},
			more: func(f *fixture, n int) {
				_, err := f.Start(f.Context(), "t-1", &eventlog.StartOptions{ExternalID: "x", Unique: true, Started: began.Add(-time.Duration(n) * time.Hour)})
				f.ok(err)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := &workStore{Store: eventlogtest.NewStore()}
			f := on(t, store, nil)
			if grow.more == nil {
				grow.more = grow.one
			}
			n := 0
			// cost is the least of several changes, because in some of them the log tidies
			// up.
			cost := func(until int) int {
				for ; n < until; n++ {
					grow.one(f, n)
				}
				least := 1 << 30
				for range 5 {
					store.mu.Lock()
					store.work = 0
					store.mu.Unlock()
					grow.more(f, n)
					n++
					store.mu.Lock()
					least = min(least, store.work)
					store.mu.Unlock()
				}
				return least
			}
			from := cmp.Or(grow.from, 100)
			few, many := cost(from), cost(min(20*from, 4000))
			if grow.dearer != (many > 2*few) {
				t.Errorf("one more costs %d after %d, %d after %d", few, from, many, n)
			}
		})
	}
}
