package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// expect fails unless the events are 1, 2, 3 … of one session up to a complete.
type expect struct {
	t    *testing.T
	last uint64
	done bool
}

func (x *expect) event(e client.Event) {
	x.t.Helper()
	if e.Sequence != x.last+1 {
		x.t.Fatalf("event %d follows event %d", e.Sequence, x.last)
	}
	if e.ID != fmt.Sprintf("%s:%d", e.Session, e.Sequence) {
		x.t.Fatalf("event %d has the id %q", e.Sequence, e.ID)
	}
	x.last, x.done = e.Sequence, e.Type == eventlog.TypeComplete
}

func TestFollowMissesAndDoublesNothingWhenConnectionsAreCutAnywhere(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				cuts, pauses := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
				w.cutAfter = func(dial int) int {
					if dial == 1 {
						return 2000 // the answer to the first request must arrive
					}
					return cuts.IntN(4000)
				}
				const events = 200
				w.append("t-1", thought(1))
				go func() {
					for n := 2; n < events; n++ {
						w.append("t-1", thought(n))
						wait(time.Duration(pauses.IntN(60)) * time.Millisecond)
					}
					w.append("t-1", complete())
				}()
				x := &expect{t: t}
				retries := 0
				o := &client.FollowOptions{
					Retrying: func(error, time.Duration) { retries++ },
					Reset:    func(reason string) { t.Errorf("reset: %s", reason) },
				}
				for e, err := range w.client(nil).Follow(t.Context(), "t-1", o) {
					if err != nil {
						t.Fatal(err)
					}
					x.event(e)
				}
				if x.last != events || !x.done {
					t.Errorf("it ended after event %d of %d", x.last, events)
				}
				if retries < 5 {
					t.Errorf("only %d connections were cut: the test shows little", retries)
				}
			})
		})
	}
}

func TestFollowWaitsForAServerThatRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append("t-1", thought(1), thought(2))
		x := &expect{t: t}
		var waits []time.Duration
		o := &client.FollowOptions{Retrying: func(_ error, wait time.Duration) { waits = append(waits, wait) }}
		for e, err := range w.client(nil).Follow(t.Context(), "t-1", o) {
			if err != nil {
				t.Fatal(err)
			}
			x.event(e)
			if e.Sequence == 2 {
				go func() {
					w.stop()
					wait(time.Minute)
					w.start()
					w.append("t-1", thought(3), complete())
				}()
			}
		}
		if x.last != 4 || !x.done {
			t.Errorf("it ended after event %d", x.last)
		}
		if len(waits) < 3 || len(waits) > 10 || waits[0] < time.Second || waits[0] > 3*time.Second || waits[1] < waits[0] {
			t.Errorf("waits %v: want what the server asked for (1–3 s) first, then longer ones", waits)
		}
	})
}

func TestFollowBeginsWithTheFirstSessionOfATask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if _, _, err := w.log.PutTask(t.Context(), "t-1", eventlog.TaskChange{}); err != nil {
			t.Fatal(err)
		}
		go func() {
			wait(time.Hour) // there are only heartbeats
			w.append("t-1", thought(1), complete())
		}()
		x := &expect{t: t}
		for e, err := range w.client(nil).Follow(t.Context(), "t-1", nil) {
			if err != nil {
				t.Fatal(err)
			}
			x.event(e)
		}
		if x.last != 2 || !x.done {
			t.Errorf("it ended after event %d", x.last)
		}
	})
}

func TestFollowGivesUpWhenThereIsNothingToFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.append("t-1", thought(1), complete()).Session
		c := w.client(nil)
		last := func(task string, o *client.FollowOptions) (n int, last error) {
			for _, err := range c.Follow(t.Context(), task, o) {
				if last = err; err == nil {
					n++
				}
			}
			return n, last
		}
		_, err := last("t-2", nil)
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusNotFound {
			t.Errorf("unknown task: %v", err)
		}
		if _, err = last("../t-1", nil); !errors.Is(err, client.ErrTaskID) {
			t.Errorf("not a task id: %v", err)
		}
		if n, err := last("t-1", &client.FollowOptions{Session: first}); n != 2 || err != nil {
			t.Errorf("a sealed session: %d events, %v", n, err)
		}
		w.stop()
		start := time.Now()
		if _, err = last("t-1", nil); err == nil || time.Since(start) > time.Second {
			t.Errorf("no server: %v after %v, want an error at once", err, time.Since(start))
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append("t-1", thought(1))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var err error
		for _, err = range w.client(nil).Follow(ctx, "t-1", nil) {
			time.AfterFunc(time.Minute, cancel)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	})
}

// A caller that has stopped gets nothing more, even when the context ends at the same time.
func TestFollowYieldsNothingToWhoHasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append("t-1", thought(1), thought(2))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := 0
		for _, err := range w.client(nil).Follow(ctx, "t-1", nil) {
			if err != nil {
				t.Fatal(err)
			}
			events++
			cancel()
			break
		}
		if events != 1 {
			t.Errorf("%d events were yielded", events)
		}
	})
}

// After a deletion the cursor can no longer be used: the server says so, and replays what
// exists.
func TestFollowTellsOfAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		doomed := w.append("t-1", thought(1), thought(2)).Session
		var resets []string
		var got []string
		o := &client.FollowOptions{Reset: func(reason string) { resets = append(resets, reason) }}
		for e, err := range w.client(nil).Follow(t.Context(), "t-1", o) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(e.Data))
			if len(got) == 2 {
				if err := w.log.DeleteSession(t.Context(), "t-1", doomed); err != nil {
					t.Fatal(err)
				}
				w.append("t-1", thought(10), complete())
			}
		}
		if fmt.Sprint(resets) != "[unknown]" || !strings.Contains(strings.Join(got[2:], ""), `"10"`) || len(got) != 4 {
			t.Errorf("resets %q, events %q", resets, got)
		}
	})
}

func TestFollowHearsOfAGapAndIgnoresWhatItDoesNotKnow(t *testing.T) {
	stream := "retry: 1000\n\nevent: gap\ndata: {\"session\":\"S\",\"after\":0,\"next\":5}\n\n: heartbeat\n\nevent: new_kind\ndata: x\n\n" +
		"id: S:5\ndata: {\"sequence\":5,\"type\":\"complete\",\"data\":{}}\n\n"
	c := answering(t, http.StatusOK, "text/event-stream; charset=utf-8", stream)
	var gap []uint64
	n := 0
	for e, err := range c.Follow(t.Context(), "t-1", &client.FollowOptions{Gap: func(after, next uint64) { gap = []uint64{after, next} }}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; string(e.Envelope) != `{"sequence":5,"type":"complete","data":{}}` {
			t.Errorf("envelope %s", e.Envelope)
		}
	}
	if n != 1 || fmt.Sprint(gap) != "[0 5]" {
		t.Errorf("%d events, gap %v", n, gap)
	}
}

func TestFollowRefusesWhatIsNoStreamOfEvents(t *testing.T) {
	for name, c := range map[string]*client.Client{
		"a page":       answering(t, http.StatusOK, "text/html", "<p>hello"),
		"not an event": answering(t, http.StatusOK, "text/event-stream", "data: hello\n\n"),
	} {
		n, last := 0, error(nil)
		for _, err := range c.Follow(t.Context(), "t-1", nil) {
			n, last = n+1, err
		}
		if n != 1 || last == nil {
			t.Errorf("%s: %d values, the last with error %v", name, n, last)
		}
	}
}
