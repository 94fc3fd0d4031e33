package clusterstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// One replica keeps the rules of every store.
func TestAReplicaPasses(t *testing.T) {
	server := natstest.Start(t)
	eventlogtest.TestStore(t, func(t testing.TB, dir string) store.Store {
		// A stream for each folder: what was written there must be there again.
		name := strings.NewReplacer("/", "_", ".", "_").Replace(dir)
		s, err := clusterstore.Open(t.Context(), filepath.Join(dir, "jr.db"), server.URL, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// Every writer adds to the same value, so an Update that did not see the one before it, or
// that is made twice, shows.
func TestReplicasMakeTheSameCommits(t *testing.T) {
	url := natstest.Start(t).URL
	replicas := []*replica{newReplica(t, url), newReplica(t, url), newReplica(t, url)}
	const each = 60
	var writing sync.WaitGroup
	for i, r := range replicas {
		for w := range 2 {
			mark := byte('a' + 2*i + w)
			writing.Go(func() {
				for n := range each {
					if err := r.add(t.Context(), "all", mark); err != nil {
						t.Error(err)
						return
					}
					if got := strings.Count(r.get("all"), string(mark)); got != n+1 {
						t.Errorf("%d of the writer's own %d changes are seen", got, n+1)
						return
					}
				}
			})
		}
	}
	writing.Wait()
	wantSame(t, replicas...)
	got := replicas[0].get("all")
	for mark := byte('a'); mark < 'a'+6; mark++ {
		wantEqual(t, fmt.Sprintf("changes of writer %c", mark), strings.Count(got, string(mark)), each)
	}
}

// What is heard of is every commit, in order, and once.
func TestAReplicaTellsOfEveryCommit(t *testing.T) {
	url := natstest.Start(t).URL
	listener, other := newReplica(t, url), newReplica(t, url)
	var heard []string
	last := make(chan struct{})
	listener.ok(listener.put(t.Context(), "before"))
	err := listener.Notify(t.Context(), func(r store.Reader) error {
		if r.Get(store.Tasks, []byte("before")) == nil {
			t.Error("what was committed before is not there")
		}
		return nil
	}, func(c store.Commit) {
		for op := range c.Ops {
			heard = append(heard, fmt.Sprintf("%s %v %v", op.Key, op.Delete, c.Own))
			if string(op.Key) == "last" {
				close(last)
			}
		}
	}, nil)
	listener.ok(err)
	var want []string
	for n := range 10 {
		key := fmt.Sprint(n)
		by := []*replica{listener, other}[n%2]
		by.ok(by.put(t.Context(), key))
		want = append(want, fmt.Sprintf("%s false %v", key, n%2 == 0))
	}
	other.ok(other.Update(t.Context(), func(tx store.Tx) error {
		tx.Delete(store.Tasks, []byte("3"))
		tx.Put(store.Tasks, []byte("last"), nil)
		return nil
	}))
	wait(t, "the last commit", last)
	want = append(want, "3 true false", "last false false")
	if !slices.Equal(heard, want) {
		t.Errorf("heard of\n%q, want\n%q", heard, want)
	}
}

func TestAFileBelongsToOneStreamAndOneProcess(t *testing.T) {
	url := natstest.Start(t).URL
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, url)
	r.ok(r.put(t.Context(), "a"))
	refused := func(what string, want error) {
		t.Helper()
		if s, err := clusterstore.Open(t.Context(), r.path, url, stream, impatient); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
			if err == nil {
				s.Close()
			}
		}
	}
	refused("a file that another replica has open", store.ErrHeld)
	r.ok(r.Close())
	if _, err := filestore.Open(r.path, nil); !errors.Is(err, store.ErrReplica) {
		t.Errorf("a replica opened as a database of its own: %v", err)
	}
	r.open() // the control
	r.ok(r.put(t.Context(), "b"))
	r.ok(r.Close())

	r.ok(js.DeleteStream(t.Context(), stream))
	refused("a stream that is gone", store.ErrDamaged)
	other := newReplica(t, url)
	for range 10 {
		other.ok(other.put(t.Context(), "c"))
	}
	other.ok(other.Close())
	refused("a stream that was made anew", store.ErrDamaged)

	r.path = filepath.Join(t.TempDir(), "own.db")
	own, err := filestore.Open(r.path, nil)
	r.ok(err)
	r.ok(own.Update(t.Context(), func(tx store.Tx) error { tx.Put(store.Tasks, []byte("a"), nil); return nil }))
	r.ok(own.Close())
	refused("a database of its own", nil)

	// A hole is never passed over, and neither is a purge.
	r.path = filepath.Join(t.TempDir(), "behind.db")
	behind, err := js.Stream(t.Context(), stream)
	r.ok(err)
	r.ok(behind.Purge(t.Context(), jetstream.WithPurgeSequence(5)))
	refused("a stream without its beginning", store.ErrDamaged)

	r.ok(js.DeleteStream(t.Context(), stream))
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{"jrweb." + stream}, MaxMsgs: 10})
	r.ok(err)
	r.path = filepath.Join(t.TempDir(), "new.db")
	refused("a stream that forgets", nil)
}

// A message that is changed, missing or twice in the stream is never applied.
func TestAMessageThatDoesNotFitStopsAReplica(t *testing.T) {
	server := natstest.Start(t)
	conn, err := nats.Connect(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(last []byte) []byte{
		"a flipped bit":       func(last []byte) []byte { last[len(last)-1] ^= 1; return last },
		"a message of others": func([]byte) []byte { return []byte("hello") },
		"nothing":             func([]byte) []byte { return nil },
		"the last one again":  func(last []byte) []byte { return last },
		"a newer version":     func(last []byte) []byte { last[0]++; return last },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplica(t, server.URL)
			defer func() { r.ok(js.DeleteStream(t.Context(), stream)) }()
			failed := make(chan struct{})
			r.ok(r.Notify(t.Context(), func(store.Reader) error { return nil }, func(store.Commit) {}, func(error) { close(failed) }))
			r.ok(r.put(t.Context(), "a"))
			s, err := js.Stream(t.Context(), stream)
			r.ok(err)
			last, err := s.GetLastMsgForSubject(t.Context(), "jrweb."+stream)
			r.ok(err)
			_, err = js.Publish(t.Context(), "jrweb."+stream, change(last.Data))
			r.ok(err)
			wait(t, "the failure", failed)
			if err := r.put(t.Context(), "b"); !errors.Is(err, store.ErrFailed) {
				t.Errorf("an Update returned %v", err)
			}
			if err := r.View(t.Context(), func(store.Reader) error { return nil }); !errors.Is(err, store.ErrFailed) {
				t.Errorf("a View returned %v", err)
			}
		})
	}
}
