package clusterstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

func TestMain(m *testing.M) {
	if said := os.Getenv(childVariable); said != "" {
		if err := writeForEver(said); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if said := os.Getenv(migrationVariable); said != "" {
		if err := migrate(said); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if said := os.Getenv(serverVariable); said != "" {
		fmt.Fprintln(os.Stderr, serve(said))
		os.Exit(1)
	}
	natstest.Main(m)
}

// stream is the name of the stream of a test.
const stream = "log"

// replica is an open store of a test.
type replica struct {
	testing.TB
	store.NotifyingStore
	path, url string
	o         *clusterstore.Options
}

func openReplica(t testing.TB, path, url string, o *clusterstore.Options) *replica {
	t.Helper()
	r := &replica{TB: t, path: path, url: url, o: o}
	r.open()
	return r
}

func (r *replica) open() {
	r.Helper()
	s, err := clusterstore.Open(r.Context(), r.path, r.url, stream, r.o)
	r.ok(err)
	r.NotifyingStore = s
	r.Cleanup(func() { s.Close() })
}

func (r *replica) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func newReplica(t testing.TB, url string) *replica {
	t.Helper()
	return openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, nil)
}

// put writes a key with its own name as value.
func (r *replica) put(ctx context.Context, key string) error {
	return r.Update(ctx, func(tx store.Tx) error {
		tx.Put(store.Tasks, []byte(key), []byte(key))
		return nil
	})
}

// add adds a mark to a value, as every other writer does.
func (r *replica) add(ctx context.Context, key string, mark byte) error {
	return r.Update(ctx, func(tx store.Tx) error {
		tx.Put(store.Tasks, []byte(key), append(bytes.Clone(tx.Get(store.Tasks, []byte(key))), mark))
		return nil
	})
}

// barrier makes the replica know all that was committed.
func (r *replica) barrier() {
	r.Helper()
	r.ok(r.Update(r.Context(), func(store.Tx) error { return nil }))
}

// keys returns the keys of the bucket that put and add write to.
func (r *replica) keys() (keys []string) {
	r.Helper()
	r.ok(r.View(r.Context(), func(v store.Reader) error {
		for key := range v.Ascend(store.Tasks, nil, nil) {
			keys = append(keys, string(key))
		}
		return nil
	}))
	return keys
}

func (r *replica) get(key string) (value string) {
	r.Helper()
	r.ok(r.View(r.Context(), func(v store.Reader) error {
		value = string(v.Get(store.Tasks, []byte(key)))
		return nil
	}))
	return value
}

// contents is all that a store holds.
func contents(t testing.TB, s store.Store) (all []string) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) error {
		for _, b := range store.Buckets() {
			for key, value := range r.Ascend(b, nil, nil) {
				all = append(all, fmt.Sprintf("%s %x %x", b, key, value))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantSame checks that all stores hold the same.
func wantSame(t testing.TB, replicas ...*replica) {
	t.Helper()
	for _, r := range replicas {
		r.barrier()
	}
	// The barriers of the later ones are still on their way to the earlier ones; they change
	// nothing.
	want := contents(t, replicas[0])
	if len(want) == 0 {
		t.Error("the stores hold nothing")
	}
	for i, r := range replicas[1:] {
		if got := contents(t, r); !slices.Equal(got, want) {
			t.Errorf("replica %d holds %d records, the first one %d, and they are not the same", i+1, len(got), len(want))
		}
	}
}

// log is a log on a replica.
type log struct {
	*eventlog.Log
	*replica
}

func newLog(t testing.TB, url string, o *eventlog.Options) *log {
	t.Helper()
	r := newReplica(t, url)
	return logOn(t, r, o)
}

func logOn(t testing.TB, r *replica, o *eventlog.Options) *log {
	t.Helper()
	l, err := eventlog.New(r.NotifyingStore, o)
	r.ok(err)
	t.Cleanup(func() { l.Close() })
	return &log{l, r}
}

func (l *log) start(task string, o *eventlog.StartOptions) *eventlog.Session {
	l.Helper()
	s, err := l.Start(l.Context(), task, o)
	l.ok(err)
	return s
}

// here is a handle to a session on another log.
func (l *log) here(s *eventlog.Session) *eventlog.Session { return l.Session(s.Task(), s.ID()) }

func (l *log) append(s *eventlog.Session, contents ...string) {
	l.Helper()
	var events []eventlog.Event
	for _, c := range contents {
		events = append(events, says(c))
	}
	_, err := l.here(s).Append(l.Context(), events...)
	l.ok(err)
}

func (l *log) complete(s *eventlog.Session) {
	l.Helper()
	l.ok(l.here(s).Complete(l.Context(), eventlog.Succeeded, ""))
}

// contents are the events of a session.
func (l *log) contents(s *eventlog.Session) (all []string) {
	l.Helper()
	for e, err := range l.here(s).Events(l.Context(), 0) {
		l.ok(err)
		all = append(all, contentOf(e))
	}
	return all
}

func (l *log) info(s *eventlog.Session) eventlog.SessionInfo {
	l.Helper()
	info, err := l.here(s).Info(l.Context())
	l.ok(err)
	return info
}

func says(content string) eventlog.Event {
	data, _ := json.Marshal(map[string]string{"content": content}) // a string can be encoded
	return eventlog.Event{Type: eventlog.TypeAssistant, Data: data}
}

func contentOf(e eventlog.Event) string {
	var data struct{ Content, Status string }
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return err.Error()
	}
	return data.Content + data.Status
}

func wantEqual[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// wait waits for a channel.
func wait(t testing.TB, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatalf("%s does not come", what)
	}
}
