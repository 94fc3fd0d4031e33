package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// cluster is several logs on replicas of one stream. One of them may be closed and opened
// again at any time.
type cluster struct {
	*testing.T
	server *natstest.Server
	paths  []string
	logs   []atomic.Pointer[eventlog.Log]
}

func newCluster(t *testing.T, n int) *cluster {
	t.Helper()
	c := &cluster{T: t, server: natstest.Start(t), logs: make([]atomic.Pointer[eventlog.Log], n)}
	for i := range n {
		c.paths = append(c.paths, filepath.Join(t.TempDir(), "jr.db"))
		c.open(i)
	}
	t.Cleanup(func() {
		for i := range c.logs {
			c.logs[i].Load().Close()
		}
	})
	return c
}

func (c *cluster) open(i int) {
	c.Helper()
	s, err := clusterstore.Open(c.Context(), c.paths[i], c.server.URL, "log", &clusterstore.Options{Wait: time.Second})
	if err != nil {
		c.Fatal(err)
	}
	log, err := eventlog.New(s, nil)
	if err != nil {
		c.Fatal(err)
	}
	c.logs[i].Store(log)
}

// any is one of the logs.
func (c *cluster) any() *eventlog.Log { return c.logs[rand.IntN(len(c.logs))].Load() }

// passes reports whether an error is one after which a client tries again, at any replica.
func passes(err error) bool {
	return errors.Is(err, eventlog.ErrUnsettled) || errors.Is(err, eventlog.ErrNotCommitted) || errors.Is(err, eventlog.ErrClosed)
}

// Writers append at random replicas, and repeat with their keys what got no answer. Readers
// read at random replicas; before each read they make sure that the replica knows everything.
// Meanwhile one replica is closed and opened again, and the engine stands still for a while.
func TestAppendsToAClusterAreLinearizable(t *testing.T) {
	const replicas, sessions, writers, readers = 3, 2, 4, 4
	appends := 25
	if os.Getenv("JRWEB_TORTURE") != "" {
		appends = 150
	}
	c := newCluster(t, replicas)
	var ids [sessions]*eventlog.Session
	for i := range ids {
		s, err := c.any().Start(t.Context(), fmt.Sprintf("t-%d", i), nil)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = s
	}
	h := &history{}
	var writing, reading, disturbing sync.WaitGroup
	done, stuck, written := make(chan struct{}, writers*appends), make(chan struct{}, 1), make(chan struct{})
	for writer := range writers {
		n := writer % sessions
		writing.Go(func() {
			for i := range appends {
				in := call{session: n}
				var events []eventlog.Event
				for k := range 1 + (writer+i)%3 {
					in.append = append(in.append, fmt.Sprintf("%d.%d.%d", writer, i, k))
					events = append(events, says(in.append[k]))
				}
				if in.seals = writer < sessions && i == appends-1; in.seals {
					in.append = append(in.append, `complete{"status":"succeeded"}`)
					events = append(events, complete())
				}
				b := &eventlog.Batch{Task: ids[n].Task(), Session: ids[n].ID(), Events: events, Key: eventlog.Key{ID: fmt.Sprintf("%d.%d", writer, i)}}
				h.record(writer, in, func() answered {
					for {
						a, err := c.any().Append(t.Context(), b)
						if errors.Is(err, eventlog.ErrUnsettled) {
							select {
							case stuck <- struct{}{}:
							default:
							}
						}
						if err != nil && passes(err) {
							continue
						}
						if err != nil && !errors.Is(err, eventlog.ErrSealed) {
							t.Error(err)
						}
						return answered{refused: err, first: a.First}
					}
				})
				done <- struct{}{}
			}
		})
	}
	for reader := range readers {
		n := reader % sessions
		reading.Go(func() {
			var after uint64
			for sealed := false; !sealed; {
				a := h.record(writers+reader, call{session: n, after: after}, func() answered {
					for {
						log := c.any()
						err := log.CatchUp(t.Context())
						var page eventlog.Page
						if err == nil {
							page, err = log.Read(t.Context(), ids[n].Task(), ids[n].ID(), after)
						}
						if err != nil && passes(err) {
							continue
						}
						a := answered{refused: err, head: page.Head, sealed: page.Sealed}
						for _, e := range page.Events {
							a.contents = append(a.contents, content(e))
						}
						return a
					}
				})
				if a.refused != nil {
					t.Error(a.refused)
					return
				}
				if sealed = a.sealed; a.head%2 == 0 { // else it reads the same again
					after = a.head
				}
			}
		})
		reading.Go(func() { c.follow(ids[n]) })
	}
	disturbing.Go(func() {
		aQuarter := func() {
			for range writers * appends / 4 {
				<-done
			}
		}
		aQuarter()
		if err := c.logs[1].Load().Close(); err != nil {
			t.Error(err)
		}
		aQuarter()
		c.open(1)
		aQuarter()
		c.server.Stop()
		select {
		case <-stuck: // a writer has waited without success
		case <-written:
		}
		c.server.Continue()
	})
	writing.Wait()
	close(written)
	disturbing.Wait()
	reading.Wait()
	if result := porcupine.CheckOperationsTimeout(linearizable, h.calls, patience); result != porcupine.Ok {
		t.Errorf("%s: no order of the calls explains their answers", result)
	}
	wantAllKinds(t, h.calls)
	c.wantSame(ids[:])
}

// follow reads a session to its end, each part at another replica, from the cursor where the
// last part ended. A replica may be behind the cursor.
func (c *cluster) follow(s *eventlog.Session) {
	var next uint64 = 1
	for {
		log := c.any()
		watch := log.Watch(s.Task())
		changed := watch.Changed()
		from := next
		page, err := watch.Scan(c.Context(), s.ID(), next-1, func(e *eventlog.Event) bool {
			if e.Sequence != next {
				c.Errorf("event %d came where %d was due", e.Sequence, next)
			}
			next++
			return true
		})
		switch {
		case err != nil && !passes(err):
			c.Error(err)
			watch.Close()
			return
		case err == nil && page.Sealed && next > page.Head:
			watch.Close()
			return
		case err == nil && next == from:
			select {
			case <-changed:
			case <-log.Done():
			case <-time.After(10 * time.Second):
				c.Errorf("after %d nothing comes any more", next-1)
			}
		}
		watch.Close()
	}
}

// wantSame checks that all replicas show the same.
func (c *cluster) wantSame(sessions []*eventlog.Session) {
	c.Helper()
	var want []string
	for i := range c.logs {
		log := c.logs[i].Load()
		if err := log.CatchUp(c.Context()); err != nil {
			c.Fatal(err)
		}
		var got []string
		for _, s := range sessions {
			for e, err := range log.Session(s.Task(), s.ID()).Events(context.WithoutCancel(c.Context()), 0) {
				if err != nil {
					c.Fatal(err)
				}
				got = append(got, content(e))
			}
		}
		if i == 0 {
			want = got
		}
		if !slices.Equal(got, want) {
			c.Errorf("replica %d has %d events, the first one %d, or others", i, len(got), len(want))
		}
	}
}

// The tools for a file at rest know a replica: a check reads it, and what would make another
// file of it is refused, because that file would not say where in the stream it is.
func TestTheFileOfAReplicaIsCheckedAndStaysOne(t *testing.T) {
	c := newCluster(t, 1)
	s, err := c.any().Start(t.Context(), "t-1", nil)
	if err == nil {
		_, err = s.Append(t.Context(), says("a"), says("b"))
	}
	if err == nil {
		err = c.any().Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	figures := wantSound(t, c.paths[0])
	wantEqual(t, "events", figures.Events, 2)
	if _, _, err := dbfile.Compact(t.Context(), c.paths[0], nil); !errors.Is(err, store.ErrReplica) {
		t.Errorf("compact: %v", err)
	}
	if _, err := eventlog.Open(c.paths[0], nil); !errors.Is(err, store.ErrReplica) {
		t.Errorf("open: %v", err)
	}
	c.open(0) // it works as before
	if info, err := c.any().Session("t-1", s.ID()).Info(t.Context()); err != nil || info.Head != 2 {
		t.Errorf("opened again, the session has %d events, %v", info.Head, err)
	}
}
