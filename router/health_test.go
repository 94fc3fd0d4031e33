package router_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
	"jrweb/router"
	"jrweb/streamer"
)

func TestAServerThatWorksIsAliveAndReady(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := s.get(path).is(200).has("Cache-Control", "no-store"); a.body != "ok\n" {
			t.Errorf("%s says %q", path, a.body)
		}
	}
}

// clustered is a store that says what the test says.
type clustered struct {
	store.Store
	weak []store.Weakness
}

func (c *clustered) Cluster() store.Cluster { return store.Cluster{Servers: 3, Weaknesses: c.weak} }

func TestReadinessTellsWhatAClusterPromises(t *testing.T) {
	s := &clustered{Store: eventlogtest.NewStore()}
	h, log := handler(t, s)
	defer log.Close()
	says := func(want ...string) {
		t.Helper()
		w := handle(h, request("GET", "/readyz", nil))
		if got := strings.Join(want, "\n") + "\n"; w.Code != 200 || w.Body.String() != got {
			t.Errorf("ready is answered %d, %q, not %q", w.Code, w.Body, got)
		}
	}
	says("ok", "cluster: what is acknowledged is on the disks of most of 3 servers")
	s.weak = []store.Weakness{store.FewServers, store.LateSync}
	says("ok", "cluster: weak, few_servers: "+store.FewServers.Text(), "cluster: weak, late_sync: "+store.LateSync.Text())
}

// handler is a router without a server around it, for tests of time.
func handler(t *testing.T, store store.Store) (http.Handler, *eventlog.Log) {
	t.Helper()
	log, err := eventlog.New(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return h, log
}

func TestReadinessIsAWriteAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countedStore{Store: eventlogtest.NewStore()}
		h, log := handler(t, store)
		defer log.Close()
		before := store.updates.Load()
		ask := func(wantStatus int, wantWrites int64) {
			t.Helper()
			for range 3 {
				if w := handle(h, request("GET", "/readyz", nil)); w.Code != wantStatus {
					t.Errorf("ready is answered %d, not %d: %s", w.Code, wantStatus, w.Body)
				}
			}
			if n := store.updates.Load() - before; n != wantWrites {
				t.Errorf("there were %d writes, not %d", n, wantWrites)
			}
		}
		ask(200, 1)
		time.Sleep(999 * time.Millisecond)
		ask(200, 1)
		time.Sleep(time.Millisecond)
		ask(200, 2)

		store.broken.Store(true)
		ask(200, 2) // nobody knows yet
		time.Sleep(time.Second)
		ask(503, 3)
		store.broken.Store(false)
		time.Sleep(time.Hour)
		ask(503, 3) // it never recovers
		if w := handle(h, request("GET", "/healthz", nil)); w.Code != 200 {
			t.Errorf("alive is answered %d", w.Code)
		}
	})
}

// A log that commits is not enough where more is needed. While it is not known whether that is
// lacking, the server is not ready, and says so within a second.
func TestWhatIsLackingMakesTheServerNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, err := eventlog.New(eventlogtest.NewStore(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		var lacks error
		var hangs chan struct{}
		var calls atomic.Int32
		h, err := router.New(log, nil, &router.Options{Lacks: func() error {
			calls.Add(1)
			if hangs != nil {
				<-hangs
			}
			return lacks
		}})
		if err != nil {
			t.Fatal(err)
		}
		is := func(status int, says string) {
			t.Helper()
			began := time.Now()
			w := handle(h, request("GET", "/readyz", nil))
			if took := time.Since(began); w.Code != status || !strings.Contains(w.Body.String(), says) || took > time.Second {
				t.Errorf("%d after %s: %s", w.Code, took, w.Body)
			}
		}
		is(200, "ok")
		lacks = errors.New("two of three parts")
		is(503, lacks.Error())
		lacks, hangs = nil, make(chan struct{})
		calls.Store(0)
		is(503, "longer than a second")
		is(503, "longer than a second")
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls hang", n)
		}
		close(hangs)
		synctest.Wait()
		is(200, "ok")
	})
}

func TestAFailedAppendMakesTheLogNotReadyAtOnce(t *testing.T) {
	s := serve(t)
	s.get("/readyz").is(200)
	s.store.broken.Store(true)
	s.post("/tasks/t-1/events", say("x")).problem(503, "")
	s.get("/readyz").problem(503, "").says("problem:storage_failed")
	s.do("HEAD", "/readyz", nil).is(503)
}

// hanging is a store whose Updates hang until they are released.
type hanging struct {
	store.Store
	release chan struct{} // nil: they do not hang
}

func (s *hanging) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.release != nil {
		<-s.release
	}
	return s.Store.Update(ctx, fn)
}

func TestADiskThatHangsIsNotReadyWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{Store: eventlogtest.NewStore()}
		h, log := handler(t, store)
		defer log.Close()
		store.release = make(chan struct{})
		start := time.Now()
		if w := handle(h, request("GET", "/readyz", nil)); w.Code != 503 {
			t.Errorf("ready is answered %d: %s", w.Code, w.Body)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the answer took %s", took)
		}
		close(store.release)
		synctest.Wait()
		if w := handle(h, request("GET", "/readyz", nil)); w.Code != 200 {
			t.Errorf("with the disk back, ready is answered %d: %s", w.Code, w.Body)
		}
	})
}

func TestALogThatIsClosedIsNotReady(t *testing.T) {
	h, log := handler(t, eventlogtest.NewStore())
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/readyz", "/tasks", "/tasks/t-1/events/stream"} {
		if w := handle(h, request("GET", path, nil)); w.Code != 503 {
			t.Errorf("GET %s is answered %d: %s", path, w.Code, w.Body)
		}
	}
}

func TestARequestThatIsGivenUpIsNeverAnswered200(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{Store: eventlogtest.NewStore()}
		h, log := handler(t, store)
		defer log.Close()
		store.release = make(chan struct{})
		go handle(h, request("PUT", "/tasks/first", nil)) // all later requests wait behind it
		synctest.Wait()

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, ctx := range []context.Context{ended, late} {
			for _, r := range []*http.Request{
				request("POST", "/tasks/t-1/events", []byte(say("x"))),
				request("POST", "/tasks/t-1/sessions", nil),
				request("PUT", "/tasks/t-1", nil),
			} {
				if w := handle(h, r.WithContext(ctx)); w.Code != 503 || w.Body.Len() == 0 {
					t.Errorf("%s %s is answered %d %q", r.Method, r.URL, w.Code, w.Body)
				}
			}
		}
		for _, path := range []string{"/tasks", "/stream", "/"} {
			if w := handle(h, request("GET", path, nil).WithContext(ended)); w.Code != 503 || w.Body.Len() == 0 {
				t.Errorf("GET %s is answered %d %q", path, w.Code, w.Body)
			}
		}
		close(store.release)
		synctest.Wait()
		if w := handle(h, request("GET", "/tasks", nil)); !strings.Contains(w.Body.String(), `"id":"first"`) || strings.Contains(w.Body.String(), `"id":"t-1"`) {
			t.Errorf("a request that was given up has made its task: %s", w.Body)
		}
	})
}
