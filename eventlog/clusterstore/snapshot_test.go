package clusterstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// told is a logger that reports a line, each time it is logged.
type told struct {
	slog.Handler
	line string
	tell func()
}

// Enabled implements [slog.Handler].
func (told) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (t told) Handle(_ context.Context, r slog.Record) error {
	if r.Message == t.line {
		t.tell()
	}
	return nil
}

func tellOf(line string) (*slog.Logger, <-chan struct{}) {
	ch := make(chan struct{}, 1000)
	return slog.New(told{slog.DiscardHandler, line, func() { ch <- struct{}{} }}), ch
}

const (
	snapshotMade    = "a snapshot was made"
	snapshotNotMade = "no snapshot was made"
	snapshotUnfit   = "a snapshot cannot be used"
	beganAnew       = "the replica begins with a snapshot"
)

// often makes a snapshot every few messages of fill.
const often = 100 << 10

// keeper is a replica that makes snapshots.
type keeper struct {
	*replica
	made <-chan struct{}
	n    int
}

func newKeeper(t testing.TB, url string) *keeper {
	t.Helper()
	logger, made := tellOf(snapshotMade)
	return &keeper{openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, &clusterstore.Options{SnapshotBytes: often, Wait: time.Second, Logger: logger}), made, 0}
}

// fill writes some keys, and every other time removes one, until n more snapshots are made.
func (k *keeper) fill(n int) {
	k.Helper()
	for until := time.Now().Add(patience); n > 0; {
		if time.Now().After(until) {
			k.Fatalf("%d snapshots are not made", n)
		}
		k.n++
		noise := make([]byte, 10<<10) // it cannot be compressed
		_, _ = rand.Read(noise)
		k.ok(k.Update(k.Context(), func(tx store.Tx) error {
			tx.Put(store.Tasks, fmt.Appendf(nil, "%d", k.n), noise)
			tx.Delete(store.Tasks, fmt.Appendf(nil, "%d", k.n/2))
			return nil
		}))
		select {
		case <-k.made:
			n--
		default:
		}
	}
}

func snapshots(s store.Store) store.Snapshots { return s.(store.ClusterStore).Cluster().Snapshots }

// first returns the position of the first message of the stream.
func first(t testing.TB, s jetstream.Stream) uint64 {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.State.FirstSeq
}

// client is a client of the engine beside the replicas.
func client(t testing.TB, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func streamNamed(t testing.TB, js jetstream.JetStream, name string) jetstream.Stream {
	t.Helper()
	s, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The stream keeps what comes after two snapshots, and replicas that are new, or lag behind
// what it keeps, begin with one.
func TestANewOrLostReplicaBeginsWithASnapshot(t *testing.T) {
	url := natstest.Start(t).URL
	js := client(t, url)
	k := newKeeper(t, url)
	log := streamNamed(t, js, stream)
	k.fill(1)
	wantEqual(t, "first message after one snapshot", first(t, log), 1)

	lagging := newReplica(t, url)
	wantSame(t, k.replica, lagging)
	lagging.ok(lagging.Close())
	behind, err := filestore.PlaceOf(lagging.path)
	lagging.ok(err)

	k.fill(3)
	if got := first(t, log); got <= behind.Position+1 {
		t.Fatalf("the stream begins with message %d, and %d of a replica is the last", got, behind.Position)
	}
	logger, began := tellOf(beganAnew)
	o := &clusterstore.Options{Logger: logger}
	lagging.o = o
	lagging.open()
	wait(t, "the beginning with a snapshot of the lagging replica", began)
	fresh := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, o)
	wait(t, "the beginning with a snapshot of a new replica", began)
	wantSame(t, k.replica, lagging, fresh)
	// They go on as all others do, also after a restart.
	fresh.ok(fresh.put(t.Context(), "after"))
	fresh.ok(fresh.Close())
	fresh.open()
	wantSame(t, k.replica, lagging, fresh)

	stats := snapshots(k.NotifyingStore)
	if stats.Made < 4 {
		t.Errorf("it has made %d snapshots, want 4", stats.Made)
	}
	wantEqual(t, "snapshots that failed", stats.Failed, 0)
	if stats.Position < first(t, log) || stats.Bytes <= 0 || stats.Stored <= 0 || time.Since(stats.Taken) > time.Minute {
		t.Errorf("the newest snapshot is %+v", stats)
	}
	// Two of them are kept, and nothing of the others.
	info, err := streamNamed(t, js, stream+"-snapshots").Info(t.Context())
	k.ok(err)
	if most := 2*(stats.Stored/(512<<10)+2) + 1; int64(info.State.Msgs) > most {
		t.Errorf("%d messages are kept for two snapshots, %d at most", info.State.Msgs, most)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(k.path), "*")); len(names) != 1 {
		t.Errorf("snapshots have left %v", names)
	}
}

// Several replicas make one snapshot at a time, and no more than one would.
func TestOneReplicaAtATimeMakesSnapshots(t *testing.T) {
	url := natstest.Start(t).URL
	keepers := []*keeper{newKeeper(t, url), newKeeper(t, url), newKeeper(t, url)}
	made := make(chan struct{}, 1000)
	for _, k := range keepers[1:] {
		go func() {
			for range k.made {
				made <- struct{}{}
			}
		}()
	}
	one := keepers[0]
	all := one.made
	for n := 0; n < 5; {
		one.n++
		one.ok(one.put(t.Context(), strings.Repeat(fmt.Sprint(one.n), 2000)))
		select {
		case <-all:
			n++
		case <-made:
			n++
		default:
		}
	}
	wantSame(t, one.replica, keepers[1].replica, keepers[2].replica)
	sum := 0
	for _, k := range keepers {
		stats := snapshots(k.NotifyingStore)
		sum += stats.Made
		wantEqual(t, "snapshots that failed", stats.Failed, 0)
	}
	if sum > 6 {
		t.Errorf("%d snapshots were made, where 5 were due", sum)
	}
}

// A replica that stood still while the stream forgot what it lacks fails at once, and comes
// back by a snapshot when it is opened again.
func TestAReplicaThatLaggedBehindThePurgeComesBack(t *testing.T) {
	server := natstest.Start(t)
	js := client(t, server.URL)
	k := newKeeper(t, server.URL)
	k.fill(1)
	o := &clusterstore.Options{Wait: 5 * time.Second}
	lagging := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), server.URL, o)
	failed := make(chan error, 1)
	proceed, held := make(chan struct{}), make(chan struct{}, 1000)
	lagging.ok(lagging.Notify(t.Context(), func(store.Reader) error { return nil },
		func(store.Commit) {
			held <- struct{}{}
			<-proceed // as a process does that is stopped
		}, func(err error) { failed <- err }))
	k.fill(1)
	wait(t, "a commit", held)
	at := first(t, streamNamed(t, js, stream))
	for first(t, streamNamed(t, js, stream)) < at+400 { // more than the consumer has asked for
		k.fill(1)
	}
	close(proceed)
	select {
	case err := <-failed:
		if !errors.Is(err, clusterstore.ErrBehind) || !errors.Is(err, store.ErrFailed) {
			t.Errorf("it failed with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it does not fail")
	}
	if err := lagging.put(t.Context(), "a"); !errors.Is(err, clusterstore.ErrBehind) {
		t.Errorf("an Update returned %v", err)
	}
	lagging.ok(lagging.Close())
	lagging.open()
	wantSame(t, k.replica, lagging)
}

// A message that is gone is never passed over. A replica that lacks it begins with a snapshot that
// has it; without one it is not opened.
func TestAHoleIsNeverPassedOver(t *testing.T) {
	url := natstest.Start(t).URL
	makeStream(t, url, func(c *jetstream.StreamConfig) { c.DenyDelete = false })
	messages := streamNamed(t, client(t, url), stream)
	last := func() uint64 {
		info, err := messages.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.State.LastSeq
	}
	k := newKeeper(t, url)
	k.ok(k.put(t.Context(), "before"))
	logger, began := tellOf(beganAnew)
	lacks := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, &clusterstore.Options{Wait: time.Second / 2, Logger: logger})
	wantSame(t, k.replica, lacks)
	lacks.ok(lacks.Close())
	behind := last()
	k.ok(k.put(t.Context(), "there"))
	k.ok(k.put(t.Context(), "gone"))
	k.ok(k.Update(t.Context(), func(tx store.Tx) error { // a snapshot comes after it, and one only
		tx.Put(store.Tasks, []byte("large"), make([]byte, often))
		return nil
	}))
	wait(t, "a snapshot", k.made)
	wantEqual(t, "the first message", first(t, messages), 1)
	k.ok(messages.DeleteMsg(t.Context(), behind+2))
	lacks.open()
	wait(t, "the beginning with a snapshot of one that lacks a message", began)
	wantSame(t, k.replica, lacks, newReplica(t, url))
	lacks.ok(lacks.Close())

	at := last()
	for _, key := range []string{"a", "b", "c"} {
		k.ok(k.put(t.Context(), key))
	}
	k.ok(messages.DeleteMsg(t.Context(), at+2))
	for path, what := range map[string]string{lacks.path: "one that lacks it", filepath.Join(t.TempDir(), "jr.db"): "a new one"} {
		s, err := clusterstore.Open(t.Context(), path, url, stream, lacks.o)
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("a message behind all snapshots is gone, and %s: %v", what, err)
		}
		if err == nil {
			s.Close()
		}
	}
	k.ok(k.put(t.Context(), "who has it goes on"))
}

// A snapshot counts when it was stored, read back and found good, and not before: a replica that
// breaks off leaves none, and another one makes the next.
func TestHalfASnapshotNeverCounts(t *testing.T) {
	url := natstest.Start(t).URL
	js := client(t, url)
	bad := errors.New("not good")
	logger, failed := tellOf(snapshotNotMade)
	broken := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, &clusterstore.Options{
		SnapshotBytes: often, Wait: time.Second / 4, Logger: logger,
		Verify: func(_ context.Context, path string) error {
			if at, err := filestore.PlaceOf(path); err != nil || at.Position == 0 {
				t.Errorf("the copy is at %v, %v", at, err)
			}
			return bad
		},
	})
	write := func(n int) {
		for range n {
			broken.ok(broken.put(t.Context(), rand.Text()+strings.Repeat("x", 10000)))
		}
	}
	write(20)
	wait(t, "a snapshot that is not good", failed)
	fresh := newReplica(t, url) // it reads the stream from its beginning
	wantSame(t, broken, fresh)
	wantEqual(t, "snapshots", snapshots(broken.NotifyingStore).Position, 0)
	broken.ok(broken.Close())

	// As one leaves it that is killed: a claim, and half of the parts.
	subject := "jrweb." + stream + ".snapshots."
	for n := range 3 {
		_, err := js.Publish(t.Context(), fmt.Sprintf("%sdead.%d", subject, n), []byte("half"))
		broken.ok(err)
	}
	_, err := js.Publish(t.Context(), subject+"catalog", []byte(`{"version":1,"claim":"dead","snapshots":[]}`))
	broken.ok(err)
	logger, made := tellOf(snapshotMade)
	next := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, &clusterstore.Options{SnapshotBytes: often, Wait: time.Second / 4, Logger: logger})
	wait(t, "a snapshot after the claim of a dead one has grown old", made)
	wantSame(t, next, fresh, newReplica(t, url))
	info, err := streamNamed(t, js, stream+"-snapshots").Info(t.Context(), jetstream.WithSubjectFilter(subject+"dead.*"))
	next.ok(err)
	wantEqual(t, "parts of the dead one", len(info.State.Subjects), 0)
}

// Snapshots come and go, and the stream is purged, while a replica reads them.
func TestAReplicaBeginsWhileSnapshotsComeAndGo(t *testing.T) {
	url := natstest.Start(t).URL
	k := newKeeper(t, url)
	k.fill(1)
	gone, beside := 1, 2 // how often
	if os.Getenv("JRWEB_TORTURE") != "" {
		gone, beside = 3, 10
	}
	began := 0
	slow := slog.New(told{slog.DiscardHandler, beganAnew, func() {
		if began++; began <= gone {
			k.fill(2) // what it has chosen is gone now
		}
	}})
	wantSame(t, k.replica, openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, &clusterstore.Options{Logger: slow}))
	wantEqual(t, "snapshots that were tried", began, gone+1)

	// Beside it, at any time.
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				k.fill(1)
			}
		}
	}()
	for range beside {
		newReplica(t, url)
	}
	close(stop)
	<-stopped
	wantSame(t, k.replica, newReplica(t, url))
}

// Snapshots are kept by as many servers as the stream, and outlive each of them.
func TestSnapshotsOutliveAServer(t *testing.T) {
	servers, url := natstest.StartCluster(t, 3)
	logger, made := tellOf(snapshotMade)
	k := &keeper{openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, &clusterstore.Options{
		Replicas: 3, SnapshotBytes: often, Wait: patience, Logger: logger,
	}), made, 0}
	k.fill(1)
	dead := servers[leader(t, url)]
	if os.Getenv("JRWEB_TORTURE") == "" { // an election takes seconds
		dead = servers[follower(t, url, stream, stream+"-snapshots")]
	}
	dead.Kill()
	k.fill(2)
	fresh := newReplica(t, url)
	wantSame(t, k.replica, fresh)
	dead.Restart()
	k.fill(1)
	wantSame(t, k.replica, fresh, newReplica(t, url))
}

// follower returns the number of a server that leads none of some streams.
func follower(t testing.TB, url string, names ...string) (n int) {
	t.Helper()
	js, leads := client(t, url), make(map[string]bool)
	for _, name := range names {
		leads[streamNamed(t, js, name).CachedInfo().Cluster.Leader] = true
	}
	for leads[fmt.Sprintf("n%d", n)] {
		n++
	}
	return n
}
