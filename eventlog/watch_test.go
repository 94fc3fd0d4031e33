package eventlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// follow is the loop of every reader: it returns the sequences after a cursor up to the
// seal, as it saw them.
func follow(ctx context.Context, l *eventlog.Log, s *eventlog.Session, after uint64) (seen []uint64, err error) {
	watch := l.Watch(s.Task())
	defer watch.Close()
	for {
		changed := watch.Changed()
		page, err := readWatch(ctx, watch, s.ID(), after)
		if err != nil {
			return seen, err
		}
		for _, e := range page.Events {
			seen = append(seen, e.Sequence)
			after = e.Sequence
		}
		if len(page.Events) > 0 {
			continue
		}
		if page.Sealed {
			return seen, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return seen, ctx.Err()
		}
	}
}

// wantFrom checks that exactly after+1 … head was seen.
func wantFrom(t testing.TB, seen []uint64, after, head uint64) {
	t.Helper()
	if uint64(len(seen)) != head-after {
		t.Errorf("after %d of %d: saw %d events", after, head, len(seen))
		return
	}
	for i, n := range seen {
		if n != after+uint64(i)+1 {
			t.Errorf("after %d of %d: event %d has sequence %d", after, head, i+1, n)
			return
		}
	}
}

func TestReadersThatJoinAtRandomSeeEachEventOnce(t *testing.T) {
	for _, c := range []struct {
		name      string
		tailBytes int
	}{{"with a long tail", 1 << 20}, {"with a tail of a few events", 1000}, {"with hardly any tail", 1}} {
		t.Run(c.name, func(t *testing.T) {
			f := inMemory(t, &eventlog.Options{TailBytes: c.tailBytes})
			const rounds, readers, head = 10, 8, 400
			for range rounds {
				s := f.startBeside("t-1")
				joins := make([]chan struct{}, readers) // closed when a reader may join
				var wg sync.WaitGroup
				for i := range readers {
					joins[i] = make(chan struct{})
					wg.Go(func() {
						<-joins[i]
						info, err := s.Info(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						after := rand.Uint64N(info.Head + 1)
						seen, err := follow(t.Context(), f.Log, s, after)
						if err != nil {
							t.Error(err)
							return
						}
						wantFrom(t, seen, after, head)
					})
				}
				joined := 0
				for n := 0; n < head; {
					batch := min(1+rand.IntN(10), head-n)
					events := many(batch)
					if n += batch; n == head {
						events[batch-1] = complete()
					}
					for ; joined < readers && rand.IntN(head) < readers*batch*2; joined++ {
						close(joins[joined])
					}
					f.append(s, events...)
				}
				for ; joined < readers; joined++ {
					close(joins[joined])
				}
				wg.Wait()
			}
		})
	}
}

func TestTheLastAppendTogetherWithTheSealReachesLiveReaders(t *testing.T) {
	f := inMemory(t, nil)
	const rounds, readers = 1000, 3
	for round := range rounds {
		s := f.startBeside(fmt.Sprintf("t-%d", round%7))
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				seen, err := follow(t.Context(), f.Log, s, 0)
				if err != nil {
					t.Error(err)
				}
				wantFrom(t, seen, 0, 4)
			})
		}
		f.append(s, says("first"))
		f.append(s, says("last"), says("words"), complete())
		wg.Wait()
	}
}

func TestAnUpToDateWatchNeverTouchesTheStore(t *testing.T) {
	synctest.Test(t, testAnUpToDateWatchNeverTouchesTheStore)
}

func testAnUpToDateWatchNeverTouchesTheStore(t *testing.T) {
	store := &spy{Store: eventlogtest.NewStore()}
	f := on(t, store, nil)
	synctest.Wait() // the purger has looked for trash
	s := f.start("t-1")
	f.append(s, many(10)...)
	watch := f.Watch("t-1")
	defer watch.Close()
	at := func(n uint64) eventlog.Cursor { return eventlog.Cursor{Session: s.ID(), Sequence: n} }
	read := func(after uint64, want int) {
		t.Helper()
		page, err := readWatch(t.Context(), watch, s.ID(), after)
		f.ok(err)
		wantEqual(t, "events", len(page.Events), want)
		for i, e := range page.Events {
			wantEqual(t, "sequence", e.Sequence, after+uint64(i)+1)
		}
	}
	wantEqual(t, "behind before the first read", watch.Behind(at(10)), true)
	read(0, 10)

	views := store.views.Load()
	for n := uint64(10); n < 110; n++ {
		wantEqual(t, "behind at the head", watch.Behind(at(n)), false)
		read(n, 0)
		f.append(s, says("x"))
		wantEqual(t, "behind before the head", watch.Behind(at(n)), true)
		read(n, 1)
		read(10, int(n-9))
	}
	f.append(s, complete())
	page, err := readWatch(t.Context(), watch, s.ID(), 110)
	f.ok(err)
	wantEqual(t, "sealed", page.Sealed, true)
	wantEqual(t, "has its commit's time", page.Events[0].Committed.IsZero(), false)
	wantEqual(t, "views", store.views.Load()-views, 0)

	// The controls: events older than the tail are read from the store, and so is a session
	// that nobody has read yet.
	read(9, 102)
	wantEqual(t, "views of what is older", store.views.Load()-views, 1)
	other := f.startBeside("t-1")
	f.append(other, says("x"))
	page, err = readWatch(t.Context(), watch, other.ID(), 0)
	f.ok(err)
	wantEqual(t, "events of the other", len(page.Events), 1)
	wantEqual(t, "views of the other", store.views.Load()-views, 2)

	// After the start of a new session, the tail of a sealed one is not kept.
	page, err = readWatch(t.Context(), watch, s.ID(), 110)
	f.ok(err)
	wantEqual(t, "events of the sealed one", len(page.Events), 1)
	wantEqual(t, "views of the sealed one", store.views.Load()-views, 3)
}

func TestATailIsBoundedInBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
	}{{"small events", 1}, {"events of a kilobyte", 1000}, {"events larger than the tail", 10_000}} {
		t.Run(c.name, inBubble(func(t *testing.T) {
			const limit, head = 8000, 200
			store := &spy{Store: eventlogtest.NewStore()}
			f := on(t, store, &eventlog.Options{TailBytes: limit})
			synctest.Wait() // the purger has looked for trash
			s := f.start("t-1")
			watch := f.Watch("t-1")
			defer watch.Close()
			_, err := readWatch(t.Context(), watch, s.ID(), 0)
			f.ok(err)
			text := strings.Repeat("x", c.size)
			for range head {
				f.append(s, says(text))
			}
			kept := 0
			for after := uint64(head); ; after-- {
				views := store.views.Load()
				page, err := readWatch(t.Context(), watch, s.ID(), after)
				f.ok(err)
				wantEqual(t, "head", page.Head, head)
				if len(page.Events) > 0 {
					wantEqual(t, "sequence", page.Events[0].Sequence, after+1)
				}
				if store.views.Load() > views {
					break
				}
				for _, e := range page.Events[:min(1, len(page.Events))] {
					kept += len(e.Data)
				}
			}
			if kept > limit || c.size < limit/10 && kept == 0 {
				t.Errorf("the tail keeps %d bytes of data, its limit is %d", kept, limit)
			}
			if entries := kept / (c.size + 14); entries > limit/100 {
				t.Errorf("the tail keeps %d events in %d bytes", entries, limit)
			}
		}))
	}
}

func TestPagesThatWereReadStayAsTheyWere(t *testing.T) {
	f := inMemory(t, &eventlog.Options{TailBytes: 4000})
	s := f.start("t-1")
	watch := f.Watch("t-1")
	defer watch.Close()
	var pages []eventlog.Page
	for n := range uint64(500) {
		page, err := readWatch(t.Context(), watch, s.ID(), n-min(n, 5))
		f.ok(err)
		pages = append(pages, page)
		f.append(s, says(fmt.Sprint(n+1)))
	}
	for i, page := range pages {
		for j, e := range page.Events {
			want := i - min(i, 5) + j + 1
			if e.Sequence != uint64(want) || content(e) != fmt.Sprint(want) {
				t.Fatalf("page %d: event %d became %d: %s", i, want, e.Sequence, e.Data)
			}
		}
	}
}

func TestAReadThatACommitOvertookBeginsNoTail(t *testing.T) {
	synctest.Test(t, testAReadThatACommitOvertookBeginsNoTail)
}

func testAReadThatACommitOvertookBeginsNoTail(t *testing.T) {
	db := &spy{Store: eventlogtest.NewStore()}
	f := on(t, db, nil)
	synctest.Wait() // the purger has looked for trash
	s := f.start("t-1")
	watch := f.Watch("t-1")
	defer watch.Close()
	overtaken := false
	db.view = func(ctx context.Context, fn func(store.Reader) error, next viewFunc) error {
		err := next(ctx, fn)
		if !overtaken {
			overtaken = true
			f.append(s, says("1"))
		}
		return err
	}
	page, err := readWatch(t.Context(), watch, s.ID(), 0)
	f.ok(err)
	wantEqual(t, "events of the read that was overtaken", len(page.Events), 0)
	wantEqual(t, "behind", watch.Behind(eventlog.Cursor{Session: s.ID()}), true)
	page, err = readWatch(t.Context(), watch, s.ID(), 0)
	f.ok(err)
	wantEqual(t, "events of the next read", len(page.Events), 1)
}
