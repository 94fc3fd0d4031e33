package clusterstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// A damaged snapshot is not used: the older one is, or the stream from its beginning. If
// nothing of all that is there, nothing is begun.
func TestADamagedSnapshotIsNotUsed(t *testing.T) {
	url := natstest.Start(t).URL
	js := client(t, url)
	k := newKeeper(t, url)
	k.fill(3)
	shelf := streamNamed(t, js, stream+"-snapshots")
	k.ok(k.Close()) // it makes no more
	parts := partsOf(t, js)
	wantEqual(t, "snapshots", len(parts), 2)
	whole := make(map[string][]byte)
	for _, subject := range parts {
		m, err := shelf.GetLastMsgForSubject(t.Context(), subject)
		k.ok(err)
		whole[subject] = m.Data
	}
	damage := map[string]func([]byte) []byte{
		"a flipped bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut off":         func(b []byte) []byte { return b[:len(b)-1] },
		"something else":  func([]byte) []byte { return []byte("hello") },
		"of another size": func(b []byte) []byte { return append(b, b...) },
	}
	open := func() (unfit int, err error) {
		logger, ch := tellOf(snapshotUnfit)
		path := filepath.Join(t.TempDir(), "jr.db")
		s, err := clusterstore.Open(t.Context(), path, url, stream, &clusterstore.Options{Wait: 5 * time.Second, Logger: logger})
		if err == nil {
			k.ok(s.Close())
		}
		if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
			t.Errorf("there are %v", names)
		}
		return len(ch), err
	}
	for name, change := range damage {
		publish := func(subject string, part []byte) {
			_, err := js.Publish(t.Context(), subject, part)
			k.ok(err)
		}
		alone := 0
		for _, subject := range parts {
			publish(subject, change(bytes.Clone(whole[subject])))
			unfit, err := open()
			if alone += unfit; err != nil {
				t.Errorf("%s: %v", name, err)
			}
			publish(subject, whole[subject])
		}
		wantEqual(t, name+", in one of them: snapshots that are of no use", alone, 1)
		for _, subject := range parts {
			publish(subject, change(bytes.Clone(whole[subject])))
		}
		if unfit, err := open(); !errors.Is(err, store.ErrDamaged) || unfit != 2 {
			t.Errorf("%s, in both of them: %v, with %d snapshots that are of no use", name, err, unfit)
		}
		for _, subject := range parts { // the control
			publish(subject, whole[subject])
		}
		if unfit, err := open(); err != nil || unfit > 0 {
			t.Errorf("%s, mended: %v", name, err)
		}
	}
	k.ok(shelf.Purge(t.Context(), jetstream.WithPurgeSubject(parts[0])))
	k.ok(shelf.Purge(t.Context(), jetstream.WithPurgeSubject(parts[1])))
	if unfit, err := open(); !errors.Is(err, store.ErrDamaged) || unfit != 2 {
		t.Errorf("missing: %v, with %d snapshots that are of no use", err, unfit)
	}
}

// A replica that is of another stream than the snapshots, or ahead of the stream, stops, and
// its file stays.
func TestAReplicaNeverBeginsAnewInAnotherCluster(t *testing.T) {
	url, otherURL := natstest.Start(t).URL, natstest.Start(t).URL
	js := client(t, url)
	k := newKeeper(t, url)
	stranger := newReplica(t, otherURL)
	stranger.ok(stranger.put(t.Context(), "a"))
	stranger.ok(stranger.Close())
	k.fill(3)
	refused := func(what, path string) {
		t.Helper()
		before, err := os.ReadFile(path)
		k.ok(err)
		s, err := clusterstore.Open(t.Context(), path, url, stream, impatient)
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil {
			s.Close()
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the file has changed, %v", what, err)
		}
	}
	refused("a replica of another cluster", stranger.path)
	k.ok(k.Close())
	fresh := newReplica(t, url) // the control
	fresh.ok(fresh.Close())
	k.ok(js.DeleteStream(t.Context(), stream))
	refused("a replica whose stream is gone", k.path)
	if s, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), url, stream, impatient); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a new replica, with snapshots of a stream that is gone: %v", err)
		if err == nil {
			s.Close()
		}
	}
}
