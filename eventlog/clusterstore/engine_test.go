package clusterstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// impatient gives up while a server stands still.
var impatient = &clusterstore.Options{Wait: time.Second / 2}

func TestWhileTheEngineStandsStillUpdatesFailAndViewsGoOn(t *testing.T) {
	server := natstest.Start(t)
	r := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), server.URL, impatient)
	other := newReplica(t, server.URL)
	r.ok(r.put(t.Context(), "before"))
	server.Stop()
	for n := range 3 {
		if err := r.put(t.Context(), fmt.Sprintf("away %d", n)); !errors.Is(err, store.ErrUnsettled) {
			t.Errorf("an Update without an answer returned %v", err)
		}
	}
	wantEqual(t, "keys that are shown", fmt.Sprint(r.keys()), "[before]")
	server.Continue()
	other.ok(other.put(t.Context(), "of another"))
	r.ok(retry(t, func() error { return r.put(t.Context(), "after") }))
	wantSame(t, r, other)
	keys := r.keys()
	for _, key := range []string{"after", "before", "of another"} {
		if !slices.Contains(keys, key) {
			t.Errorf("%q was acknowledged, and is not there", key)
		}
	}
	// Each of them waited for the same position.
	if n := len(keys) - 3; n > 1 {
		t.Errorf("%d of the changes that got no answer are there", n)
	}
}

// retry makes a change until the engine answers: an Update that was begun a moment too early
// waits without success.
func retry(t *testing.T, do func() error) error {
	for began := time.Now(); ; {
		err := do()
		if err == nil || time.Since(began) > patience || !errors.Is(err, store.ErrUnsettled) && !errors.Is(err, store.ErrNotCommitted) {
			return err
		}
	}
}

// What waits when the engine goes away is made when it is back, once.
func TestAnUpdateWaitsForTheEngine(t *testing.T) {
	for name, away := range map[string]func(*natstest.Server) (back func()){
		"it stands still": func(s *natstest.Server) func() { s.Stop(); return s.Continue },
		"it is killed":    func(s *natstest.Server) func() { s.Kill(); return s.Restart },
	} {
		t.Run(name, func(t *testing.T) {
			server := natstest.Start(t)
			o := &clusterstore.Options{Wait: patience}
			r := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), server.URL, o)
			other := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), server.URL, o)
			r.ok(r.add(t.Context(), "all", 'a'))
			heard := make(chan struct{})
			other.ok(other.Notify(t.Context(), func(store.Reader) error { return nil }, func(c store.Commit) {
				for op := range c.Ops {
					if string(op.Key) == "all" && len(op.Value) == 3 {
						close(heard)
					}
				}
			}, nil))
			back := away(server)
			begun, done := make(chan struct{}), make(chan error)
			go func() {
				first := true
				done <- r.Update(t.Context(), func(tx store.Tx) error {
					if first {
						first = false
						close(begun)
					}
					tx.Put(store.Tasks, []byte("all"), append([]byte(nil), append(tx.Get(store.Tasks, []byte("all")), 'b')...))
					return nil
				})
			}()
			<-begun
			wantEqual(t, "what is shown meanwhile", r.get("all"), "a")
			back()
			r.ok(<-done)
			wantEqual(t, "what is shown then", r.get("all"), "ab")
			r.ok(r.add(t.Context(), "all", 'c'))
			wait(t, "what was committed", heard)
			wantSame(t, r, other)
			wantEqual(t, "what the other one has", other.get("all"), "abc")
		})
	}
}

// A log says that it does not know, goes on, and the key of the append settles it.
func TestALogOutlivesAnEngineThatWasAway(t *testing.T) {
	server := natstest.Start(t)
	l := logOn(t, openReplica(t, filepath.Join(t.TempDir(), "jr.db"), server.URL, impatient), nil)
	other := newLog(t, server.URL, nil)
	s := l.start("t-1", nil)
	l.append(s, "before")
	batch := &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{says("once")}, Key: eventlog.Key{ID: "k"}}
	reading := make(chan error)
	var seen []string
	go func() {
		var err error
		seen, err = follow(l, s)
		reading <- err
	}()
	server.Stop()
	for range 2 {
		if _, err := l.Append(t.Context(), batch); !errors.Is(err, eventlog.ErrUnsettled) {
			t.Errorf("an append without an answer returned %v", err)
		}
	}
	if err := l.Probe(t.Context()); err == nil {
		t.Error("the log says that it commits")
	}
	wantEqual(t, "what is shown meanwhile", fmt.Sprint(l.contents(s)), "[before]")
	if _, err := l.Task(t.Context(), "t-2"); err == nil || errors.Is(err, eventlog.ErrTaskNotFound) {
		t.Errorf("a task that may be there is denied: %v", err)
	}
	server.Continue()
	l.ok(retry(t, func() error { return err2(l.Append(t.Context(), batch)) }))
	l.ok(retry(t, func() error { return l.here(s).Complete(t.Context(), eventlog.Succeeded, "") }))
	l.ok(<-reading)
	const want = "[before once succeeded]"
	wantEqual(t, "what a reader saw", fmt.Sprint(seen), want)
	other.ok(other.CatchUp(t.Context()))
	wantEqual(t, "what the other log has", fmt.Sprint(other.contents(s)), want)
	wantEqual(t, "the log's end", l.Err(), nil)
}

// Of three servers the one that leads the stream dies, and nothing that was acknowledged is
// lost. With one left nothing is acknowledged, until another one is back.
func TestAClusterOutlivesItsServers(t *testing.T) {
	servers, url := natstest.StartCluster(t, 3)
	o := &clusterstore.Options{Replicas: 3, Wait: 2 * time.Minute} // elections take seconds
	replicas := []*replica{
		openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, o),
		openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, o),
	}
	var want []string
	put := func() {
		t.Helper()
		for _, r := range replicas {
			key := fmt.Sprintf("%03d", len(want))
			r.ok(r.put(t.Context(), key))
			want = append(want, key)
		}
	}
	rounds := 1
	if os.Getenv("JRWEB_TORTURE") != "" {
		rounds = 10
	}
	for range rounds {
		put()
		first := leader(t, url)
		servers[first].Kill()
		put()
		second := leader(t, url)
		servers[second].Kill()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := replicas[0].put(ctx, "unknown"); err == nil {
			t.Error("one server of three has acknowledged a change")
		}
		cancel()
		servers[first].Restart()
		put()
		servers[second].Restart()
		allCurrent(t, url) // else the next round kills a server that nobody can do without
	}
	wantSame(t, replicas...)
	got := slices.DeleteFunc(replicas[0].keys(), func(key string) bool { return key == "unknown" })
	if !slices.Equal(got, want) {
		t.Errorf("there are %d keys, %d were acknowledged", len(got), len(want))
	}
}

// leader returns the number of the server that leads the stream.
func leader(t *testing.T, url string) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(clusterInfo(t, url).Leader, "n%d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// allCurrent waits until every server has the whole stream.
func allCurrent(t *testing.T, url string) {
	t.Helper()
	behind := func(p *jetstream.PeerInfo) bool { return !p.Current || p.Offline }
	for began := time.Now(); slices.ContainsFunc(clusterInfo(t, url).Replicas, behind); <-time.After(time.Second / 10) {
		if time.Since(began) > 2*time.Minute {
			t.Fatal("a server that was started again does not catch up")
		}
	}
}

// clusterInfo asks until there is an answer: while servers elect a leader there is none.
func clusterInfo(t *testing.T, url string) *jetstream.ClusterInfo {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; {
		s, err := js.Stream(t.Context(), stream)
		switch {
		case err == nil && s.CachedInfo().Cluster.Leader != "":
			return s.CachedInfo().Cluster
		case time.Since(began) > 2*time.Minute:
			t.Fatalf("nobody leads the stream: %v", err)
		}
	}
}
