package eventlog_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// benchmarkEvent is an event of 300 bytes.
var benchmarkEvent = eventlog.Event{
	Type: eventlog.TypeAssistant,
	Data: fmt.Appendf(nil, `{"content":"%s"}`, bytes.Repeat([]byte("x"), 286)),
}

// benchmarkStores are the stores on which a log is measured: with syncs, and without, which
// leaves the cost of the log itself.
var benchmarkStores = []struct {
	name string
	open func(b *testing.B) store.Store
}{
	{"store=bolt", func(b *testing.B) store.Store {
		store, err := filestore.Open(filepath.Join(b.TempDir(), "jr.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		return store
	}},
	{"store=memory", func(*testing.B) store.Store { return eventlogtest.NewStore() }},
}

// benchmarkLog opens a log with some open sessions.
func benchmarkLog(b *testing.B, store store.Store, sessions int) (*eventlog.Log, []*eventlog.Session) {
	log, err := eventlog.New(store, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := log.Close(); err != nil {
			b.Error(err)
		}
	})
	started := make([]*eventlog.Session, sessions)
	for i := range started {
		if started[i], err = log.Start(b.Context(), fmt.Sprintf("t-%d", i), nil); err != nil {
			b.Fatal(err)
		}
	}
	return log, started
}

// One operation is one event on the disk.
func BenchmarkAppend(b *testing.B) {
	for _, store := range benchmarkStores {
		for _, n := range []struct{ appenders, sessions int }{{1, 1}, {64, 1}, {64, 1000}} {
			b.Run(fmt.Sprintf("%s/appenders=%d/sessions=%d", store.name, n.appenders, n.sessions), func(b *testing.B) {
				_, sessions := benchmarkLog(b, store.open(b), n.sessions)
				b.ReportAllocs()
				next := make(chan *eventlog.Session)
				var appenders sync.WaitGroup
				for range n.appenders {
					appenders.Go(func() {
						for s := range next {
							if _, err := s.Append(b.Context(), benchmarkEvent); err != nil {
								b.Error(err)
							}
						}
					})
				}
				random := rand.New(rand.NewPCG(1, 1))
				for b.Loop() {
					next <- sessions[random.IntN(len(sessions))]
				}
				close(next)
				appenders.Wait()
			})
		}
	}
}

// One operation is one page of 700 events, in the middle of a session of 100,000.
func BenchmarkRead(b *testing.B) {
	const events, page = 100_000, 700 // of 300 bytes: a page ends at 256 KiB
	for _, store := range benchmarkStores {
		b.Run(store.name, func(b *testing.B) {
			log, sessions := benchmarkLog(b, store.open(b), 1)
			s := sessions[0]
			batch := make([]eventlog.Event, 10_000)
			for i := range batch {
				batch[i] = benchmarkEvent
			}
			for range events / len(batch) {
				if _, err := s.Append(b.Context(), batch...); err != nil {
					b.Fatal(err)
				}
			}
			random := rand.New(rand.NewPCG(1, 1))
			after := func() uint64 { return uint64(random.IntN(events - page)) }
			b.Run("read", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					got, err := log.Read(b.Context(), s.Task(), s.ID(), after())
					if err != nil || len(got.Events) < page {
						b.Fatalf("a page has %d events: %v", len(got.Events), err)
					}
				}
			})
			b.Run("scan", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					seen := 0
					_, err := log.Scan(b.Context(), s.Task(), s.ID(), after(), func(*eventlog.Event) bool {
						seen++
						return true
					})
					if err != nil || seen < page {
						b.Fatalf("a page has %d events: %v", seen, err)
					}
				}
			})
		})
	}
}

// One operation is one read of the newest ten events by a reader that follows the session.
func BenchmarkTail(b *testing.B) {
	log, sessions := benchmarkLog(b, eventlogtest.NewStore(), 1)
	s := sessions[0]
	watch := log.Watch(s.Task())
	defer watch.Close()
	var last uint64
	for range 100 {
		var err error
		if last, err = s.Append(b.Context(), benchmarkEvent); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		page, err := readWatch(b.Context(), watch, s.ID(), last-10)
		if err != nil || len(page.Events) != 10 {
			b.Fatalf("the tail has %d events: %v", len(page.Events), err)
		}
	}
}
