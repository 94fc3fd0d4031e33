package streamer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"jrweb/eventlog"
	"jrweb/streamer"
)

func TestABurstArrivesWhole(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	r := serve(t, log, wakeUps).open(t, "")
	sent := 0
	for _, n := range []int{1, 2, 1000, 1001, 3, 5000, 1} {
		put(t, s, n)
		r.wantEvents(at(s, uint64(sent)), n)
		sent += n
	}
}

// TestJoinsAtAnyTimeSeeEveryEventOnce lets readers join at any cursor while
// events are appended in batches of any size. The seed of a failure is printed.
func TestJoinsAtAnyTimeSeeEveryEventOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 20 {
		log := newLog(t)
		s := start(t, log)
		server := serve(t, log, wakeUps)
		batches := make([]int, 30)
		joins := map[int]uint64{} // batch → cursor of the reader that joins during it
		total := 0
		for i := range batches {
			batches[i] = 1 + random.IntN(40)
			if total > 0 && random.IntN(3) == 0 {
				joins[i] = random.Uint64N(uint64(total))
			}
			total += batches[i]
		}
		var readers sync.WaitGroup
		for i, n := range batches {
			if after, joined := joins[i]; joined {
				readers.Go(func() {
					checkToTheEnd(t, server, at(s, after), total+1)
				})
			}
			put(t, s, n)
		}
		seal(t, s)
		readers.Wait()
	}
}

// checkToTheEnd reads a stream after a cursor to its end, which must be the complete event
// with this sequence. It may run beside the test.
func checkToTheEnd(t *testing.T, server *server, cursor string, head int) {
	c, err := eventlog.ParseCursor(cursor)
	if err != nil {
		t.Error(err)
		return
	}
	w := follower{c}
	if err := w.connect(t.Context(), server, nil); err != nil {
		t.Errorf("after %s: %v", cursor, err)
	}
	if w.at.Sequence != uint64(head) {
		t.Errorf("after %s: ended at %d, not %d", cursor, w.at.Sequence, head)
	}
}

// errCut is a connection that was cut.
var errCut = errors.New("the connection was cut")

// connect resumes after the follower's cursor and reads the stream. A nil error means that
// the response ended normally, after complete. limit, if it is not nil, cuts the connection
// after this many bytes.
func (w *follower) connect(ctx context.Context, server *server, limit *int64) error {
	r, err := http.NewRequestWithContext(ctx, "GET", server.url+"/tasks/"+task+"/events/stream", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Last-Event-ID", w.at.String())
	res, err := server.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNoContent {
		return nil
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	body := io.Reader(res.Body)
	if limit != nil {
		body = io.LimitReader(body, *limit)
	}
	sse := newSSEReader(body)
	for last := (frame{}); ; {
		f, err := sse.next()
		switch {
		case errors.Is(err, io.EOF) && last.event == "complete":
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errCut
		case err != nil:
			return err
		case f.isEvent():
			if err := w.take(f); err != nil {
				return err
			}
		}
		last = f
	}
}

func TestTheLastEventsTogetherWithTheEndAreNeverLost(t *testing.T) {
	log := newLog(t)
	server := serve(t, log, wakeUps)
	for range 1000 {
		s := start(t, log)
		r := server.open(t, "session="+s.ID().String())
		batch := append(statuses(2), eventlog.Event{Type: "complete", Data: []byte(`{}`)})
		if _, err := s.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
		if f := r.wantEvents(at(s, 0), 3); f.event != "complete" {
			t.Fatalf("last event is %q", f.event)
		}
		r.wantEnd()
		r.close()
	}
}

func TestAfterARestartAStreamResumesBeforeAnythingIsAppended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	open := func() *eventlog.Log {
		log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
		if err != nil {
			t.Fatal(err)
		}
		return log
	}
	log := open()
	s := start(t, log)
	put(t, s, 10)
	server := serve(t, log, wakeUps)
	r := server.open(t, "")
	r.wantEvents(at(s, 0), 10)
	server.streams.Shutdown()
	r.wantRetry(1000, 3000)
	r.wantEnd()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}

	log = open()
	defer log.Close()
	server = serve(t, log, wakeUps)
	behind, current := server.resume(t, "", at(s, 7)), server.resume(t, "", at(s, 10))
	behind.wantEvents(at(s, 7), 3)
	s = log.Session(task, s.ID())
	put(t, s, 1)
	seal(t, s)
	for _, r := range []*reader{behind, current} {
		r.wantEvents(at(s, 10), 2)
		r.wantEnd()
	}
	server.streams.Shutdown() // before the log is closed
}

func TestAHundredThousandEventsInOneConnection(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	for range 10 {
		put(t, s, 10_000)
	}
	seal(t, s)
	server := serve(t, log, wakeUps)
	checkToTheEnd(t, server, at(s, 0), 100_001)
}

// TestConnectionsCutAtAnyByteResumeExactly cuts a client's connections while events are
// appended, and after the last one.
func TestConnectionsCutAtAnyByteResumeExactly(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	log := newLog(t)
	s := start(t, log)
	server := serve(t, log, wakeUps)
	var writer sync.WaitGroup
	writer.Go(func() {
		for range 300 {
			put(t, s, 5)
		}
		seal(t, s)
	})
	w := follower{eventlog.Cursor{Session: s.ID()}}
	cuts := 0
	for {
		limit := random.Int64N(4000)
		err := w.connect(t.Context(), server, &limit)
		if err == nil {
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		cuts++
	}
	writer.Wait()
	if w.at.Sequence != 1501 || cuts < 10 {
		t.Errorf("ended at %v after %d cuts", w.at, cuts)
	}
}

// The server ends at any moment, without a proper shutdown.
func TestServersCutAtAnyByteResumeExactly(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	log := newLog(t)
	s := start(t, log)
	put(t, s, 500)
	seal(t, s)
	streams := streamer.New(log, nil)
	h := httptest.NewUnstartedServer(routes(streams))
	h.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return streams.ConnContext(ctx, c) }
	h.Listener = cutListener{h.Listener, func() int64 { return 300 + random.Int64N(10_000) }}
	h.Start()
	defer h.Close()
	server := &server{streams: streams, client: h.Client(), url: h.URL}
	w := follower{eventlog.Cursor{Session: s.ID()}}
	cuts := 0
	for cuts < 10_000 {
		if err := w.connect(t.Context(), server, nil); err == nil {
			break
		} else if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		cuts++
	}
	if w.at.Sequence != 501 || cuts == 0 {
		t.Errorf("ended at %v after %d cuts", w.at, cuts)
	}
}

// cutListener makes connections that break after a number of written bytes.
type cutListener struct {
	net.Listener
	limit func() int64
}

func (l cutListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: c, left: l.limit()}, nil
}

type cutConn struct {
	net.Conn
	left int64 // net/http writes a response from one goroutine at a time
}

func (c *cutConn) Write(p []byte) (int, error) {
	if int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:c.left])
	c.left = 0
	return n, errors.Join(err, c.Close(), fmt.Errorf("write: %w", errCut))
}
