package clusterstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// verified has snapshots and files checked as those of a log.
var verified = &clusterstore.Options{Wait: 2 * time.Second, Verify: func(ctx context.Context, path string) error {
	_, err := dbfile.Check(ctx, path, nil)
	return err
}}

// newDatabase makes a database with some runs, one of which is open.
func newDatabase(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "own.db")
	l, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		s, err := l.Start(t.Context(), fmt.Sprintf("t-%d", n), nil)
		if err == nil {
			_, err = s.Append(t.Context(), says("a"), says("b"))
		}
		if err == nil && n < 2 {
			err = s.Complete(t.Context(), eventlog.Succeeded, "")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// fileContents is all that a database file holds.
func fileContents(t testing.TB, path string) []string {
	t.Helper()
	s, err := filestore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return contents(t, s)
}

// A database becomes a cluster, which goes on, and becomes a database again: nothing is lost or
// changed on the way.
func TestADatabaseMovesIntoAClusterAndBack(t *testing.T) {
	url := natstest.Start(t).URL
	path := newDatabase(t)
	want, before := fileContents(t, path), read(t, path)

	sum, err := clusterstore.Begin(t.Context(), path, url, stream, verified)
	if err != nil || sum.Records != int64(len(want)) {
		t.Fatalf("%v, %v of %d records", err, sum, len(want))
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the database has changed")
	}
	// Once more changes nothing.
	if again, err := clusterstore.Begin(t.Context(), path, url, stream, verified); err != nil || again != sum {
		t.Errorf("once more: %v, %v", again, err)
	}
	a, b := newReplica(t, url), newReplica(t, url)
	if got := contents(t, a); !slices.Equal(got, want) {
		t.Errorf("a replica holds %d records, the database %d, and they are not the same", len(got), len(want))
	}
	la, lb := logOn(t, a, &eventlog.Options{KeepOpen: true}), logOn(t, b, &eventlog.Options{KeepOpen: true})
	sessions, err := la.Task(t.Context(), "t-2")
	a.ok(err)
	open := la.Session("t-2", sessions.Latest)
	lb.append(open, "c")
	la.complete(open)
	wantEqual(t, "events of what was open", fmt.Sprint(la.contents(open)), "[a b c succeeded]")

	// It has another log now than the database, and than any other one.
	if again, err := clusterstore.Begin(t.Context(), path, url, stream, verified); err != nil || again != sum {
		t.Errorf("a cluster that goes on: %v, %v", again, err)
	}
	if _, err := clusterstore.Begin(t.Context(), newDatabase(t), url, stream, verified); !errors.Is(err, clusterstore.ErrOtherLog) {
		t.Errorf("a cluster of another database: %v", err)
	}
	back := filepath.Join(t.TempDir(), "back.db")
	if _, err := clusterstore.Extract(t.Context(), back, url, stream, verified); !errors.Is(err, clusterstore.ErrRunning) {
		t.Errorf("a cluster that runs: %v", err)
	}
	a.ok(la.Log.Close())
	a.ok(lb.Log.Close())
	sum, err = clusterstore.Extract(t.Context(), back, url, stream, verified)
	a.ok(err)
	if got := fileContents(t, back); int64(len(got)) != sum.Records || len(got) <= len(want) {
		t.Errorf("%d records are back of %d, and %d were there before", len(got), sum.Records, len(want))
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(back), "*")); len(names) != 1 {
		t.Errorf("there are %v", names)
	}
	own, err := eventlog.Open(back, &eventlog.Options{KeepOpen: true})
	a.ok(err)
	last := &log{own, a}
	wantEqual(t, "events in the file", fmt.Sprint(last.contents(open)), "[a b c succeeded]")
	a.ok(own.Close())
	if _, err := clusterstore.Extract(t.Context(), back, url, stream, verified); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there: %v", err)
	}
}

// A migration that was broken off anywhere goes on, and until it is done nobody begins with
// half of it.
func TestAMigrationThatIsBrokenOffGoesOn(t *testing.T) {
	url := natstest.Start(t).URL
	js := client(t, url)
	path := newDatabase(t)
	want := fileContents(t, path)
	refused := func(what string) {
		t.Helper()
		s, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), url, stream, impatient)
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil {
			s.Close()
		}
	}
	stop := errors.New("stop")
	for _, c := range []struct {
		name string
		undo func() error // takes back what the last steps have made
	}{
		{"the catalog", func() error {
			return streamNamed(t, js, stream+"-snapshots").Purge(t.Context())
		}},
		{"the snapshots", func() error { return js.DeleteStream(t.Context(), stream+"-snapshots") }},
		{"all but an empty stream", func() error {
			return errors.Join(js.DeleteStream(t.Context(), stream+"-snapshots"), js.DeleteStream(t.Context(), stream), func() error {
				_, err := js.CreateStream(t.Context(), beginning())
				return err
			}())
		}},
	} {
		if _, err := clusterstore.Begin(t.Context(), path, url, stream, verified); err != nil {
			t.Fatalf("before %s is undone: %v", c.name, err)
		}
		if err := c.undo(); err != nil {
			t.Fatal(err)
		}
		refused("without " + c.name)
	}
	if _, err := clusterstore.Begin(t.Context(), path, url, stream, verified); err != nil {
		t.Fatal(err)
	}
	// On the way back, too.
	back := filepath.Join(t.TempDir(), "back.db")
	o := *verified
	o.Verify = func(context.Context, string) error { return stop }
	if _, err := clusterstore.Extract(t.Context(), back, url, stream, &o); !errors.Is(err, stop) {
		t.Errorf("a file that is not good: %v", err)
	}
	if _, err := os.Lstat(back); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not good is there: %v", err)
	}
	if _, err := clusterstore.Extract(t.Context(), back, url, stream, verified); err != nil {
		t.Fatal(err)
	}
	if got := fileContents(t, back); !slices.Equal(got, want) {
		t.Errorf("%d records are back of %d, and they are not the same", len(got), len(want))
	}
}

// beginning is the stream of a migration of which nothing else is done.
func beginning() jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: stream, Subjects: []string{"jrweb." + stream}, Storage: jetstream.FileStorage, DenyDelete: true, FirstSeq: 2}
}

// A stream that has a log does not get another one.
func TestAClusterThatHasALogDoesNotBeginAgain(t *testing.T) {
	url := natstest.Start(t).URL
	r := newReplica(t, url)
	r.ok(r.put(t.Context(), "a"))
	if _, err := clusterstore.Begin(t.Context(), newDatabase(t), url, stream, verified); !errors.Is(err, clusterstore.ErrOtherLog) {
		t.Errorf("a cluster with a log: %v", err)
	}
	r.ok(r.put(t.Context(), "b"))
	wantSame(t, r, newReplica(t, url))
}
