package eventlog_test

import (
	"context"
	"iter"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

func TestReadBeforeGoesBackToTheOldestEventThatIsKept(t *testing.T) {
	for name, open := range map[string]func(*testing.T, *eventlog.Options) *fixture{"memory": inMemory, "disk": onDisk} {
		t.Run(name, func(t *testing.T) {
			f := open(t, nil)
			older, s, newer := f.startBeside("t-1"), f.startBeside("t-1"), f.startBeside("t-1")
			f.append(older, says("not of this session"))
			f.append(s, many(2500)...)
			f.append(newer, says("not of this session"))
			back := func(before uint64) eventlog.Page {
				t.Helper()
				page, err := f.ReadBefore(t.Context(), "t-1", s.ID(), before)
				f.ok(err)
				for i := range page.Events {
					if want := min(before, 2501) - uint64(len(page.Events)) + uint64(i); page.Events[i].Sequence != want {
						t.Fatalf("before %d: event %d of the page has sequence %d, not %d", before, i, page.Events[i].Sequence, want)
					}
				}
				wantEqual(t, "head", page.Head, 2500)
				return page
			}
			wantEqual(t, "events before the end", len(back(math.MaxUint64).Events), 1000)
			wantEqual(t, "events before 1501", len(back(1501).Events), 1000)
			wantEqual(t, "events before 501", len(back(501).Events), 500)
			wantEqual(t, "events before the first", len(back(1).Events), 0)
			wantEqual(t, "events before none", len(back(0).Events), 0)

			f.ok(f.Trim(t.Context(), "t-1", s.ID(), 400))
			page := back(501)
			wantEqual(t, "events that are kept before 501", len(page.Events), 100)
			wantEqual(t, "first", page.First, 401)
			wantEqual(t, "events before the oldest that is kept", len(back(401).Events), 0)

			_, err := f.ReadBefore(t.Context(), "t-2", s.ID(), 10)
			wantErr(t, "another task", err, eventlog.ErrSessionNotFound)
		})
	}
}

func TestReadBeforeEndsItsPageByBytes(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	for range 10 {
		f.append(s, says(strings.Repeat("x", 100<<10)))
	}
	page, err := f.ReadBefore(t.Context(), "t-1", s.ID(), 11)
	f.ok(err)
	wantEqual(t, "events of 100 KiB on a page of 256 KiB", len(page.Events), 3)
	wantEqual(t, "the first of them", page.Events[0].Sequence, 8)
}

// forgetful is a store that loses the nth event that a read reaches.
type forgetful struct {
	store.Store
	lose atomic.Int64
}

func (s *forgetful) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.Store.View(ctx, func(r store.Reader) error { return fn(forgetfulReader{r, s.lose.Load()}) })
}

type forgetfulReader struct {
	store.Reader
	lose int64
}

func (r forgetfulReader) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		n := int64(0)
		for k, v := range r.Reader.Descend(b, from, to) {
			if n++; n != r.lose && !yield(k, v) {
				return
			}
		}
	}
}

func TestAMissingEventIsDamageToReadBeforeToo(t *testing.T) {
	store := &forgetful{Store: eventlogtest.NewStore()}
	f := on(t, store, nil)
	s := f.start("t-1")
	f.append(s, many(3)...)
	for _, nth := range []int64{1, 2, 3} {
		store.lose.Store(nth)
		_, err := f.ReadBefore(t.Context(), "t-1", s.ID(), 4)
		wantErr(t, "a read", err, eventlog.ErrDamaged)
	}
	store.lose.Store(0)
	page, err := f.ReadBefore(t.Context(), "t-1", s.ID(), 4)
	f.ok(err)
	wantEqual(t, "events when nothing is missing", len(page.Events), 3)
}
