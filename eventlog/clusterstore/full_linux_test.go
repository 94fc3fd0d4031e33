package clusterstore_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/disktest"
	"jrweb/internal/natstest"
	"jrweb/router"
	"jrweb/streamer"
)

// A disk that is full stops the replica that is on it, and nobody else. With more room it
// begins again.
func TestAFullDiskStopsOneReplicaThatBegins(t *testing.T) {
	d := disktest.NewSmall(t, "200k")
	url := natstest.Start(t).URL
	k := newKeeper(t, url)
	k.fill(3)
	path := filepath.Join(d.Dir, "jr.db")
	for range 2 {
		if s, err := clusterstore.Open(t.Context(), path, url, stream, nil); !errors.Is(err, store.ErrFull) {
			t.Errorf("without room: %v", err)
			if err == nil {
				s.Close()
			}
		}
		if names, _ := filepath.Glob(filepath.Join(d.Dir, "*")); len(names) != 1 {
			t.Errorf("there are %v", names)
		}
	}
	k.fill(1)
	d.Resize("64m")
	r := openReplica(t, path, url, nil)
	wantSame(t, k.replica, r)
	k.ok(r.Close()) // before the file system goes
}

// A disk that fills up while its replica is the writer makes another one the writer, and later
// stops this one, which says so. All others go on. With more room it comes back, and has
// everything.
func TestAFullDiskStopsOneReplicaThatRuns(t *testing.T) {
	d := disktest.NewSmall(t, "40m")
	url := natstest.Start(t).URL
	full := logOn(t, openReplica(t, filepath.Join(d.Dir, "jr.db"), url, nil), nil)
	full.ok(full.Probe(t.Context()))
	other, third := newLog(t, url, nil), newLog(t, url, nil)
	s := full.start("t-1", nil)
	writes := func(l *log) bool { return l.NotifyingStore.(store.ClusterStore).Cluster().Writer }
	wantEqual(t, "the replica on the small disk is the writer", writes(full), true)

	d.Leave(0)
	var acked []string
	refused := 0
	padding := strings.Repeat("x", 1<<20)
	// say appends by one of the logs, and reports whether there was room.
	say := func(by *log) bool {
		t.Helper()
		content := fmt.Sprint(len(acked), " ", padding)
		switch err := err2(by.here(s).Append(t.Context(), says(content))); {
		case err == nil:
			acked = append(acked, content)
			return true
		case !errors.Is(err, eventlog.ErrFull):
			t.Fatalf("append %d: %v", len(acked), err)
		}
		refused++
		return false
	}
	for until := time.Now().Add(patience); writes(full); say(other) {
		if time.Now().After(until) {
			t.Fatalf("after %d appends the replica is still the writer, and %d were refused", len(acked), refused)
		}
	}
	t.Logf("after %d appends %d were refused, then another replica was the writer", len(acked), refused)
	if refused == 0 {
		t.Error("nothing was refused: this shows nothing")
	}
	// What it cannot take into its file it keeps in memory, for a while.
	for until := time.Now().Add(patience); full.Err() == nil; {
		if !say(third) {
			t.Fatal("the writer has room, and refuses an append")
		}
		if time.Now().After(until) {
			t.Fatal("the replica goes on without room")
		}
	}
	if err := full.Err(); !errors.Is(err, store.ErrFailed) || !errors.Is(err, store.ErrFull) {
		t.Errorf("it ended with %v", err)
	}
	wantEqual(t, "it is ready", readiness(t, full.Log), "503 storage_failed")
	for _, l := range []*log{other, third} {
		wantEqual(t, "another one is ready", readiness(t, l.Log), "200 ")
		say(l)
	}
	third.ok(third.CatchUp(t.Context()))
	if got := third.contents(s); !slices.Equal(got, acked) {
		t.Errorf("another one has %d events, and %d were acknowledged", len(got), len(acked))
	}

	_ = full.Log.Close() // says once more that it has failed
	d.Empty()
	d.Resize("400m")
	back := openReplica(t, full.path, url, nil)
	back.barrier()
	other.barrier()
	wantEqual(t, "what both hold", sumOf(back), sumOf(other.replica))
	back.ok(back.Close()) // before the file system goes
}

// sumOf is the sum of all that a replica holds: it is much.
func sumOf(r *replica) (sum store.Sum) {
	r.Helper()
	r.ok(r.View(r.Context(), func(v store.Reader) (err error) {
		sum, err = store.SumOf(r.Context(), v)
		return err
	}))
	return sum
}

// readiness is what /readyz of a log answers.
func readiness(t testing.TB, l *eventlog.Log) string {
	t.Helper()
	handler, err := router.New(l, streamer.New(l, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/readyz", nil))
	_, problem, _ := strings.Cut(w.Body.String(), "urn:jrweb:problem:")
	problem, _, _ = strings.Cut(problem, `"`)
	return fmt.Sprintf("%d %s", w.Code, problem)
}

// A replica whose disk has no room for a copy of its file makes no snapshot, and goes on; another
// one makes it.
func TestAFullDiskKeepsNobodyElseFromMakingASnapshot(t *testing.T) {
	d := disktest.NewSmall(t, "64m")
	url := natstest.Start(t).URL
	logger, failed := tellOf(snapshotNotMade)
	o := &clusterstore.Options{SnapshotBytes: 12 << 20, Wait: time.Second / 2, Logger: logger}
	full := openReplica(t, filepath.Join(d.Dir, "jr.db"), url, o)
	n := 0
	write := func(r *replica, writes int) {
		t.Helper()
		for range writes {
			noise := make([]byte, 100<<10) // it cannot be compressed
			_, _ = rand.Read(noise)
			r.ok(r.Update(t.Context(), func(tx store.Tx) error {
				tx.Put(store.Tasks, fmt.Appendf(nil, "%d", n), noise)
				return nil
			}))
			if n++; n%10 == 0 {
				r.ok(r.NotifyingStore.(store.CheckpointStore).Checkpoint(t.Context()))
			}
		}
	}
	write(full, 100) // not yet enough for one
	file, err := os.Stat(full.path)
	full.ok(err)
	d.Leave(file.Size() * 3 / 4) // for the file, and not for a copy
	for until := time.Now().Add(patience); len(failed) == 0; write(full, 1) {
		if time.Now().After(until) {
			t.Fatalf("a file of %d bytes is copied where %d are free", file.Size(), file.Size()*3/4)
		}
	}
	full.ok(full.put(t.Context(), "it goes on"))
	if names, _ := filepath.Glob(filepath.Join(d.Dir, "*")); len(names) > 2 {
		t.Errorf("without room there are %v", names)
	}

	logger, made := tellOf(snapshotMade)
	other := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, &clusterstore.Options{SnapshotBytes: 1 << 20, Wait: time.Second / 2, Logger: logger})
	write(other, 20)
	wait(t, "a snapshot of another replica", made)
	wantSame(t, full, other, newReplica(t, url))
	full.ok(full.Close()) // before the file system goes
}
