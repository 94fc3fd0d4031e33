package streamer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/streamer"
)

// closing returns a trace that sends the reasons why streams end.
func closing() (*streamer.Trace, <-chan streamer.Reason) {
	closed := make(chan streamer.Reason, 100)
	return &streamer.Trace{Closed: func(r streamer.Reason) { closed <- r }}, closed
}

// big is an event of about n bytes.
func big(n int) eventlog.Event {
	return eventlog.Event{Type: "assistant", Data: []byte(`{"content":"` + strings.Repeat("x", n) + `"}`)}
}

func TestAClientThatTakesNothingIsCut(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			trace, closed := closing()
			// A pipe would not even take a heartbeat from a client that is not reading.
			server := servePipe(t, log, &streamer.Options{Trace: trace, Heartbeat: time.Hour}, setup)
			stalled := server.open(t, "")
			time.Sleep(time.Minute) // an idle client must not be cut
			synctest.Wait()
			if len(closed) > 0 {
				t.Fatalf("an idle client is cut: %v", <-closed)
			}
			for range 5 {
				if _, err := s.Append(t.Context(), big(100<<10)); err != nil {
					t.Fatal(err)
				}
			}
			begin := time.Now()
			if reason := <-closed; reason != streamer.WriteTimeout {
				t.Errorf("reason %q", reason)
			}
			if took := time.Since(begin); took != 10*time.Second {
				t.Errorf("cut after %v", took)
			}
			for err := error(nil); err == nil; {
				_, err = stalled.sse.next()
			}
			server.resume(t, "", at(s, 2)).wantEvents(at(s, 2), 3) // it comes back and loses nothing
		})
	}
}

// An idle client that vanished takes heartbeats until the kernel's buffer is full. A pipe
// has no buffer.
func TestAClientThatTakesNoHeartbeatIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		start(t, log)
		trace, closed := closing()
		server := servePipe(t, log, &streamer.Options{Trace: trace}, nil)
		c := server.raw(t, "")
		readUntil(t, c, "retry: ")
		begin := time.Now()
		if reason := <-closed; reason != streamer.WriteTimeout {
			t.Errorf("reason %q", reason)
		}
		if took := time.Since(begin); took > 25*time.Second {
			t.Errorf("cut after %v", took)
		}
	})
}

// raw is a client that reads only what the test reads.
func (s *pipeServer) raw(t *testing.T, query string) net.Conn {
	t.Helper()
	c, err := s.pipes.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET /tasks/%s/events/stream?%s HTTP/1.1\r\nHost: x\r\n\r\n", task, query)
	return c
}

// readUntil reads until text has come.
func readUntil(t *testing.T, c io.Reader, text string) {
	t.Helper()
	var got []byte
	for one := make([]byte, 1); !bytes.Contains(got, []byte(text)); got = append(got, one...) {
		if _, err := c.Read(one); err != nil {
			t.Fatalf("%v after %q", err, got)
		}
	}
}

func TestASlowClientGetsAnEventOf4MiB(t *testing.T) {
	const size = 4<<20 - 100
	for name, c := range map[string]struct {
		pause time.Duration
		ends  streamer.Reason
	}{
		"64 KiB every 8 s are enough":        {8 * time.Second, streamer.Complete},
		"64 KiB every 12 s are not, control": {12 * time.Second, streamer.WriteTimeout},
	} {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			if _, err := s.Append(t.Context(), big(size)); err != nil {
				t.Fatal(err)
			}
			seal(t, s)
			trace, closed := closing()
			server := servePipe(t, log, &streamer.Options{Trace: trace}, nil)
			body := server.get(t, "").Body
			begin := time.Now()
			var got bytes.Buffer
			for {
				time.Sleep(c.pause)
				if _, err := io.CopyN(&got, body, 64<<10); err != nil {
					break
				}
			}
			if reason := <-closed; reason != c.ends {
				t.Errorf("reason %q after %v and %d bytes", reason, time.Since(begin), got.Len())
			}
			if c.ends == streamer.Complete {
				r := &reader{t: t, sse: newSSEReader(&got)}
				r.wantRetry(1000, 3000)
				r.wantEvents(at(s, 0), 2)
				r.wantEnd()
			}
		})
	}
}

// TestAStalledReaderPinsNothing appends 5,000 events beside a client that reads nothing.
// The bubble's time stands still while the log commits, so the client stalls all the time,
// and any wait for it would move the clock.
func TestAStalledReaderPinsNothing(t *testing.T) {
	const appends = 5000
	bubble(t, "it holds no state of the file, appends and other streams go on, and it is cut", func(t *testing.T) {
		log := openBolt(t)
		s := start(t, log)
		put(t, s, 5000) // more than the client's first write
		trace, closed := closing()
		server := servePipe(t, log, &streamer.Options{Trace: trace}, nil)
		readUntil(t, server.raw(t, ""), "retry: ") // and no more
		synctest.Wait()
		if n := log.Stats().Store.Views; n != 0 {
			t.Fatalf("%d read transactions are open while a client stalls", n)
		}
		other := server.resume(t, "", at(s, 5000))
		begin := time.Now()
		appendMany(t, s, appends)
		other.wantEvents(at(s, 5000), appends)
		synctest.Wait()
		if took := time.Since(begin); took != 0 || len(closed) > 0 {
			t.Errorf("beside a stalled reader, the clock moved by %v; %d streams closed", took, len(closed))
		}
		if n := log.Stats().Store.Views; n != 0 {
			t.Errorf("%d read transactions are open", n)
		}
		if reason := <-closed; reason != streamer.WriteTimeout || time.Since(begin) != 10*time.Second {
			t.Errorf("the stalled reader ended by %q after %v", reason, time.Since(begin))
		}
	})
	bubble(t, "a read transaction that is held is counted, control", func(t *testing.T) {
		db, err := filestore.Open(filepath.Join(t.TempDir(), "jr.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		log := logOn(t, db, nil)
		s := start(t, log)
		put(t, s, 5000)
		release, held := make(chan struct{}), make(chan struct{})
		var view sync.WaitGroup
		view.Go(func() {
			err := db.View(t.Context(), func(store.Reader) error { close(held); <-release; return nil })
			if err != nil {
				t.Error(err)
			}
		})
		<-held
		appendMany(t, s, appends)
		if n := log.Stats().Store.Views; n != 1 {
			t.Errorf("%d read transactions are counted, not 1", n)
		}
		close(release)
		view.Wait()
	})
}

// openBolt returns a log on a file.
func openBolt(t *testing.T) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(filepath.Join(t.TempDir(), "jr.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

// appendMany appends n events one by one, from several writers.
func appendMany(t *testing.T, s *eventlog.Session, n int) {
	t.Helper()
	const writers = 20
	var appending sync.WaitGroup
	for range writers {
		appending.Go(func() {
			for range n / writers {
				put(t, s, 1)
			}
		})
	}
	appending.Wait()
}

// Real sockets: their kernel buffers must be full before a write blocks.
func TestAClientThatTakesNothingIsCutOnARealSocket(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	for range 6 {
		if _, err := s.Append(t.Context(), big(1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	trace, closed := closing()
	wrote := 0
	trace.Wrote = func(n int) { wrote += n } // read after closed
	server := serve(t, log, &streamer.Options{Trace: trace, WriteTimeout: 300 * time.Millisecond})
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", server.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /tasks/%s/events/stream HTTP/1.1\r\nHost: x\r\n\r\n", task)
	if reason := <-closed; reason != streamer.WriteTimeout {
		t.Errorf("reason %q", reason)
	}
	if wrote == 0 || wrote > 2<<20 {
		t.Errorf("a client that reads nothing made the kernel hold %d bytes", wrote)
	}
}

func TestAtTheLimitAClientIsSentAwayForAWhile(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	rejected := make(chan struct{}, 10)
	opened := make(chan struct{}, 10)
	trace, closed := closing()
	trace.Rejected = func() { rejected <- struct{}{} }
	trace.Opened = func(bool) { opened <- struct{}{} }
	server := serve(t, log, &streamer.Options{MaxStreams: 2, Trace: trace})
	first := server.open(t, "")
	tasks := newReader(t, server.request(t, "GET", "/stream")) // lists count as well
	for _, path := range []string{"/tasks/" + task + "/events/stream", "/stream"} {
		res := server.request(t, "GET", path)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}
		r := &reader{t: t, sse: newSSEReader(res.Body)}
		r.wantRetry(5000, 10_000)
		if f := r.next(); f.comment == "" {
			t.Errorf("%q is no comment", f.raw)
		}
		r.wantEnd()
	}
	<-rejected
	if len(rejected) != 0 || len(opened) != 1 {
		t.Errorf("the trace heard of %d more rejections and %d streams", len(rejected), len(opened))
	}
	if res := server.request(t, "HEAD", "/tasks/"+task+"/events/stream"); res.StatusCode != 200 || len(rejected) > 0 {
		t.Errorf("HEAD takes no place: %s", res.Status)
	}
	seal(t, s)
	first.wantEvents(at(s, 0), 1)
	first.wantEnd()
	if reason := <-closed; reason != streamer.Complete {
		t.Errorf("reason %q", reason)
	}
	// The place is free: the stream has ended, and the stream of tasks goes on.
	server.open(t, "session="+s.ID().String()).wantEvents(at(s, 0), 1)
	tasks.next()
}

// startBig starts a session with one event of a size and its end.
func startBig(t *testing.T, log *eventlog.Log, size int) *eventlog.Session {
	t.Helper()
	s := start(t, log)
	if _, err := s.Append(t.Context(), big(size)); err != nil {
		t.Fatal(err)
	}
	seal(t, s)
	return s
}
