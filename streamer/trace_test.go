package streamer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
	"jrweb/streamer"
)

// tally counts the calls of a trace.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	active int
	delays []time.Duration
	wrong  []string
}

func (c *tally) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[name] += n
	switch {
	case strings.HasPrefix(name, "opened"):
		c.active++
	case strings.HasPrefix(name, "closed"):
		c.active--
	}
	if c.active < 0 || n <= 0 {
		c.wrong = append(c.wrong, fmt.Sprintf("%s by %d, active %d", name, n, c.active))
	}
}

func (c *tally) trace() *streamer.Trace {
	return &streamer.Trace{
		Opened:    func(resumed bool) { c.add(fmt.Sprintf("opened resumed=%v", resumed), 1) },
		Closed:    func(r streamer.Reason) { c.add("closed "+string(r), 1) },
		Rejected:  func() { c.add("rejected", 1) },
		Sent:      func(live bool, n int) { c.add(fmt.Sprintf("sent live=%v", live), n) },
		Wrote:     func(n int) { c.add("bytes", n) },
		Reset:     func(reason string) { c.add("reset "+reason, 1) },
		Heartbeat: func() { c.add("heartbeat", 1) },
		Polled:    func(found bool) { c.add(fmt.Sprintf("polled found=%v", found), 1) },
		Delivered: func(d time.Duration) {
			c.add("delivered", 1)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.delays = append(c.delays, d)
		},
	}
}

// want compares the counts with the expected ones, and resets them. Bytes are checked
// elsewhere.
func (c *tally) want(t *testing.T, want map[string]int) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.counts, "bytes")
	if !maps.Equal(c.counts, want) {
		t.Errorf("counted %v, not %v", c.counts, want)
	}
	if len(c.wrong) > 0 {
		t.Errorf("wrong: %q", c.wrong)
	}
	c.counts = nil
}

func TestTheTraceAgreesWithWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		put(t, s, 5)
		var counts, joined tally
		server := servePipe(t, log, &streamer.Options{PollInterval: time.Hour, MaxStreams: 3, Trace: counts.trace().Join(joined.trace())}, nil)

		r := server.open(t, "")
		r.wantEvents(at(s, 0), 5)
		counts.want(t, map[string]int{"opened resumed=false": 1, "sent live=false": 5})
		resumed := server.resume(t, "", at(s, 3))
		resumed.wantEvents(at(s, 3), 2)
		counts.want(t, map[string]int{"opened resumed=true": 1, "sent live=false": 2})
		ahead := server.resume(t, "types=thought", at(s, 6))
		ahead.want(reset("ahead", at(s, 6)))
		counts.want(t, map[string]int{"opened resumed=false": 1, "reset ahead": 1})

		rejected := &reader{t: t, sse: newSSEReader(server.get(t, "").Body)}
		rejected.wantRetry(5000, 10_000)
		counts.want(t, map[string]int{"rejected": 1})
		server.request(t, "HEAD", "/tasks/"+task+"/events/stream")
		server.get(t, "format=xml")
		server.request(t, "GET", "/tasks/none/events/stream")
		counts.want(t, map[string]int{})

		put(t, s, 3)
		r.wantEvents(at(s, 5), 3)
		resumed.wantEvents(at(s, 5), 3)
		counts.want(t, map[string]int{"sent live=true": 6, "delivered": 6})

		resumed.close()
		counts.want(t, map[string]int{"closed client_gone": 1})

		r.wantAfter(15*time.Second, beat)
		ahead.next()
		counts.want(t, map[string]int{"heartbeat": 2})

		seal(t, s)
		r.wantEvents(at(s, 8), 1)
		r.wantEnd()
		ahead.wantEvents(at(s, 8), 1)
		counts.want(t, map[string]int{"sent live=true": 2, "delivered": 2, "closed complete": 2})

		server.get(t, "", "Last-Event-ID: "+at(s, 9)) // a 204 is not a stream
		counts.want(t, map[string]int{})
		joined.want(t, map[string]int{
			"opened resumed=false": 2, "opened resumed=true": 1, "rejected": 1, "reset ahead": 1,
			"sent live=false": 7, "sent live=true": 8, "delivered": 8, "heartbeat": 2,
			"closed client_gone": 1, "closed complete": 2,
		})
		for _, d := range counts.delays {
			if d != 0 { // the bubble's clock stands still
				t.Errorf("delivered after %v", d)
			}
		}
	})
}

func TestTheTimeToDeliveryIsMeasuredToTheEndOfTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		var counts tally
		server := servePipe(t, log, &streamer.Options{Trace: counts.trace()}, nil)
		client := server.raw(t, "")
		readUntil(t, client, "retry: ")
		readUntil(t, client, "\n\n")
		put(t, s, 1)
		time.Sleep(3 * time.Second)
		readUntil(t, client, "\n\n")
		synctest.Wait()
		counts.mu.Lock()
		defer counts.mu.Unlock()
		if len(counts.delays) != 1 || counts.delays[0] != 3*time.Second {
			t.Errorf("delivered after %v", counts.delays)
		}
	})
}

func TestTheTraceCountsEveryByte(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	if _, err := s.Append(t.Context(), big(200<<10)); err != nil {
		t.Fatal(err)
	}
	seal(t, s)
	counts := &tally{}
	body := record(t, streamer.New(log, &streamer.Options{Trace: counts.trace()}), "control=true")
	if counts.counts["bytes"] != len(body) {
		t.Errorf("the trace counted %d bytes of %d", counts.counts["bytes"], len(body))
	}
}

// brokenStore fails to read when the test says so.
type brokenStore struct {
	store.Store
	broken chan struct{}
}

var errBroken = errors.New("the disk is gone")

func (s brokenStore) View(ctx context.Context, fn func(store.Reader) error) error {
	select {
	case <-s.broken:
		return errBroken
	default:
		return s.Store.View(ctx, fn)
	}
}

func TestALogThatCannotBeReadEndsTheStreamAndIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := brokenStore{eventlogtest.NewStore(), make(chan struct{})}
		log := logOn(t, store, &eventlog.Options{TailBytes: 1}) // nothing comes from memory
		s := start(t, log)
		var counts tally
		var output strings.Builder
		server := servePipe(t, log, &streamer.Options{
			PollInterval: time.Hour, Trace: counts.trace(), Logger: slog.New(slog.NewTextHandler(&output, nil)),
		}, nil)
		r := server.open(t, "")
		synctest.Wait()
		close(store.broken)
		put(t, s, 2)
		r.wantEnd()
		counts.want(t, map[string]int{"opened resumed=false": 1, "closed error": 1})
		if text := output.String(); !strings.Contains(text, errBroken.Error()) || !strings.Contains(text, s.ID().String()) {
			t.Errorf("logged %q", text)
		}
	})
}

// A handler that panics, here in a hook of its trace, still ends its stream.
func TestAPanicFreesThePlace(t *testing.T) {
	log := newLog(t)
	start(t, log)
	var counts tally
	trace := counts.trace()
	trace.Reset = func(string) { panic("in a hook") }
	streams := streamer.New(log, &streamer.Options{MaxStreams: 1, Trace: trace})
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			record(t, streams, "last_event_id=x")
		}()
	}
	if counts.active != 0 || counts.counts["closed error"] != 3 || counts.counts["rejected"] != 0 {
		t.Errorf("counted %v, active %d", counts.counts, counts.active)
	}
}
