package streamer_test

import (
	"path/filepath"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/internal/natstest"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// newClusterLog returns a log on a replica of its own.
func newClusterLog(t *testing.T, engine *natstest.Server) *eventlog.Log {
	t.Helper()
	o := &clusterstore.Options{Wait: 3 * time.Second}
	store, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), engine.URL, "log", o)
	if err != nil {
		t.Fatal(err)
	}
	return logOn(t, store, nil)
}

// A client comes to another replica with what it has just seen at the first one. Whether that
// replica knows it by then is chance, so this is done often.
func TestACursorOfAnotherReplicaIsNeverReset(t *testing.T) {
	engine := natstest.Start(t)
	here, there := newClusterLog(t, engine), newClusterLog(t, engine)
	other := serve(t, there, wakeUps)
	for range 60 {
		s := start(t, here)
		put(t, s, 2)
		r := other.resume(t, "session="+s.ID().String(), at(s, 2))
		put(t, s, 1)
		r.wantEvents(at(s, 2), 1)
		r.close()
	}
}

// While the engine is away, a replica can neither honour a cursor that it does not know nor
// say that it means nothing. Any status other than 200 would stop a browser for good.
func TestACursorThatCannotBeJudgedComesBackLater(t *testing.T) {
	engine := natstest.Start(t)
	log := newClusterLog(t, engine)
	server := serve(t, log, wakeUps)
	s := start(t, log)
	put(t, s, 2)
	open := server.open(t, "")
	open.wantEvents(at(s, 0), 2)
	engine.Stop()
	known := server.resume(t, "", at(s, 1)) // the control
	known.wantEvents(at(s, 1), 1)
	ahead := server.resume(t, "", at(s, 3))
	ahead.want(": the log does not answer, come back later\n\n")
	ahead.wantEnd()
	engine.Continue()
	put(t, s, 1)
	open.wantEvents(at(s, 2), 1)
	known.wantEvents(at(s, 2), 1)
	again := server.resume(t, "", at(s, 9))
	again.want(reset("ahead", at(s, 9)))
}
