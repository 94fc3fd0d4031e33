package router_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
	"jrweb/router"
	"jrweb/streamer"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// lagging is a replica that gets one more commit after hold, and then nothing until its log asks
// the writer something.
type lagging struct {
	store.NotifyingStore
	gate atomic.Pointer[context.Context] // ends when it hears again
	open context.CancelFunc
}

func (l *lagging) hold() {
	gate, open := context.WithCancel(context.Background())
	l.open = open
	l.gate.Store(&gate)
}

// Notify implements [store.NotifyingStore].
func (l *lagging) Notify(ctx context.Context, begin func(store.Reader) error, heard func(store.Commit), failed func(error)) error {
	return l.NotifyingStore.Notify(ctx, begin, func(c store.Commit) {
		heard(c)
		if gate := l.gate.Load(); gate != nil {
			<-(*gate).Done()
		}
	}, failed)
}

// Hand implements [store.NotifyingStore].
func (l *lagging) Hand(ctx context.Context, change []byte, repeat bool) ([]byte, error) {
	if l.gate.Load() != nil {
		l.open()
	}
	return l.NotifyingStore.Hand(ctx, change, repeat)
}

// newReplica returns a replica of a cluster.
func newReplica(t *testing.T, engine *natstest.Server) *lagging {
	t.Helper()
	s, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), engine.URL, "log", nil)
	if err != nil {
		t.Fatal(err)
	}
	return &lagging{NotifyingStore: s}
}

// serveReplica is serve on a replica.
func serveReplica(t *testing.T, replica *lagging) *server {
	t.Helper()
	s := &server{T: t, client: &http.Client{}}
	var err error
	s.log, err = eventlog.New(replica, nil)
	s.ok(err)
	handler, err := router.New(s.log, streamer.New(s.log, nil), nil)
	s.ok(err)
	s.http = httptest.NewServer(handler)
	t.Cleanup(s.close)
	t.Cleanup(func() {
		if replica.open != nil {
			replica.open()
		}
	})
	return s
}

// A page may get an event from one server of a cluster, and ask another one for its image.
func TestAnImageThatAnotherReplicaShowsIsNotDenied(t *testing.T) {
	engine := natstest.Start(t)
	behind := newReplica(t, engine)
	here := serveReplica(t, newReplica(t, engine))
	here.ok(here.log.Probe(t.Context())) // it is the writer
	there := serveReplica(t, behind)
	event, hash := imageEvent("image/png", dot)
	for _, query := range []string{"", "?sequence=3"} {
		session := here.start("t-1")
		path := "/tasks/t-1/sessions/" + session
		here.post(path+"/events", say("a")).is(200)
		there.get(path).is(200)
		there.ok(there.log.CatchUp(t.Context()))
		behind.hold()
		here.post(path+"/events", say("b")).is(200) // where it stops
		here.post(path+"/events", event).is(200)
		there.get(path + "/blobs/" + hash + query).is(200)
		there.get(path+"/blobs/"+hash+"?sequence=4").problem(404, "")
	}
}
